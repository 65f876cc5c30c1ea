import Machine
import Testing

/// A crypttab line on a loop device, what opens it, and what device-mapper is to say of it afterwards.
private struct Option: CustomStringConvertible {
    let image: String
    var key = "none"
    var options = "luks"
    /// Words of device-mapper's table; with a minus, words that must not stand there.
    var table: [String] = []
    var readOnly = false

    var description: String { "\(image) \(key) \(options)" }
}

private let options = [
    Option(image: "luks2", table: ["-allow_discards"]),
    Option(image: "luks1"),
    Option(image: "detached", options: "luks,header=/lab/detached.header"),
    Option(image: "offset", key: "/lab/keyfile", options: "luks,keyfile-offset=100,keyfile-size=64"),
    Option(image: "keyed", key: "/lab/keyfile"),
    Option(image: "slot", options: "luks,key-slot=1"),
    Option(image: "luks2", options: "luks,discard", table: ["allow_discards"]),
    Option(
        image: "luks2", options: "luks,no-read-workqueue,no-write-workqueue",
        table: ["no_read_workqueue", "no_write_workqueue"]),
    Option(
        image: "luks2", options: "luks,same-cpu-crypt,submit-from-crypt-cpus",
        table: ["same_cpu_crypt", "submit_from_crypt_cpus"]),
    Option(image: "luks2", options: "luks,readonly", readOnly: true),
]

extension BootTests {
    @Test func `every option of a crypttab line reaches device-mapper`() async throws {
        try await boot(Lab.setup, name: "lab-options") { machine in
            let lab = try await Lab(machine)
            for option in options {
                let device = try await lab.loop(option.image)
                try await lab.startAgent("\(option.image) \(device) \(option.key) \(option.options)")
                if option.key == "none" {
                    #expect(try await lab.unlock(passphrase).status == ExitCode.success, "\(option)")
                }
                #expect(try await lab.agentStatus() == ExitCode.success, "\(option)")
                let marker = try await lab.run("head -n 1 /dev/mapper/\(option.image)")
                #expect(marker == "postern member \(option.image)\n", "\(option)")
                let table = try await lab.run("dmsetup table \(option.image)").split(whereSeparator: \.isWhitespace)
                for word in option.table {
                    #expect(table.contains(word.drop { $0 == "-" }) == !word.hasPrefix("-"), "\(option): \(table)")
                }
                let readOnly = try await lab.run("blockdev --getro /dev/mapper/\(option.image)")
                #expect(readOnly == (option.readOnly ? "1\n" : "0\n"), "\(option)")
                try await lab.clear()
            }
        }
    }

    @Test func `a device is found by each of its names`() async throws {
        var setup = Lab.setup
        setup.disks += ["table"]
        try await boot(setup, name: "lab-names") { machine in
            let lab = try await Lab(machine)
            for name in ["PARTUUID={table}", "PARTLABEL=postern-part", "LABEL=postern-label", "/dev/vdb1"] {
                try await lab.startAgent("table \(name) none luks")
                #expect(try await lab.unlock(passphrase).status == ExitCode.success, "\(name)")
                #expect(try await lab.agentStatus() == ExitCode.success, "\(name)")
                #expect(try await lab.run("head -n 1 /dev/mapper/table") == "postern member table\n", "\(name)")
                try await lab.clear()
            }
        }
    }

    @Test func `a wrong passphrase, key slot or key file opens nothing, and the right passphrase still does`()
        async throws
    {
        try await boot(Lab.setup, name: "lab-wrong") { machine in
            let lab = try await Lab(machine)
            let device = try await lab.loop("slot")

            // The passphrase is right, but for another slot than the line says.
            try await lab.startAgent("slot \(device) none luks,key-slot=0")
            #expect(try await lab.unlock(passphrase).status == ExitCode.wrongPassphrase)
            #expect(try await lab.unlock(otherPassphrase).status == ExitCode.success)
            #expect(try await lab.agentStatus() == ExitCode.success)
            try await lab.clear()

            try await lab.run("head -c 4096 /dev/zero >/run/wrong-key")
            let second = try await lab.loop("luks2")
            try await lab.startAgent("luks2 \(second) /run/wrong-key luks")
            try await machine.console.expect(Texts.prompt)
            #expect(try await lab.unlock("not it").status == ExitCode.wrongPassphrase)
            #expect(try await lab.run("ls /dev/mapper").trimmed == "control")
            #expect(try await lab.unlock(passphrase).status == ExitCode.success)
            #expect(try await lab.agentStatus() == ExitCode.success)
            try await lab.clear()
        }
    }

