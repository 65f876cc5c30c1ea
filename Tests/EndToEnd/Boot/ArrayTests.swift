import Machine
import Testing

extension BootTests {
    @Test func `the boot goes on without a member that its policy can spare, and says so`() async throws {
        var setup = Setup.nas
        setup.disks.removeAll { $0 == "storage-4" }
        setup.late = ["storage-4"]
        setup.configuration += "\nContinueTimeout 3"
        try await boot(setup, name: "array-quorum") { machine in
            try await machine.awaitAgent()
            let ssh = try Dialogue(machine.ssh())
            try await ssh.expect(Texts.prompt)
            ssh.type(passphrase + "\r")
            try await ssh.expect(Texts.continues)
            #expect(try await ssh.status() == ExitCode.success)
            #expect(ssh.screen.text.contains("storage-4"))
            #expect(machine.console.text.contains("storage-4"))
            try await expectTakenOver(
                machine, open: ["crypt-root", "storage-1", "storage-2", "storage-3"], skipped: ["storage-4"])
        }
    }

    /// The key file opens the other disk, too.
    @Test func `another disk at the path of a member is refused, the rest opens, and no native prompt asks for it`()
        async throws
    {
        var setup = Setup.nas
        setup.disks[5] = "other-1"
        setup.late = ["storage-4"]
        setup.crypttab = setup.crypttab.replacing(
            "storage-4 UUID={storage-4} /etc/keyfile:UUID={keys} luks",
            with: "storage-4 /dev/vdf /etc/keyfile:UUID={keys} luks,x-postern.uuid={storage-4}")
        setup.configuration += "\nContinueTimeout 600"
        try await boot(setup, name: "array-swapped") { machine in
            try await machine.awaitAgent()
            let ssh = try Dialogue(machine.ssh(), columns: 200)
            try await ssh.expect(Texts.prompt("crypt-root"))
            let refusal = try machine.filled(
                "/dev/vdf is refused: it is another volume, with the LUKS UUID {other-1} and not {storage-4}")
            // Its header may still be read when the prompt comes.
            try await ssh.expect(refusal)
            try await machine.console.expect("/dev/vdf is refused")
            ssh.type(passphrase + "\r")
            try await ssh.expect(Texts.continues)
            #expect(try await ssh.status() == ExitCode.success)
            try await expectTakenOver(
                machine, open: ["crypt-root", "storage-1", "storage-2", "storage-3"], skipped: ["storage-4"])
        }
    }

    @Test func `a member that comes while the policy waits for it is opened`() async throws {
        var setup = Setup.nas
        setup.disks.removeAll { $0 == "storage-2" }
        setup.late = ["storage-2"]
        setup.configuration += "\nContinueTimeout 600"
        try await boot(setup, name: "array-late") { machine in
            try await machine.awaitAgent()
            let ssh = try Dialogue(machine.ssh())
            try await ssh.expect(Texts.prompt)
            ssh.type(passphrase + "\r")
            try await ssh.expect(Texts.opened("crypt-root"))
            try await machine.attach("storage-2")
            #expect(try await ssh.status() == ExitCode.success)
            try await expectTakenOver(machine)
        }
    }

    @Test func `below the quorum the boot waits, until the member comes`() async throws {
        var setup = Setup.nas
        setup.disks.removeAll { $0 == "storage-3" || $0 == "storage-4" }
        setup.late = ["storage-3", "storage-4"]
        setup.configuration += "\nContinueTimeout 1"
        setup.control = true
        try await boot(setup, name: "array-below") { machine in
            try await machine.awaitAgent()
            let ssh = try Dialogue(machine.ssh())
            try await ssh.expect(Texts.prompt)
            ssh.type(passphrase + "\r")
            try await ssh.expect(Texts.opened("crypt-root"))
            // As long as the timeout three times over: it must not apply.
            try await Task.sleep(for: .seconds(3))
            #expect(!ssh.screen.text.contains(Texts.continues))
            // What a boot script sees that could assemble them.
            let missing = try await machine.run("cat /run/postern/missing").output
            #expect(missing == (try machine.filled("UUID={storage-3}\nUUID={storage-4}\n")))
            try await machine.attach("storage-3")
            #expect(try await ssh.status() == ExitCode.success)
            try await expectTakenOver(
                machine, open: ["crypt-root", "storage-1", "storage-2", "storage-3"], skipped: ["storage-4"])
        }
    }

    @Test func `a volume with nofail is not waited for`() async throws {
        var setup = Setup(
            disks: ["root-quick"],
            crypttab: """
                crypt-root UUID={root-quick} none luks,discard,initramfs
                backup UUID={other-1} none luks,nofail
                """)
        setup.late = ["other-1"]
        setup.configuration = "ContinueTimeout 3"
        try await boot(setup, name: "nofail") { machine in
            try await machine.awaitAgent()
            let unlocked = try await machine.ssh(["unlock"], input: passphrase)
            #expect(unlocked.status == ExitCode.success)
            try await expectTakenOver(machine, open: ["crypt-root"], skipped: ["backup"])
        }
    }
}
