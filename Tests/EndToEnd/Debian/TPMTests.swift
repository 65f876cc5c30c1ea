import Foundation
import Machine
import Repository
import Testing

extension DebianTests {
    /// A root that systemd opens with a TPM, in the initrd that dracut made: Postern asks where systemd asks.
    @Suite struct TPMTests {
        private static let native = "Please enter passphrase for disk"

        /// Changes the PCR before anything is opened, as another kernel would.
        private static let change = """
            [Unit]
            DefaultDependencies=no
            Wants=dev-tpmrm0.device cryptsetup-pre.target
            After=dev-tpmrm0.device
            Before=cryptsetup-pre.target postern.service shutdown.target
            Conflicts=shutdown.target

            [Service]
            Type=oneshot
            RemainAfterExit=yes
            ExecStart=/bin/sh -c 'tpm2_pcrextend 16:sha256=$(printf %%064d 1)'

            """

        private func system(_ suite: Suite, tpm: Bool = true) -> System {
            var system = System(suite, "dracut-tpm", disks: ["root", "local"])
            system.commandLine = "rd.retry=15 rd.shell=1"
            system.hasTPM = tpm
            system.control = true
            return system
        }

        /// Has the PCR changed in a system's initrd before anything is opened.
        static func changePCR(of system: inout System) throws {
            let unit = "change-pcr.service"
            system.files["etc/systemd/system/\(unit)"] = change
            system.files["etc/systemd/system/sysinit.target.d/change.conf"] = "[Unit]\nWants=\(unit)\n"
        }

        /// Answers systemd's question wrongly, and then rightly where it is asked again.
        static func answerTwice(_ ssh: Dialogue) async throws {
            ssh.type("wrong\r")
            try await ssh.expect("Wrong passphrase.")
            try await ssh.expect(Texts.prompt, times: 2)
            ssh.type(passphrase + "\r")
            try await ssh.expect(Texts.continues)
            #expect(try await ssh.status() == 0)
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

        @Test(arguments: Suite.tested) func `the TPM opens the root alone, and nobody is asked`(
            suite: Suite
        ) async throws {
            try await boot(system(suite), name: "tpm-alone") { machine in
                try await expectLogin(machine, by: "systemd")
                #expect(!machine.console.text.contains(Self.native))
                #expect(!machine.console.text.contains(Texts.prompt))
            }
        }

        @Test(arguments: Suite.tested)
        func `when a PCR has changed, ssh is asked what systemd asks, once more after a wrong passphrase, and opens it`(
            suite: Suite
        ) async throws {
            var system = system(suite)
            try Self.changePCR(of: &system)
            try await boot(system, name: "tpm-changed") { machine in
                try await machine.awaitAgent()
                let ssh = try Dialogue(machine.ssh())
                try await ssh.expect(Texts.prompt)
                try await machine.console.expect(Self.native)
                let status = try await machine.ssh(["status", "--json"], input: "")
                #expect(
                    status.output.contains(
                        #""state":"locked","detail":"systemd asks for a passphrase; tpm2-device= has not opened it","asks":true"#
                    ),
                    "\(status)")
                let pcr = try await machine.run("tpm2_pcrread sha256:16")
                #expect(pcr.status == 0 && !pcr.output.contains("0x0000000"), "\(pcr)")
                try await Self.answerTwice(ssh)
                let report = try await expectLogin(machine, by: "owner@laptop")
                #expect(!machine.console.text.contains(passphrase))
                #expect(report.log.contains("crypt-root: systemd asks for a passphrase"), "\(report.log)")
                expectRecords(report)
            }
        }

        @Test(arguments: Suite.tested)
        func `without the TPM, systemd's question on the console opens it, and ssh sees that`(
            suite: Suite
        ) async throws {
            try await boot(system(suite, tpm: false), name: "tpm-none") { machine in
                try await machine.awaitAgent()
                let ssh = try Dialogue(machine.ssh())
                try await ssh.expect(Texts.prompt)
                try await machine.console.expect("TAB for no echo")
                // One question for one volume, whoever asks it.
                #expect(!machine.console.text.contains(Texts.prompt))
                machine.type(passphrase + "\r")
                try await ssh.expect("crypt-root: open")
                try await ssh.expect(Texts.continues)
                #expect(try await ssh.status() == 0)
                try await expectLogin(machine, by: "systemd")
            }
        }

        @Test(arguments: Suite.tested) func `without the TPM, a passphrase on standard input waits for the question`(
            suite: Suite
        ) async throws {
            try await boot(system(suite, tpm: false), name: "tpm-script") { machine in
                try await machine.awaitAgent()
                var unlocked = try await machine.ssh(["unlock"], input: passphrase)
                // A slow machine's systemd may ask later than the passphrase waits.
                while unlocked.status == 5, !machine.console.hasEnded {
                    unlocked = try await machine.ssh(["unlock"], input: passphrase)
                }
                #expect(unlocked.status == 0, "\(unlocked)")
                try await expectLogin(machine, by: "owner@laptop")
            }
        }
    }
}
