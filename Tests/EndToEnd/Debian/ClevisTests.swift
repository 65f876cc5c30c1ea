import Machine
import Testing

extension DebianTests {
    /// A root that Clevis opens by a Tang server, in the initrd that dracut made. Clevis answers systemd's question, as Postern does.
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
    }
}
