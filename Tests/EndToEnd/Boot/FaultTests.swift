import Foundation
import Machine
import Testing

/// Faults that could lock an owner out. The table in Tests/README.md says how each ends; `RareFaultTests` has the others.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["POSTERN_BOOT_TESTS"] == "1", "run by Tests/run"))
struct FaultTests {
    @Test
    func `a monitor killed while it waits, activates, or says goodbye leaves a boot that its native opener can end`()
        async throws
    {
        try await boot(Lab.setup, name: "fault-monitor") { machine in
            let lab = try await Lab(machine)
            let device = try await lab.loop("luks2")
            let line = "luks2 \(device) none luks"

            // Waiting: the native opener asks for what is still locked.
            try await lab.startAgent(line)
            let waiting = try Dialogue(machine.ssh())
            try await waiting.expect(Texts.prompt)
            try await lab.run("kill -9 $agent; wait $agent; [ $? = 137 ]")
            #expect(try await waiting.status() != ExitCode.success)
            try await lab.expectNothingLeft()
            #expect(try await lab.run("ls /dev/mapper").trimmed == "control")

            // Activating: the kernel loads a cipher meanwhile, for as long as the test likes. A device without a table,
            // which no opener gets past, must not stay.
            try await lab.run(Lab.holdCipher)
            try await lab.startAgent(line)
            let unlocking = Task { try await lab.unlock(passphrase) }
            try await lab.run("until [ -e /run/held ]; do usleep 20000; done; kill -9 $agent; wait $agent; true")
            #expect(try await unlocking.value.status != ExitCode.success)
            // What waits for the worker before anybody else asks.
            try await lab.run("(until /bin/postern settle; do :; done) & settling=$!")
            try await lab.run(Lab.releaseCipher)
            try await lab.run("wait $settling; [ -e /dev/mapper/luks2 ]")
            try await lab.expectNothingLeft()
            #expect(try await lab.run("head -n 1 /dev/mapper/luks2") == "postern member luks2\n")
            // The next opener, be it ours, passes over it.
            try await lab.startAgent(line, greets: false)
            #expect(try await lab.agentStatus() == ExitCode.success)
            try await lab.run("dmsetup remove luks2")

            // After it said that the boot goes on: a prompt that does not end holds it there for some seconds.
            try await lab.startAgent(line)
            let stopped = try Dialogue(machine.ssh())
            try await stopped.expect(Texts.prompt)
            try await lab.run("ps | grep '[p]ostern session' | while read -r session _; do kill -STOP $session; done")
            try await lab.run("dmesg -c >/dev/null")
            let last = Task { try await lab.unlock(passphrase) }
            try await lab.run(
                """
                until dmesg | grep -q 'postern: the boot goes on'; do usleep 20000; done
                kill -9 $agent; wait $agent; [ $? = 137 ]
                """)
            _ = try await last.value
            try await lab.expectNothingLeft()
            #expect(try await lab.run("head -n 1 /dev/mapper/luks2") == "postern member luks2\n")
        }
    }

    @Test func `a key derivation that memory does not suffice for is named, and the other volumes open`() async throws {
        var setup = Setup(
            disks: ["root-quick", "big", "tight"],
            crypttab: """
                big UUID={big} none luks,nofail
                crypt-root UUID={root-quick} none luks
                tight UUID={tight} none luks,nofail
                """)
        setup.configuration = "ContinueTimeout 20"
        setup.memory = 512
        try await boot(setup, name: "fault-memory") { machine in
            try await machine.awaitAgent()
            let ssh = try Dialogue(machine.ssh(), columns: 200)
            try await ssh.expect(Texts.prompt)
            ssh.type(passphrase + "\r")
            // More than there is, which the kernel refuses at once; and more than is free, which it notices too late.
            try await ssh.expect("big: failed: key derivation of /dev/vdb takes 1024 MiB of memory, more than is free")
            try await ssh.expect("tight: failed: its worker was ended by signal 9; its key derivation takes 440 MiB")
            #expect(try await ssh.status() == ExitCode.success)
            try await expectTakenOver(machine, open: ["crypt-root"], skipped: ["big", "tight"])
        }
    }

