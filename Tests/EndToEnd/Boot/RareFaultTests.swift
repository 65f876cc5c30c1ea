import Foundation
import Machine
import Testing

/// The faults that `Tests/run --all` adds.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["POSTERN_BOOT_TESTS"] == "1", "run by Tests/run --all"))
struct RareFaultTests {
    @Test func `a header that cannot be read is named, and once it can be read the same prompt unlocks`() async throws {
        try await boot(Lab.setup, name: "fault-input-errors") { machine in
            let lab = try await Lab(machine)
            let below = try await lab.loop("luks2")
            let size = try await lab.run("blockdev --getsz \(below)").trimmed
            // The first so many sectors of 512 bytes are bad: each of the header's two copies has 32.
            func table(_ bad: Int) -> String {
                let rest = (Int(size) ?? 0) - bad
                let whole = "\(bad) \(rest) linear \(below) \(bad)"
                return bad == 0 ? "echo '\(whole)'" : "printf '0 \(bad) error\\n\(whole)\\n'"
            }
            // The second copy alone is of no use: libcryptsetup takes a device whose first one it cannot read for another's.
            for bad in [32, 64] {
                // The lab has no udevd to make the node.
                try await lab.run("\(table(bad)) | dmsetup create broken && dmsetup mknodes")
                try await lab.startAgent("luks2 /dev/mapper/broken none luks")
                let ssh = try Dialogue(machine.ssh(), columns: 200)
                try await ssh.expect("luks2  failed: /dev/mapper/broken: Input/output error")
                try await lab.run("\(table(0)) | dmsetup load broken && dmsetup resume broken")
                try await ssh.expect(Texts.prompt)
                ssh.type(passphrase + "\r")
                #expect(try await ssh.status() == ExitCode.success)
                #expect(try await lab.agentStatus() == ExitCode.success)
                try await lab.run("dmsetup remove luks2; dmsetup remove broken")
            }
        }
    }

    @Test func `a key volume of another file system, of garbage, or with a twin is named, and a passphrase opens`()
        async throws
    {
        var setup = Lab.setup
        setup.disks += ["keys"]
        try await boot(setup, name: "fault-key-volumes") { machine in
            let lab = try await Lab(machine)
            try await lab.run(
                """
                dd if=/dev/zero of=/tmp/swap.img bs=1M count=1 2>/dev/null
                dd if=/dev/urandom of=/tmp/garbage.img bs=1M count=1 2>/dev/null
                cp /dev/vdb /tmp/twin.img
                mkswap /tmp/swap.img >/dev/null
                """)
            for (image, reason) in [
                ("swap", "has a file system that is not mounted here: swap"),
                ("garbage", "has no file system"),
                ("twin", "both answer to that name; neither is used"),
            ] {
                let volume = try await lab.loop("luks2")
                let other = try await lab.loop(image, in: "/tmp")
                let key = image == "twin" ? "UUID={keys}" : other
                try await lab.startAgent("luks2 \(volume) /etc/keyfile:\(key) luks")
                let ssh = try Dialogue(machine.ssh(), columns: 200)
                try await ssh.expect(reason)
                try await ssh.expect(Texts.prompt)
                ssh.type(passphrase + "\r")
                #expect(try await ssh.status() == ExitCode.success, "\(image)")
                #expect(try await lab.agentStatus() == ExitCode.success, "\(image)")
                try await lab.clear()
            }
        }
    }

    @Test func `one passphrase opens 64 volumes`() async throws {
        try await boot(Lab.setup, name: "fault-64") { machine in
            let lab = try await Lab(machine)
            let devices = try await lab.run(
                """
                number=0
                while [ $number -lt 64 ]; do
                    device=$(losetup -f)
                    losetup -r $device /lab/luks2.img || exit
                    echo $device
                    number=$((number + 1))
                done
                """
            ).split(separator: "\n")
            #expect(devices.count == 64)
            let lines = devices.enumerated().map { "v\($0) \($1) none luks,readonly" }
            try await lab.startAgent(lines.joined(separator: "\n"))
            // What is typed is tried on the volumes whose headers were read by then.
            while try await machine.ssh(["status"], input: "").output.contains("its header is being read") {}
            let unlocked = try await machine.ssh(["unlock"], input: passphrase, within: .seconds(3600))
            #expect(unlocked.status == ExitCode.success, "\(unlocked)")
            #expect(try await lab.agentStatus() == ExitCode.success)
            #expect(try await lab.run("head -q -n 1 /dev/mapper/v* | grep -c '^postern member luks2$'") == "64\n")
        }
    }
}
