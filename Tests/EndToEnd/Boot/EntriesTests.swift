import Machine
import Testing

/// What systemd-boot starts next.
extension BootTests {
    @Suite struct EntriesTests {
        private var setup: Setup {
            var setup = Setup(disks: ["root-quick"], crypttab: "crypt-root UUID={root-quick} none luks,initramfs")
            setup.entries = ["first", "second"]
            // For what the kernel was started with.
            setup.control = true
            // The log's lines on the console, too.
            setup.commandLine = "ignore_loglevel"
            return setup
        }

        /// Waits for the agent of a boot, and says which entry booted it.
        private func entry(of machine: Machine) async throws -> String? {
            try await machine.awaitAgent()
            let words = try await machine.run("cat /proc/cmdline").output.split(whereSeparator: \.isWhitespace)
            return words.first { $0.hasPrefix("entry=") }.map { String($0.dropFirst("entry=".count)) }
        }

        @Test func `the owner sees the entries, has another one started once, and then the default comes again`()
            async throws
        {
            try await boot(setup, name: "entries") { machine in
                #expect(try await entry(of: machine) == "first")
                let shown = try await machine.ssh(["entries"], input: "")
                #expect(shown.status == 0 && shown.errors == "", "\(shown)")
                try expectRecorded(shown, to: "entries")
                let unknown = try await machine.ssh(["reboot", "third.conf"], input: "")
                #expect(unknown.status == 2 && unknown.output == "", "\(unknown)")
                #expect(unknown.errors.hasPrefix("The boot loader has no such entry. There are: "), "\(unknown)")
                #expect(unknown.errors.contains("second.conf"), "\(unknown)")

                let asked = try await machine.ssh(["reboot", "second.conf"], input: "")
                #expect(asked.status == 0 && asked.errors == "", "\(asked)")
                try expectRecorded(asked, to: "reboot second.conf")
                try await machine.console.expect("the boot loader is to start second.conf next, as asked for by")
                try await machine.console.expect("reboot: Restarting system")

                try await machine.console.expect("agent starts", times: 2)
                #expect(try await entry(of: machine) == "second")
                let now = try await machine.ssh(["entries", "--json"], input: "")
                #expect(now.status == 0, "\(now)")
                try expectRecorded(now, to: "entries --json")
                #expect(try await machine.ssh(["reboot"], input: "").output == "The machine restarts.\n")

                try await machine.console.expect("agent starts", times: 3)
                #expect(try await entry(of: machine) == "first")
                // A choice that is there already is shown and replaced, though the kernel protects its file.
                // And so is the default where the loader starts what was started last.
                let vendor = "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
                func write(_ text: String, to variable: String) -> String {
                    let units = text.map { "\($0)\\000" }.joined()
                    return "printf '\\007\\000\\000\\000\(units)\\000\\000' >/efi/\(variable)-\(vendor)"
                }
                let commands = [
                    "mkdir /efi", "mount -t efivarfs efi /efi", write("first.conf", to: "LoaderEntryOneShot"),
                    write("@saved", to: "LoaderEntryDefault"), write("second.conf", to: "LoaderEntryLastBooted"),
                ]
                let written = try await machine.run(commands.joined(separator: " && "))
                #expect(written.status == 0, "\(written)")
                let marked = try await machine.ssh(["entries"], input: "")
                #expect(marked.output.contains("first.conf (current) (next)\n"), "\(marked)")
                #expect(marked.output.contains("second.conf (default)\n"), "\(marked)")
                #expect(try await machine.ssh(["reboot", "second.conf"], input: "").status == 0)
                try await machine.console.expect("reboot: Restarting system", times: 3)
            }
        }

        @Test func `with GRUB the agent says why no entry can be chosen, leaves the firmware alone, and unlocks`()
            async throws
        {
            var setup = setup
            setup.loader = .grub
            try await boot(setup, name: "entries-grub") { machine in
                #expect(try await entry(of: machine) == "first")
                let variables = """
                    mkdir /efi && mount -t efivarfs efi /efi && ls /efi | sort && umount /efi && rmdir /efi
                    """
                let before = try await machine.run(variables)
                #expect(before.status == 0 && before.output.contains("BootOrder-"), "\(before)")
                let shown = try await machine.ssh(["entries"], input: "")
                #expect(shown.status == 6 && shown.output == "", "\(shown)")
                let asked = try await machine.ssh(["reboot", "second"], input: "")
                #expect(asked.status == 6 && asked.output == "", "\(asked)")
                try expectRecorded(asked, to: "reboot second")
                #expect(shown.errors.hasSuffix(String(asked.errors.drop { $0 != ":" })), "\(shown)")
                #expect(try await machine.run(variables).output == before.output)
                let unlocked = try await machine.ssh(["unlock"], input: passphrase)
                #expect(unlocked.status == 0, "\(unlocked)")
                try await machine.console.expect("agent ends with 0")
            }
        }
    }
}