    @Test func `a disk that goes while its key is derived is waited for, and opens when it is there again`()
        async throws
    {
        var setup = Setup(disks: [], crypttab: "crypt-root UUID={root-slow} none luks")
        setup.late = ["root-slow"]
        try await boot(setup, name: "fault-disk-removed") { machine in
            try await machine.awaitAgent()
            let ssh = try Dialogue(machine.ssh(), columns: 200)
            try await ssh.expect("waits for its device")
            try await machine.attach("root-slow")
            try await ssh.expect(Texts.prompt)
            ssh.type(passphrase + "\r")
            try await ssh.expect("Trying crypt-root")
            try await machine.detach("root-slow")
            try await ssh.expect("crypt-root: failed: ")
            try await ssh.expect("waits for its device", times: 2)
            try await machine.attach("root-slow")
            try await ssh.expect(Texts.prompt, times: 2)
            ssh.type(passphrase + "\r")
            #expect(try await ssh.status() == ExitCode.success)
            try await expectTakenOver(machine, open: ["crypt-root"])
        }
    }

    @Test func `a damaged LUKS2 header opens by its second copy; without a copy it is named until it is mended`()
        async throws
    {
        try await boot(Lab.setup, name: "fault-headers") { machine in
            let lab = try await Lab(machine)
            let healthy = try await lab.loop("second")
            try await lab.run("cp /lab/luks2.img /tmp/bad.img")
            let device = try await lab.loop("bad", in: "/tmp")
            let lines = "bad \(device) none luks\nsecond \(healthy) none luks"

            try await lab.run("dd if=/dev/zero of=\(device) bs=4096 count=1 2>/dev/null")
            try await lab.startAgent(lines)
            #expect(try await lab.unlock(passphrase).status == ExitCode.success)
            #expect(try await lab.agentStatus() == ExitCode.success)
            #expect(try await lab.run("head -n 1 /dev/mapper/bad") == "postern member luks2\n")
            try await lab.run("dmsetup remove_all")

            // Both copies have 16 KiB.
            try await lab.run("dd if=/dev/zero of=\(device) bs=4096 count=8 2>/dev/null")
            try await lab.startAgent(lines)
            let ssh = try Dialogue(machine.ssh(), columns: 200)
            try await ssh.expect("bad     failed: no LUKS header on \(device)")
            try await ssh.expect(Texts.prompt("second"))
            ssh.type(passphrase + "\r")
            try await ssh.expect(Texts.opened("second"))
            try await lab.run(
                "losetup -d \(device) && cp /lab/luks2.img /tmp/bad.img && losetup \(device) /tmp/bad.img")
            try await ssh.expect(Texts.prompt("bad"))
            ssh.type(passphrase + "\r")
            #expect(try await ssh.status() == ExitCode.success)
            #expect(try await lab.agentStatus() == ExitCode.success)
        }
    }

    @Test
    func `a token without a slot leaves its volume to its passphrase, and a raw stick that comes late opens another`()
        async throws
    {
        var setup = Lab.setup
        setup.late = ["stick"]
        try await boot(setup, name: "fault-token") { machine in
            let lab = try await Lab(machine)
            let bound = try await lab.loop("bound")
            let keyed = try await lab.loop("keyed")
            try await lab.startAgent(
                """
                bound \(bound) none luks
                again \(bound) none luks
                keyed \(keyed) /dev/vdb luks,keyfile-offset=1048576,keyfile-size=4096
                """)
            let ssh = try Dialogue(machine.ssh(), columns: 200)
            try await ssh.expect(Texts.prompt("bound"))
            #expect(ssh.screen.text.contains("again  left: its device is that of bound, which holds"))
            ssh.type(passphrase + "\r")
            try await ssh.expect(Texts.opened("bound"))
            // Nobody knows a passphrase of it.
            try await ssh.expect("key file /dev/vdb: it has not appeared")
            try await machine.attach("stick")
            #expect(try await ssh.status() == ExitCode.success)
            #expect(try await lab.agentStatus() == ExitCode.success)
            for name in ["bound", "keyed"] {
                #expect(try await lab.run("head -n 1 /dev/mapper/\(name)") == "postern member \(name)\n")
            }
            #expect(try await lab.run("ls /run/postern/skip") == "again\n")
        }
    }

