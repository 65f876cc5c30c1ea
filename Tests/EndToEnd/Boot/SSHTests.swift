import Machine
import Testing

extension BootTests {
    @Test func `a passphrase typed into ssh at a terminal opens everything, and the boot goes on`() async throws {
        try await boot(.nas, name: "ssh-terminal") { machine in
            try await machine.awaitAgent()
            let ssh = try Dialogue(machine.ssh())
            try await ssh.expect(Texts.prompt)
            #expect(ssh.screen.text.contains("crypt-root"))
            ssh.type(passphrase + "\r")
            try await ssh.expect(Texts.continues)
            #expect(try await ssh.status() == ExitCode.success)
            #expect(!ssh.screen.text.contains(passphrase))
            #expect(!ssh.screen.text.contains("closed by remote host"))
            for name in Setup.everything { #expect(ssh.screen.text.contains(name)) }
            try await expectTakenOver(machine)
        }
    }

    @Test(
        arguments: [(["unlock"], passphrase + "\n"), ([], passphrase), (["cryptroot-unlock"], passphrase)])
    func `a passphrase on standard input opens everything`(command: [String], input: String) async throws {
        try await boot(.nas, name: "ssh-stdin-\(command.joined())") { machine in
            try await expectMembers(machine)
            let start = ContinuousClock.now
            async let unlocking = machine.ssh(command, input: input)
            try await machine.console.expect("REPORT uptime")
            try note("ssh start to the new root's init: \(ContinuousClock.now - start)")
            let unlocked = try await unlocking
            #expect(unlocked.status == ExitCode.success)
            #expect(unlocked.output.contains(Texts.continues))
            #expect(unlocked.errors == "")
            if command == ["unlock"] { try expectRecorded(unlocked, to: "unlock") }
            try await expectTakenOver(machine)
        }
    }

    @Test func `a wrong passphrase on standard input ends with 3, and the right one still opens everything`()
        async throws
    {
        try await boot(.nas, name: "ssh-wrong") { machine in
            try await machine.awaitAgent()
            let wrong = try await machine.ssh(["unlock"], input: "not it\n")
            #expect(wrong.status == ExitCode.wrongPassphrase)
            #expect(wrong.errors != "")
            #expect(!wrong.output.contains(Texts.continues))
            let right = try await machine.ssh(["unlock"], input: passphrase)
            #expect(right.status == ExitCode.success)
            try await expectTakenOver(machine)
        }
    }

    @Test func `the agent listens on both versions of IP before any address is configured`() async throws {
        var setup = Setup.nas
        setup.network = "none"
        setup.control = true
        try await boot(setup, name: "ssh-no-network") { machine in
            try await machine.console.expect(Texts.prompt)
            // Port 2222 of any address, in state LISTEN.
            let any6 = "00000000000000000000000000000000:08AE [0-9A-F:]* 0A"
            let listening = try await machine.run("grep -c '\(any6)' /proc/net/tcp6")
            #expect(listening.output == "1\n")
            for address in ["127.0.0.1", "::1"] {
                let greeting = try await machine.run("sleep 3 | nc \(address) 2222 | head -c 4")
                #expect(greeting.output == "SSH-")
            }
        }
    }
}
