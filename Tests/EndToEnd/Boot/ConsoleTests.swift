import Machine
import Testing

extension BootTests {
    @Test func `a passphrase typed at the console opens everything, also after a wrong one`() async throws {
        try await boot(.nas, name: "console") { machine in
            try await machine.console.expect(Texts.prompt)
            machine.type("not it\r")
            try await machine.console.expect(Texts.wrong)
            machine.type(passphrase + "\r")
            try await expectTakenOver(machine)
            #expect(machine.console.text.contains(Texts.continues))
            #expect(!machine.console.text.contains(passphrase))
        }
    }

    @Test func `the prompt stands on every console, and each of them takes the passphrase`() async throws {
        var setup = Setup.nas
        setup.secondConsole = true
        try await boot(setup, name: "console-second") { machine in
            try await machine.console.expect(Texts.prompt)
            try await machine.console(1).expect(Texts.prompt)
            machine.type(passphrase + "\r", at: 1)
            try await expectTakenOver(machine)
            try await machine.console(1).expect(Texts.continues)
        }
    }

    @Test func `when the console answers first, the ssh prompts see it and end well`() async throws {
        try await boot(.nas, name: "both-console") { machine in
            try await machine.awaitAgent()
            let one = try Dialogue(machine.ssh())
            let other = try Dialogue(machine.ssh())
            try await one.expect(Texts.prompt)
            try await other.expect(Texts.prompt)
            // Half a passphrase in one of them must not hold anything up.
            one.type("open se")
            try await machine.console.expect(Texts.prompt)
            machine.type(passphrase + "\r")
            for ssh in [one, other] {
                try await ssh.expect(Texts.continues)
                #expect(try await ssh.status() == ExitCode.success)
                #expect(!ssh.screen.text.contains("closed by remote host"))
            }
            try await expectTakenOver(machine)
        }
    }

    @Test func `when ssh answers first, the console's prompt ends`() async throws {
        try await boot(.nas, name: "both-ssh") { machine in
            try await machine.awaitAgent()
            try await machine.console.expect(Texts.prompt)
            machine.type("open se")
            let unlocked = try await machine.ssh(["unlock"], input: passphrase)
            #expect(unlocked.status == ExitCode.success)
            try await machine.console.expect(Texts.continues)
            try await expectTakenOver(machine)
        }
    }

    @Test func `two right answers at once open everything once`() async throws {
        try await boot(.nas, name: "both-tie") { machine in
            try await machine.awaitAgent()
            try await machine.console.expect(Texts.prompt)
            async let first = machine.ssh(["unlock"], input: passphrase)
            async let second = machine.ssh(["unlock"], input: passphrase)
            machine.type(passphrase + "\r")
            #expect(try await first.status == ExitCode.success)
            #expect(try await second.status == ExitCode.success)
            try await expectTakenOver(machine)
        }
    }
}
