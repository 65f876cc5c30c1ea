import Machine
import Testing

/// What an owner does beside unlocking all, where it counts: in an initrd.
extension BootTests {
    @Suite struct DoorTests {
        @Test(arguments: [("reboot", "reboot: Restarting system"), ("poweroff", "reboot: Power down")])
        func `the machine goes with its volumes closed, everybody hears who wanted it, and the client ends with 0`(
            command: String, last: String
        ) async throws {
            var setup = Setup.nas
            // The log's lines on the console, too: nobody can read them later.
            setup.commandLine = "ignore_loglevel"
            try await boot(setup, name: "door-\(command)") { machine in
                try await expectMembers(machine)
                let other = try Dialogue(machine.ssh())
                try await other.expect(Texts.prompt)
                let asked = try await machine.ssh([command], input: "")
                #expect(asked.status == 0, "\(asked)")
                try expectRecorded(asked, to: command)
                let sentence = command == "reboot" ? "The machine restarts" : "The machine is powered off"
                #expect(asked.output == "\(sentence).\n")
                try await other.expect("\(sentence), asked for by")
                #expect(try await other.status() == 6)
                try await machine.console.expect("\(sentence), asked for by")
                for number in 1...4 { try await machine.console.expect("postern: storage-\(number): closed") }
                try await machine.console.expect(last)
            }
        }

        @Test func `a volume by its name opens alone, and continue leaves the member that is missing`() async throws {
            var setup = Setup.nas
            setup.disks.removeAll { $0 == "storage-4" }
            setup.late = ["storage-4"]
            setup.configuration += "\nContinueTimeout 3600"
            try await boot(setup, name: "door-continue") { machine in
                try await machine.awaitAgent()
                for number in 1...3 { try await machine.console.expect("storage-\(number): open") }
                for command in ["status", "status --json", "log", "help"] {
                    try await expectRecorded(machine.ssh([command], input: ""), to: command)
                }
                let entries = try await machine.ssh(["entries"], input: "")
                #expect(entries.status == 6 && entries.errors.contains("was not started by EFI"), "\(entries)")
                #expect(entries.errors.contains("; for GRUB, Postern would have to write"), "\(entries)")
                let following = Task { try await machine.ssh(["log", "-f"], input: "") }
                let refused = try await machine.ssh(["continue"], input: "")
                #expect(refused.status == 6 && refused.errors.contains("crypt-root"), "\(refused)")
                let opened = try await machine.ssh(["unlock", "crypt-root"], input: passphrase)
                #expect(opened.status == 0 && opened.output == "crypt-root: open\n", "\(opened)")
                try expectRecorded(opened, to: "unlock crypt-root")
                let gone = try await machine.ssh(["continue"], input: "")
                try expectRecorded(gone, to: "continue")
                try await expectRecorded(following.value, to: "log -f")
                #expect(gone.status == 0, "\(gone)")
                #expect(gone.output == "Without storage-4.\nBoot continues.\n")
                try await expectTakenOver(
                    machine, open: Setup.everything.subtracting(["storage-4"]), skipped: ["storage-4"])
            }
        }
    }
}