    @Test func `without /dev/console, with /run read-only, and with /run full, the owner gets in and unlocks`()
        async throws
    {
        try await boot(Lab.setup, name: "fault-environment") { machine in
            let lab = try await Lab(machine)
            let device = try await lab.loop("luks2")
            let faults = [
                (fault: "rm /dev/console", mend: "mknod /dev/console c 5 1"),
                (fault: "mount -o remount,ro /run", mend: "mount -o remount,rw /run"),
                // No file and no folder can be made there any more.
                (
                    fault: "mount -t tmpfs -o nr_inodes=2 full /run && touch /run/last && ! touch /run/more",
                    mend: "umount /run"
                ),
            ]
            for (fault, mend) in faults {
                try await lab.run(fault)
                try await lab.startAgent("luks2 \(device) none luks", output: "/dev/null")
                #expect(try await lab.unlock(passphrase).status == ExitCode.success, "\(fault)")
                #expect(try await lab.agentStatus() == ExitCode.success, "\(fault)")
                #expect(try await lab.run("head -n 1 /dev/mapper/luks2") == "postern member luks2\n", "\(fault)")
                try await lab.run("dmsetup remove_all; \(mend)")
            }
        }
    }

    @Test func `without the module dm_crypt the reason is said, and with it back the same prompt unlocks`() async throws
    {
        try await boot(Lab.setup, name: "fault-dm-crypt") { machine in
            let lab = try await Lab(machine)
            let device = try await lab.loop("luks2")
            try await lab.run("rmmod dm_crypt && echo /bin/false >/proc/sys/kernel/modprobe")
            try await lab.startAgent("luks2 \(device) none luks")
            let ssh = try Dialogue(machine.ssh(), columns: 200)
            try await ssh.expect(Texts.prompt)
            ssh.type(passphrase + "\r")
            try await ssh.expect("or module dm_crypt is missing")
            try await lab.run("echo /sbin/modprobe >/proc/sys/kernel/modprobe")
            try await ssh.expect(Texts.prompt, times: 2)
            ssh.type(passphrase + "\r")
            #expect(try await ssh.status() == ExitCode.success)
            #expect(try await lab.agentStatus() == ExitCode.success)
        }
    }

    @Test func `what is open before the start is passed over, and of two agents the second sees what the first opens`()
        async throws
    {
        try await boot(Lab.setup, name: "fault-others") { machine in
            let lab = try await Lab(machine)
            let line = try await "luks2 \(lab.loop("luks2")) none luks\nsecond \(lab.loop("second")) none luks"
            try await lab.startAgent(line)
            // It has no port, and asks at the console.
            try await lab.run(
                "/bin/postern agent -f /etc/postern/postern.conf </dev/console >/dev/console 2>&1 & other=$!")
            try await lab.run("until [ $(ps | grep -c '[p]ostern console') = 2 ]; do usleep 50000; done")
            try await machine.console.expect(Texts.prompt, times: 2)
            #expect(try await lab.unlock(passphrase).status == ExitCode.success)
            #expect(try await lab.agentStatus() == ExitCode.success)
            #expect(try await machine.run("wait $other").status == ExitCode.success)

            // One of the two is open before, and then both are.
            try await lab.run("dmsetup remove second")
            try await lab.startAgent(line)
            let ssh = try Dialogue(machine.ssh())
            try await ssh.expect(Texts.prompt("second"))
            #expect(!ssh.screen.text.contains("\(Texts.prompt)luks2"))
            ssh.type(passphrase + "\r")
            #expect(try await ssh.status() == ExitCode.success)
            #expect(try await lab.agentStatus() == ExitCode.success)
            try await lab.startAgent(line, greets: false)
            #expect(try await lab.agentStatus() == ExitCode.success)
        }
    }

    @Test func `in 1970 a key that had expired when the image was made is refused, and one that has not unlocks`()
        async throws
    {
        var setup = Lab.setup
        setup.clock = "1970-01-01T00:00:00"
        try await boot(setup, name: "fault-1970") { machine in
            let lab = try await Lab(machine)
            #expect(try await lab.run("date -u +%Y") == "1970\n")
            let keys = "/etc/postern/authorized_keys"
            try await lab.run("sed -i 's/^/expiry-time=\"20200101Z\" /' \(keys)")
            // What `postern image` writes; in November 2025.
            try await lab.run("echo 'ImageTime 1764000000' >>/etc/postern/postern.conf")
            let line = try await "luks2 \(lab.loop("luks2")) none luks"
            try await lab.startAgent(line)
            #expect(try await lab.unlock(passphrase).status == 255)
            try await lab.run("kill $agent; wait $agent || true; sed -i s/20200101Z/20991231Z/ \(keys)")
            try await lab.startAgent(line)
            #expect(try await lab.unlock(passphrase).status == ExitCode.success)
            #expect(try await lab.agentStatus() == ExitCode.success)
        }
    }
}
