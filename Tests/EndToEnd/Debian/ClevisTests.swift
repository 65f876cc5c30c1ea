import Machine
import Testing

extension DebianTests {
    /// A root that Clevis opens by a Tang server. In the initrd that dracut made it answers systemd's question, as Postern does; in
    /// that of initramfs-tools Postern's script calls it.
    @Suite struct ClevisTests {
        private func system(_ suite: Suite, tang: Bool) -> System {
            var system = System(suite, "dracut-clevis", disks: ["root", "local"])
            system.commandLine = "rd.retry=15 rd.shell=1 rd.neednet=1"
            system.hasTang = tang
            return system
        }

        @discardableResult
        private func expectLogin(_ machine: Machine, by who: String) async throws -> Report {
            let report = try await machine.login()
            #expect(report["root"] == ["/dev/mapper/crypt-root"])
            #expect(Set(report["open"]) == ["crypt-root", "local"])
            for question in ["processes", "prompts", "failed"] { #expect(report[question] == [], "\(question)") }
            let opened = report.log.first { $0.hasPrefix("crypt-root: opened by ") }
            #expect(opened?.contains(who) == true, "\(report.log)")
            for word in ["emergency", "Could not boot", "timed out"] {
                #expect(!machine.console.text.contains(word), "\(word)")
            }
            return report
        }

        @Test(arguments: Suite.tested) func `Clevis opens the root by its Tang server, and nobody types`(
            suite: Suite
        ) async throws {
            try await boot(system(suite, tang: true), name: "clevis-alone") { machine in
                let report = try await expectLogin(machine, by: "systemd")
                #expect(report.log.contains("crypt-root: systemd asks for a passphrase"), "\(report.log)")
            }
        }

        @Test(arguments: Suite.tested) func `without the Tang server, ssh is asked what systemd asks, and opens it`(
            suite: Suite
        ) async throws {
            try await boot(system(suite, tang: false), name: "clevis-none") { machine in
                try await machine.awaitAgent()
                let ssh = try Dialogue(machine.ssh())
                try await ssh.expect(Texts.prompt)
                try await TPMTests.answerTwice(ssh)
                let report = try await expectLogin(machine, by: "owner@laptop")
                #expect(!machine.console.text.contains(passphrase))
                expectRecords(report)
            }
        }

        /// What opens the disk "vault" alone.
        private static let other = "quite another one"

        private func vaulted(_ suite: Suite, tang: Bool) -> System {
            var system = System(suite, "clevis", disks: ["root", "vault", "scratch"])
            system.hasTang = tang
            return system
        }

        private func expectVault(_ machine: Machine) async throws -> Report {
            let report = try await machine.login()
            #expect(report["root"] == ["/dev/mapper/crypt-root"])
            #expect(Set(report["open"]) == ["crypt-root", "vault", "scratch"])
            // A plain volume stays the native opener's.
            #expect(!report.log.contains { $0.hasPrefix("scratch: opened") }, "\(report.log)")
            let opened = report.log.first { $0.hasPrefix("vault: opened by ") }
            #expect(opened?.contains("owner@laptop") == true, "\(report.log)")
            for question in ["processes", "prompts", "failed"] { #expect(report[question] == [], "\(question)") }
            #expect(!machine.console.text.contains(Texts.native))
            return report
        }

        @Test(arguments: Suite.tested)
        func `in an initrd of initramfs-tools Clevis opens the root while Postern waits for another volume`(
            suite: Suite
        ) async throws {
            try await boot(vaulted(suite, tang: true), name: "clevis-vault") { machine in
                try await machine.console.expect("crypt-root: open")
                try await machine.awaitAgent()
                let unlocked = try await machine.ssh(["unlock"], input: Self.other)
                #expect(unlocked.status == 0, "\(unlocked)")
                let report = try await expectVault(machine)
                #expect(report.log.contains("crypt-root: is open already"), "\(report.log)")
            }
        }

        @Test(arguments: Suite.tested)
        func `in an initrd of initramfs-tools ssh opens the root when there is no Tang server`(
            suite: Suite
        ) async throws {
            try await boot(vaulted(suite, tang: false), name: "clevis-vault-none") { machine in
                try await machine.awaitAgent()
                let ssh = try Dialogue(machine.ssh())
                try await ssh.expect("Passphrase for crypt-root, vault:")
                ssh.type("wrong\r")
                try await ssh.expect("Wrong passphrase.")
                ssh.type(passphrase + "\r")
                try await ssh.expect("Passphrase for vault:")
                ssh.type(Self.other + "\r")
                try await ssh.expect(Texts.continues)
                #expect(try await ssh.status() == 0)
                let report = try await expectVault(machine)
                let opened = report.log.first { $0.hasPrefix("crypt-root: opened by ") }
                #expect(opened?.contains("owner@laptop") == true, "\(report.log)")
            }
        }
    }
}
