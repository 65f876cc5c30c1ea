import Foundation
import Machine
import Testing

extension DebianTests {
    /// The same Debian with dracut, whose initrd systemd runs.
    @Suite struct DracutTests {
        /// systemd's own question, where Postern does not ask.
        private static let native = "Please enter passphrase for disk"

        private func system() -> System {
            var system = System("dracut", disks: ["root", "local"])
            // Emergency shells come early here, if they come.
            system.commandLine = "rd.retry=15 rd.shell=1"
            return system
        }

        /// Waits for the login prompt of a system whose root `who` unlocked.
        @discardableResult
        private func expectLogin(_ machine: Machine, by who: String?) async throws -> Report {
            let report = try await machine.login()
            #expect(report["root"] == ["/dev/mapper/crypt-root"])
            #expect(Set(report["open"]) == ["crypt-root", "local"])
            for question in ["processes", "prompts", "failed"] { #expect(report[question] == [], "\(question)") }
            // systemd itself keeps what was typed for two minutes.
            if who != nil { #expect(report["keys"] == []) }
            #expect(report["images"].allSatisfy { $0.hasPrefix("600:") })
            let opened = report.log.first { $0.hasPrefix("crypt-root: opened by ") }
            #expect(who.map { opened?.contains($0) == true } ?? (opened == nil), "\(report.log)")
            #expect(!machine.console.text.contains(passphrase))
            for word in ["emergency", "Could not boot", "timed out"] {
                #expect(!machine.console.text.contains(word), "\(word)")
            }
            return report
        }

        @Test("ssh unlocks it, systemd opens the other volume meanwhile, and the journal has who it was in fields")
        func terminal() async throws {
            try await boot(system(), name: "dracut-ssh") { machine in
                try await machine.awaitAgent()
                let ssh = try Dialogue(machine.ssh())
                try await ssh.expect(Texts.prompt)
                ssh.type(passphrase + "\r")
                try await ssh.expect(Texts.continues)
                #expect(try await ssh.status() == 0)
                let report = try await expectLogin(machine, by: "owner@laptop")
                let events = report["events"].joined()
                for field in [
                    #""POSTERN_VOLUME":"crypt-root""#, #""POSTERN_KEY":"SHA256:"#, #""POSTERN_USER":"root""#,
                    #""POSTERN_ADDRESS":"10.0.2.2""#, #""POSTERN_KEY_COMMENT":"owner@laptop""#,
                    #""_SYSTEMD_UNIT":"postern.service""#,
                ] {
                    #expect(events.contains(field), "\(field): \(events)")
                }
            }
        }

        @Test(
            "typed at the console, a wrong passphrase is asked for again by systemd's agent, and the right one boots it"
        )
        func console() async throws {
            try await boot(system(), name: "dracut-console") { machine in
                try await machine.console.expect(Texts.prompt)
                try await machine.console.expect("TAB for no echo")
                machine.type("wrong\r")
                try await machine.console.expect("Wrong passphrase. " + Texts.prompt)
                try await Task.sleep(for: .seconds(1))
                machine.type(passphrase + "\r")
                try await machine.console.expect(Texts.continues)
                try await expectLogin(machine, by: "the console")
            }
        }

        @Test("while systemd asks at the console, nothing ends in an emergency shell, and ssh still wins")
        func both() async throws {
            try await boot(system(), name: "dracut-wait") { machine in
                try await machine.awaitAgent()
                try await machine.console.expect("TAB for no echo")
                machine.type("half a passphr")
                // Four times as long as dracut's initqueue waits for a root.
                try await Task.sleep(for: .seconds(60))
                let status = try await machine.ssh(["status"], input: "")
                #expect(status.output.contains("crypt-root  locked"), "\(status)")
                try await unlock(machine)
                try await expectLogin(machine, by: "owner@laptop")
                // Nobody asks for it natively.
                #expect(!machine.console.text.contains(Self.native))
            }
        }

        /// Answers systemd's own question, and waits for the login prompt.
        private func expectNativeUnlock(_ machine: Machine) async throws {
            try await machine.console.expect(Self.native)
            // Only then is nothing echoed.
            try await machine.console.expect("TAB for no echo")
            machine.type(passphrase + "\r")
            try await expectLogin(machine, by: nil)
        }

        @Test("postern=off leaves the boot to systemd's question")
        func off() async throws {
            var system = system()
            system.commandLine += " postern=off"
            try await boot(system, name: "dracut-off") { machine in
                try await expectNativeUnlock(machine)
                #expect(!machine.console.text.contains(Texts.prompt))
            }
        }

        @Test("when the agent is killed while it asks, its question goes, and systemd's unlocks")
        func killed() async throws {
            var system = system()
            system.control = true
            try await boot(system, name: "dracut-killed") { machine in
                try await machine.console.expect(Texts.prompt)
                let killed = try await machine.run("kill -9 $(systemctl show -p MainPID --value postern.service)")
                #expect(killed.status == 0, "\(killed)")
                try await expectNativeUnlock(machine)
            }
        }

        @Test("when the agent does not start, systemd's question unlocks")
        func broken() async throws {
            var system = system()
            system.files = ["usr/sbin/postern": "#!/nonexistent"]
            try await boot(system, name: "dracut-broken") { machine in try await expectNativeUnlock(machine) }
        }

        @Test("when its configuration is rubbish, the agent goes by systemd's crypttab, and the owner gets in")
        func rubbish() async throws {
            var system = system()
            system.files = ["etc/postern/postern.conf": "?", "etc/postern/crypttab": "?"]
            try await boot(system, name: "dracut-rubbish") { machine in
                try await machine.awaitAgent()
                try await unlock(machine)
                let report = try await expectLogin(machine, by: "owner@laptop")
                #expect(report.log.contains { $0.contains("/etc/postern/postern.conf:1:") }, "\(report.log)")
            }
        }
    }
}
