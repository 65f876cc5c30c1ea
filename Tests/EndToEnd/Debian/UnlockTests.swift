import Machine
import Repository
import Testing

extension DebianTests {
    @Test(arguments: Suite.tested)
    func `a passphrase typed into ssh at a terminal boots the machine to its login prompt`(suite: Suite) async throws {
        try await boot(System(suite, "plain"), name: "debian-ssh") { machine in
            try await machine.awaitAgent()
            let ssh = try Dialogue(machine.ssh())
            try await ssh.expect(Texts.prompt)
            ssh.type(passphrase + "\r")
            try await ssh.expect(Texts.continues)
            #expect(try await ssh.status() == 0)
            #expect(!ssh.screen.text.contains(passphrase))
            #expect(!ssh.screen.text.contains("closed by remote host"))
            let report = try await expectLogin(machine, by: "owner@laptop")
            let told = report.told.joined(separator: "\n")
            #expect(try RecordedDialogues().isRecorded(told, to: "postern report"), "\(told)")
        }
    }

    @Test(arguments: Suite.tested)
    func `a passphrase typed at the console boots it, while the network is being asked for an address`(suite: Suite)
        async throws
    {
        var system = System(suite, "plain")
        system.address = "dhcp"
        system.commandLine = "console=tty0"
        try await boot(system, name: "debian-console") { machine in
            try await machine.console.expect(Texts.prompt)
            machine.type(passphrase + "\r")
            try await machine.console.expect(Texts.continues)
            try await expectLogin(machine, by: "console")
        }
    }

    @Test(arguments: Suite.tested) func `of several consoles each has the prompt, and the second takes the passphrase`(
        suite: Suite
    ) async throws {
        var system = System(suite, "plain")
        system.secondConsole = true
        system.commandLine = "console=tty0"
        try await boot(system, name: "debian-console-second") { machine in
            try await machine.console.expect(Texts.prompt)
            try await machine.console(1).expect(Texts.prompt)
            machine.type(passphrase + "\r", at: 1)
            try await machine.console.expect(Texts.continues)
            try await expectLogin(machine, by: "console")
        }
    }

    @Test(arguments: Suite.tested) func `without IP version 6 in the kernel it is unlocked by ssh`(suite: Suite)
        async throws
    {
        var system = System(suite, "plain")
        system.commandLine = "ipv6.disable=1"
        try await boot(system, name: "debian-no-ipv6") { machine in
            try await machine.awaitAgent()
            try await unlock(machine)
            try await expectLogin(machine, by: "owner@laptop")
        }
    }

    @Test(arguments: Suite.tested)
    func `where only IP version 6 is announced, it is unlocked by ssh at the address it names on the console`(
        suite: Suite
    )
        async throws
    {
        var system = System(suite, "plain")
        system.address = nil
        system.network = .routedIPv6
        try await boot(system, name: "debian-only-ipv6") { machine in
            try await machine.awaitAgent()
            try await unlock(machine)
            try await expectLogin(machine, by: "owner@laptop")
        }
    }
}
