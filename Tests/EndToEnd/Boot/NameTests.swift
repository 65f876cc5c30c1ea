import Foundation
import Machine
import Testing

/// A stick whose logical volume is called like the root: LVM maps `root` of the group `crypt` as crypt-root.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["POSTERN_BOOT_TESTS"] == "1", "run by Tests/run"))
struct NameTests {
    /// LVM where no udevd runs.
    private static let lvm = """
        lvm() {
            command lvm "$@" --config 'devices { use_devicesfile=0 obtain_device_list_from_udev=0 }
                activation { udev_sync=0 udev_rules=0 } backup { backup=0 archive=0 } global { use_lvmpolld=0 }'
        }
        """

    @Test
    func `a stranger's logical volume that is called like the root is not booted, but the right one once it is gone`()
        async throws
    {
        var setup = Setup(disks: ["keys-empty"], crypttab: "crypt-root UUID={root-quick} none luks")
        setup.late = ["root-quick"]
        setup.configuration = "ContinueTimeout 5"
        setup.control = true
        setup.programs = ["/sbin/dmsetup", "/sbin/lvm"]
        try await boot(setup, name: "fault-name") { machine in
            func run(_ command: String) async throws {
                let outcome = try await machine.run(command)
                guard outcome.status == 0 else { throw MachineError.failed("\(command): \(outcome)") }
            }
            try await machine.awaitAgent()
            let ssh = try Dialogue(machine.ssh(), columns: 200)
            try await ssh.expect("waits for its device")
            try await run(
                """
                \(Self.lvm)
                dd if=/dev/zero of=/dev/vda bs=1M count=4 2>/dev/null
                lvm pvcreate -q -y -ff /dev/vda && lvm vgcreate -q crypt /dev/vda &&
                    lvm lvcreate -q -y -l 100%FREE -n root crypt && dmsetup info -c --noheadings -o uuid crypt-root | grep ^LVM-
                """)
            try await machine.attach("root-quick")
            let taken = "the name is taken by another mapping (LVM-"
            try await ssh.expect("crypt-root: failed: \(taken)")
            try await machine.console.expect("crypt-root: failed: the name is taken by another mapping")
            try await run("dmesg | grep -qF 'postern: crypt-root: \(taken)'")
            let refused = try await machine.ssh(["unlock"], input: passphrase)
            #expect(refused.status == 1 && refused.errors.contains("crypt-root: \(taken)"), "\(refused)")

            // Nor is it left to the next opener, should the agent fail.
            try await run(
                """
                (postern settle >/run/settle 2>&1; echo "ended with $?" >>/run/settle) &
                until grep -qF 'postern: the boot waits: crypt-root: \(taken)' /run/settle; do usleep 50000; done
                ! grep ended /run/settle
                """)

            // Once it has gone, both go on by themselves.
            try await run(
                """
                \(Self.lvm)
                dmsetup suspend crypt-root && dmsetup resume crypt-root && lvm vgchange -q -an crypt &&
                    until grep -q 'ended with 0' /run/settle; do usleep 50000; done
                """)
            try await ssh.expect(Texts.prompt("crypt-root"))

            // One with the right UUID that does not encrypt is not the volume, either.
            let uuid = try machine.filled("{root-quick}").replacing("-", with: "")
            try await run("echo 0 2048 linear /dev/vda 0 | dmsetup create crypt-root -u CRYPT-LUKS2-\(uuid)-crypt-root")
            try await ssh.expect("crypt-root: failed: its mapping is not one that encrypts")
            try await run("dmsetup remove crypt-root")
            try await ssh.expect(Texts.prompt("crypt-root"), times: 2)
            ssh.type(passphrase + "\r")
            #expect(try await ssh.status() == ExitCode.success)
            try await expectTakenOver(machine, open: ["crypt-root"])
        }
    }
}
