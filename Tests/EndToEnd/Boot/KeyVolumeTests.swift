import Machine
import Testing

extension BootTests {
    @Test func `without the key volume the members are opened by passphrase`() async throws {
        var setup = Setup.nas
        setup.disks.removeAll { $0 == "keys" }
        setup.late = ["keys"]
        try await boot(setup, name: "keys-missing") { machine in
            try await machine.awaitAgent()
            let ssh = try Dialogue(machine.ssh())
            try await ssh.expect(Texts.prompt)
            ssh.type(passphrase + "\r")
            // Only once the root is open can the key volume not be in it.
            try await ssh.expect(Texts.prompt("storage-1"))
            ssh.type(passphrase + "\r")
            #expect(try await ssh.status() == ExitCode.success)
            try await expectTakenOver(machine)
        }
    }

    @Test func `members with a passphrase of their own are asked for when the key volume is missing`() async throws {
        var setup = Setup(
            disks: ["root-quick", "other-1", "other-2"],
            crypttab: """
                crypt-root UUID={root-quick} none luks,initramfs
                other-1 UUID={other-1} /etc/keyfile:UUID={keys} luks,initramfs
                other-2 UUID={other-2} /etc/keyfile:UUID={keys} luks,initramfs
                """)
        setup.late = ["keys"]
        try await boot(setup, name: "keys-second-passphrase") { machine in
            try await machine.awaitAgent()
            let first = try await machine.ssh(["unlock"], input: passphrase)
            #expect(first.status == ExitCode.partly)
            #expect(first.output.contains(Texts.opened("crypt-root")))
            #expect(first.errors.contains("other-1"))
            let ssh = try Dialogue(machine.ssh())
            try await ssh.expect(Texts.prompt("other-1"))
            ssh.type(otherPassphrase + "\r")
            #expect(try await ssh.status() == ExitCode.success)
            try await expectTakenOver(machine, open: ["crypt-root", "other-1", "other-2"])
        }
    }

    @Test func `a key volume that comes late opens the members`() async throws {
        var setup = Setup(
            disks: ["root-quick", "other-1", "other-2"],
            crypttab: """
                crypt-root UUID={root-quick} none luks,initramfs
                other-1 UUID={other-1} /etc/keyfile:UUID={keys} luks,initramfs
                other-2 UUID={other-2} /etc/keyfile:UUID={keys} luks,initramfs
                """)
        setup.late = ["keys"]
        try await boot(setup, name: "keys-late") { machine in
            try await machine.awaitAgent()
            let ssh = try Dialogue(machine.ssh())
            try await ssh.expect(Texts.prompt)
            ssh.type(passphrase + "\r")
            try await ssh.expect(Texts.prompt("other-1"))
            try await machine.attach("keys")
            #expect(try await ssh.status() == ExitCode.success)
            try await expectTakenOver(machine, open: ["crypt-root", "other-1", "other-2"])
        }
    }

    @Test(
        arguments: [("keys-locked", "keys UUID={keys-locked} none luks"), ("root-quick", "")])
    func `a key file inside a volume that was opened a moment ago opens the members`(holder: String, line: String)
        async throws
    {
        // In a volume of its own, or on the root itself.
        let setup = Setup(
            disks: ["root-quick", "other-1", "other-2"] + (line.isEmpty ? [] : [holder]),
            crypttab: """
                crypt-root UUID={root-quick} none luks,initramfs
                other-1 UUID={other-1} /etc/keyfile:UUID={\(holder).inner} luks,initramfs
                other-2 UUID={other-2} /etc/keyfile:UUID={\(holder).inner} luks,initramfs
                \(line)
                """)
        try await boot(setup, name: "keys-inside-\(holder)") { machine in
            try await machine.awaitAgent()
            let unlocked = try await machine.ssh(["unlock"], input: passphrase)
            #expect(unlocked.status == ExitCode.success)
            let open: Set = ["crypt-root", "other-1", "other-2"]
            let survey = try await machine.report()
            #expect(survey.open == (line.isEmpty ? open : open.union(["keys"])))
            #expect(survey.members == ["other-1": "other-1", "other-2": "other-2"])
            #expect(survey.left == [])
        }
    }
}
