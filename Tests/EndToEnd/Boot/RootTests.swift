import Machine
import Testing

extension BootTests {
    /// A machine with nothing but a root.
    private func only(_ root: String) -> Setup {
        Setup(disks: [root], crypttab: "crypt-root UUID={\(root)} none luks,discard,initramfs")
    }

    @Test func `a LUKS1 root is opened`() async throws {
        try await boot(only("root-luks1"), name: "root-luks1") { machine in
            try await machine.awaitAgent()
            let unlocked = try await machine.ssh(["unlock"], input: passphrase)
            #expect(unlocked.status == ExitCode.success)
            try await expectTakenOver(machine, open: ["crypt-root"])
        }
    }

    @Test func `a root with argon2id at cryptsetup's default cost is opened`() async throws {
        var setup = only("root")
        // cryptsetup's default is at most 1 GiB, and never more than half of the memory of the machine that chose it.
        setup.memory = 2300
        try await boot(setup, name: "root-argon2id") { machine in
            try await machine.awaitAgent()
            let ssh = try Dialogue(machine.ssh())
            try await ssh.expect(Texts.prompt)
            ssh.type(passphrase + "\r")
            try await ssh.expect(Texts.continues)
            #expect(try await ssh.status() == ExitCode.success)
            try await expectTakenOver(machine, open: ["crypt-root"])
        }
    }

    @Test func `a root whose disk comes after the passphrase prompt is opened`() async throws {
        var setup = only("root-quick")
        setup.disks = []
        setup.late = ["root-quick"]
        setup.configuration = "ContinueTimeout 2"
        try await boot(setup, name: "root-late") { machine in
            try await machine.awaitAgent()
            let missing = try await machine.ssh(["unlock"], input: passphrase)
            #expect(missing.status == ExitCode.deviceMissing)
            let ssh = try Dialogue(machine.ssh())
            try await ssh.expect("waits for its device")
            try await machine.attach("root-quick")
            try await ssh.expect(Texts.prompt)
            ssh.type(passphrase + "\r")
            #expect(try await ssh.status() == ExitCode.success)
            try await expectTakenOver(machine, open: ["crypt-root"])
        }
    }

    @Test func `where udevd runs, its names for the volumes are there before the agent ends`() async throws {
        var setup = Setup.nas
        setup.udev = true
        try await boot(setup, name: "udev") { machine in
            try await machine.awaitAgent()
            let unlocked = try await machine.ssh(["unlock"], input: passphrase)
            #expect(unlocked.status == ExitCode.success)
            let links = try await machine.survey().links
            for name in Setup.everything {
                #expect(links.contains("/dev/mapper/\(name)"))
                #expect(links.contains("/dev/disk/by-id/dm-name-\(name)"))
            }
            try await expectTakenOver(machine)
        }
    }

    @Test func `postern=off leaves the boot to the native prompt`() async throws {
        var setup = only("root-quick")
        setup.commandLine = "postern=off"
        try await boot(setup, name: "off") { machine in
            try await machine.console.expect("FALLBACK after exit status")
            #expect(try await machine.survey().open == [])
        }
    }

    @Test func `a configuration without a single usable line still leaves the console prompt`() async throws {
        var setup = only("root-quick")
        setup.agent = "/bin/postern agent -f /etc/postern/authorized_keys"
        try await boot(setup, name: "broken-configuration") { machine in
            try await machine.console.expect(Texts.prompt)
            machine.type(passphrase + "\r")
            try await expectTakenOver(machine, open: ["crypt-root"])
        }
    }
}