    @Test(arguments: [5, 8])
    func `a loop device that gets its image after the agent's start is opened`(number: Int) async throws {
        let device = "/dev/loop\(number)"
        try await boot(Lab.setup, name: "lab-late-\(number)") { machine in
            let lab = try await Lab(machine)
            // Two volumes with one passphrase. Of the second's device there is nothing yet, or there is one that is
            // empty, as a card reader without a card is.
            let early = try await lab.loop("luks2")
            // There are eight; the ninth comes when all of them are taken.
            if number == 8 { for _ in 1..<8 { _ = try await lab.loop("other") } }
            try await lab.startAgent("luks2 \(early) none luks\nsecond \(device) none luks")
            let ssh = try Dialogue(machine.ssh())
            try await ssh.expect(Texts.prompt)
            ssh.type(passphrase + "\r")
            try await ssh.expect(Texts.opened("luks2"))
            try await lab.run("losetup -f && losetup \(device) /lab/second.img")
            try await ssh.expect(Texts.prompt("second"))
            // The kernel says more than once that it has changed, and each time its header is read anew: the passphrase waits.
            ssh.type(passphrase + "\r")
            #expect(try await ssh.status() == ExitCode.success)
            #expect(try await lab.agentStatus() == ExitCode.success)
            #expect(try await lab.run("head -n 1 /dev/mapper/second") == "postern member second\n")
        }
    }

    @Test func `when the monitor is killed while a key is derived, nothing of it survives and nothing opens later`()
        async throws
    {
        try await boot(Lab.setup, name: "lab-killed") { machine in
            let lab = try await Lab(machine)
            let device = try await lab.loop("slow")
            try await lab.startAgent("slow \(device) none luks")
            let ssh = try Dialogue(machine.ssh())
            try await ssh.expect(Texts.prompt)
            ssh.type(passphrase + "\r")
            // The derivation has the worker's 64 MiB by then, and takes some seconds more.
            try await lab.run(
                """
                derives() {
                    for statm in /proc/[0-9]*/statm; do
                        read -r _ resident _ <$statm && [ "$resident" -gt 16384 ] && return
                    done 2>/dev/null
                    return 1
                }
                until derives; do usleep 50000; done
                """)
            try await lab.run("kill -9 $agent; wait $agent; true")
            // They end by themselves, some after a look at a socket or a signal: nothing but a moment is granted.
            try await lab.run(
                """
                . /sbin/survey
                tries=0
                while [ $tries -lt 50 ]; do
                    survey X | grep -q 'X processes: .' || break
                    usleep 100000
                    tries=$((tries + 1))
                done
                [ $tries -lt 50 ]
                """)
            #expect(try await ssh.status() != ExitCode.success)
            #expect(try await lab.run("ls /dev/mapper").trimmed == "control")
            let left = try await lab.run(". /sbin/survey; survey X")
            for question in ["processes", "sockets", "keys"] { #expect(left.contains("X \(question):\n")) }

            // The next agent starts as if there had been none.
            try await lab.startAgent("slow \(device) none luks")
            #expect(try await lab.unlock(passphrase).status == ExitCode.success)
            #expect(try await lab.agentStatus() == ExitCode.success)
        }
    }

    @Test func `a key volume of every file system opens a volume, and is not written to`() async throws {
        var setup = Lab.setup
        setup.disks += ["keys", "keys-dirty", "keys-vfat", "keys-xfs", "keys-btrfs"]
        try await boot(setup, name: "lab-key-filesystems") { machine in
            let lab = try await Lab(machine)
            for (name, letter) in zip(setup.disks, "abcdefghi").dropFirst() {
                let sum = "head -c 16777216 /dev/vd\(letter) | md5sum"
                let before = try await lab.run(sum)
                let device = try await lab.loop("keyed")
                try await lab.startAgent(
                    "keyed \(device) /etc/keyfile:UUID={\(name)} luks", greets: false)
                #expect(try await lab.agentStatus() == ExitCode.success, "\(name)")
                #expect(try await lab.run("head -n 1 /dev/mapper/keyed") == "postern member keyed\n", "\(name)")
                #expect(try await lab.run("blockdev --flushbufs /dev/vd\(letter); \(sum)") == before, "\(name)")
                #expect(!(try await lab.run("cat /proc/mounts")).contains("/dev/vd\(letter) "), "\(name)")
                try await lab.clear()
            }
        }
    }

    @Test func `a key file that is no good is named, and the volume still opens by passphrase`() async throws {
        var setup = Lab.setup
        setup.disks += ["keys-none", "keys-empty", "keys-large", "keys-link", "keys-wrong"]
        try await boot(setup, name: "lab-key-bad") { machine in
            let lab = try await Lab(machine)
            for name in setup.disks.dropFirst() {
                let device = try await lab.loop("luks2")
                try await lab.startAgent("luks2 \(device) /etc/keyfile:UUID={\(name)} luks")
                let ssh = try Dialogue(machine.ssh(), columns: 200)
                try await ssh.expect(Texts.prompt)
                #expect(ssh.screen.text.contains(Texts.reason(for: name)), "\(name): \(ssh.screen.text)")
                ssh.type(passphrase + "\r")
                #expect(try await ssh.status() == ExitCode.success, "\(name)")
                #expect(try await lab.agentStatus() == ExitCode.success, "\(name)")
                try await lab.clear()
            }
        }
    }
}
