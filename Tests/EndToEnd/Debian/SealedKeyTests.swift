import Foundation
import Machine
import Testing

extension DebianTests {
    /// A host key that `postern hostkey --seal` has sealed to the machine's TPM while PCR 16 is as it is at the start.
    @Suite struct SealedKeyTests {
        private static let warning = "This host key lay readable in the initrd: the machine may not be yours."
        private static let conf = "etc/postern/postern.conf"

        private func system(_ suite: Suite, _ name: String, tpm: Bool = true) -> System {
            var system = System(suite, name, disks: name == "sealed" ? ["root"] : ["root", "local"])
            if name != "sealed" { system.commandLine = "rd.retry=15 rd.shell=1" }
            system.hasTPM = tpm
            return system
        }

        /// What makes ssh believe the lines of `postern ssh-config` alone.
        private func options(_ system: System, name: String) async throws -> [String] {
            let file = try await system.sshFile("known_hosts")
            return ["-o", "HostKeyAlias=\(name)", "-o", "UserKnownHostsFile=\(file.path)"]
        }

        private func expectSealed(_ system: System, _ machine: Machine) async throws {
            let ssh = try await Dialogue(machine.ssh(options: options(system, name: "nas")))
            try await ssh.expect(Texts.prompt)
            #expect(!ssh.screen.text.contains(Self.warning))
            ssh.type(passphrase + "\r")
            try await ssh.expect(Texts.continues)
            #expect(try await ssh.status() == 0)
            let report = try await machine.login()
            #expect(report["root"] == ["/dev/mapper/crypt-root"])
            #expect(report.log.contains("the TPM has opened the sealed host key"), "\(report.log)")
            #expect(!report.told.contains { $0.contains("the sealed host key stays shut") }, "\(report.told)")
        }

        /// Expects that ssh refuses the key, and that whoever takes it all the same is warned, and so is the report.
        private func expectFallback(_ system: System, _ machine: Machine, _ reason: String) async throws {
            try await machine.awaitAgent()
            let refused = try await Dialogue(machine.ssh(options: options(system, name: "nas")))
            try await refused.expect("REMOTE HOST IDENTIFICATION HAS CHANGED")
            #expect(try await refused.status() == 255)
            let ssh = try await Dialogue(machine.ssh(options: options(system, name: "nas-fallback")))
            try await ssh.expect("the machine may not be yours")
            try await ssh.expect(Texts.prompt)
            ssh.type(passphrase + "\r")
            try await ssh.expect(Texts.continues)
            #expect(try await ssh.status() == 0)
            let report = try await machine.login()
            #expect(report["root"] == ["/dev/mapper/crypt-root"])
            let line = report.log.first { $0.hasPrefix("the sealed host key stays shut: ") } ?? ""
            #expect(line.contains(reason), "\(report.log)")
            #expect(report.log.contains { $0.hasPrefix("login of ") && $0.hasSuffix(", by the fallback host key") })
            #expect(report.told.contains { $0.hasSuffix(line) }, "\(report.told)")
        }

        @Test(arguments: Suite.tested, ["dracut-sealed", "sealed"])
        func `the TPM opens the host key, by which ssh knows the machine`(suite: Suite, name: String) async throws {
            let system = system(suite, name)
            try await boot(system, name: "\(name)-opened") { machine in
                try await machine.awaitAgent()
                try await expectSealed(system, machine)
            }
        }

        @Test(arguments: Suite.tested, ["dracut-sealed", "sealed"])
        func `when a PCR has changed, ssh refuses the other key, and who takes it is warned`(
            suite: Suite, name: String
        ) async throws {
            var system = system(suite, name)
            try change(&system)
            try await boot(system, name: "\(name)-changed") { machine in
                try await expectFallback(system, machine, "Failed to unseal secret using TPM2: Operation not permitted")
            }
        }

        /// Has the PCR changed before the agent starts.
        private func change(_ system: inout System) throws {
            if system.name == "sealed" {
                system.commandLine += " test.pcr"
            } else {
                try TPMTests.changePCR(of: &system)
            }
        }

        @Test(arguments: Suite.tested, ["dracut-sealed", "sealed"])
        func `without the TPM the other key is used`(suite: Suite, name: String) async throws {
            let system = system(suite, name, tpm: false)
            try await boot(system, name: "\(name)-no-tpm") { machine in
                try await expectFallback(system, machine, "there is no TPM")
            }
        }

        /// A program that sleeps plays the TPM that hangs: QEMU itself stops with a TPM that does not answer.
        @Test(arguments: Suite.tested) func `a TPM that hangs holds up ssh alone, and for 20 s`(suite: Suite)
            async throws
        {
            var system = system(suite, "dracut-sealed")
            system.files["usr/bin/systemd-creds"] = "#!/bin/sh\nsleep 100000\n"
            try await boot(system, name: "dracut-sealed-hangs") { machine in
                try await machine.console.expect("Passphrase for crypt-root:")
                try await expectFallback(system, machine, "the TPM took longer than 20 s")
            }
        }

        @Test(arguments: Suite.tested) func `with FallbackHostKey none there is the console's prompt alone`(
            suite: Suite
        ) async throws {
            var system = system(suite, "sealed", tpm: false)
            system.files[Self.conf] = """
                HostKey /etc/postern/ssh_host_tpm_key.sealed
                FallbackHostKey none
                Crypttab /etc/postern/crypttab
                Initrd initramfs-tools

                """
            try await boot(system, name: "sealed-none") { machine in
                try await machine.console.expect("Passphrase for crypt-root:")
                try await machine.console.expect("Nobody can log in over ssh; the log says why")
                machine.type(passphrase + "\r")
                let report = try await machine.login()
                #expect(
                    report.log.contains(
                        "the sealed host key stays shut: there is no TPM; there is no fallback host key, and so no ssh"),
                    "\(report.log)")
            }
        }
    }
}
