import Foundation
import Machine
import Repository
import Testing

extension DebianTests {
    /// The units that NixOS would have in its initrd, in the systemd initrd that dracut made, with stand-ins for what else
    /// NixOS has there.
    @Suite struct NixOSTests {
        private static let native = "Please enter passphrase for disk"
        private static let store = "nix/store/00000000000000000000000000000000-"
        private static let folder = Repository.root.appending(path: "Tests/EndToEnd/Nix")
        private static let script = folder.appending(path: "render").path
        private static let configuration = folder.appending(path: "configurations/boot.nix").path

        /// What NixOS puts into place late, so that nobody has it who does not wait. The host key is the one that the image
        /// has already, under another name.
        private static let secrets = """
            [Unit]
            DefaultDependencies=no
            Before=cryptsetup-pre.target shutdown.target
            Conflicts=shutdown.target

            [Service]
            Type=oneshot
            RemainAfterExit=yes
            ExecStart=/bin/sh -c 'mkdir -p /.initrd-secrets/etc/postern'
            ExecStart=/bin/sh -c 'mv /etc/postern/ssh_host_ed25519_key /.initrd-secrets/etc/postern/ssh_host_key_1'
            ExecStart=/bin/sh -c 'chmod 0444 /.initrd-secrets/etc/postern/ssh_host_key_1; sleep 3'
            ExecStart=/bin/sh -c 'cp /.initrd-secrets/etc/postern/ssh_host_key_1 /etc/postern/'

            """

        /// Runs `body` with a machine whose unit starts the program `agent`.
        private func start(
            _ suite: Suite, name: String, agent: String = "#!/bin/sh\nexec /usr/sbin/postern \"$@\"\n",
            disks: [String] = ["root", "local"], more: String = "", system base: String = "dracut",
            prepare: (inout System) throws -> Void = { _ in }, _ body: (Machine) async throws -> Void
        ) async throws {
            let work = FileManager.default.temporaryDirectory.appending(path: "postern-nixos-\(UUID().uuidString)")
            defer { try? FileManager.default.removeItem(at: work) }
            try FileManager.default.createDirectory(at: work, withIntermediateDirectories: true)
            let key = try await System.ownerKey(suite, base)
            try Data("{ lib, ... }: { boot.initrd.postern.authorizedKeys = [ \"\(key)\" ]; \(more) }".utf8).write(
                to: work.appending(path: "key.nix"))
            let tree = work.appending(path: "tree").path
            let rendered = try await runProgram([
                Self.script, tree, Self.configuration, work.appending(path: "key.nix").path,
            ])
            #expect(rendered.status == 0, "\(rendered)")

            var system = System(suite, base, disks: disks)
            // In the booted system a missing disk is its own concern.
            system.commandLine = "rd.retry=15 rd.shell=1 luks=no rd.luks=yes"
            system.control = true
            system.tree = tree
            let units = "etc/systemd/system"
            try FileManager.default.createSymbolicLink(
                atPath: "\(tree)/\(units)/sysinit.target.wants/initrd-nixos-copy-secrets.service",
                withDestinationPath: "../initrd-nixos-copy-secrets.service")
            system.files = [
                "\(Self.store)postern/bin/postern": agent,
                "\(Self.store)coreutils/bin/rm": "#!/bin/sh\nexec rm \"$@\"\n",
                "\(Self.store)coreutils/bin/chmod": "#!/bin/sh\nexec chmod \"$@\"\n",
                "\(units)/initrd-nixos-copy-secrets.service": Self.secrets,
                // What dracut's own module has put there counts for nothing.
                "\(units)/systemd-cryptsetup@crypt\\x2droot.service.d/postern.conf": "",
                "etc/systemd/system.conf.d/postern.conf": "",
                #"\#(units)/dev-disk-by\x2duuid-8d103e45\x2d0233\x2d4756\x2d899e\x2dbf8892644704.device.d/timeout.conf"#:
                    "",
                "etc/postern/crypttab": "",
                "usr/lib/systemd/system/postern.service": "",
            ]
            try prepare(&system)
            try await boot(system, name: name, body)
        }

        /// Waits for the login prompt of a system whose root `who` unlocked.
        @discardableResult
        private func expectLogin(
            _ machine: Machine, open: Set<String> = ["crypt-root", "local"], by who: String?, failed: [String]
        ) async throws -> Report {
            let report = try await machine.login()
            #expect(report["root"] == ["/dev/mapper/crypt-root"])
            #expect(Set(report["open"]) == open)
            for question in ["processes", "prompts"] { #expect(report[question] == [], "\(question)") }
            #expect(report["failed"] == failed)
            let opened = report.log.first { $0.hasPrefix("crypt-root: opened by ") }
            #expect(who.map { opened?.contains($0) == true } ?? (opened == nil), "\(report.log)")
            if who == "owner@laptop" { expectRecords(report) }
            for word in ["emergency", "Could not boot", "timed out"] {
                #expect(!machine.console.text.contains(word), "\(word)")
            }
            return report
        }

        @Test(arguments: Suite.tested)
        func `with NixOS's units, ssh unlocks the root by a host key that came late, and nobody asks natively`(
            suite: Suite
        )
            async throws
        {
            try await start(suite, name: "nixos-ssh") { machine in
                try await machine.awaitAgent()
                let key = try await machine.run("stat -c '%a %n' /etc/postern/ssh_host_key_1")
                #expect(key.output == "600 /etc/postern/ssh_host_key_1\n", "\(key)")
                let limit = try await machine.run("systemctl show -p DefaultDeviceTimeoutUSec")
                #expect(limit.output.contains("infinity"), "\(limit)")
                try await unlock(machine)
                try await expectLogin(machine, by: "owner@laptop", failed: [])
                #expect(!machine.console.text.contains(Self.native))
            }
        }

        @Test(arguments: Suite.tested)
        func
            `a missing key volume, and a dead disk of a volume that is left to NixOS, hold up the boot for 90 s alone`(
                suite: Suite
            )
            async throws
        {
            let key = """
                boot.initrd.luks.devices.crypt-root.keyFile = "/etc/keyfile:UUID=8d103e45-0233-4756-899e-bf8892644705";
                """
            try await start(suite, name: "nixos-dead", disks: ["root"], more: key) { machine in
                try await machine.awaitAgent()
                try await unlock(machine)
                try await expectLogin(machine, open: ["crypt-root"], by: "owner@laptop", failed: [])
                #expect(!machine.console.text.contains(Self.native))
            }
        }

        /// What has systemd open the root with the TPM.
        private static let tpm = """
            boot.initrd.luks.devices.crypt-root.crypttabExtraOpts = [ "tpm2-device=auto" ];
            """

        @Test(arguments: Suite.tested) func `the TPM opens the root alone with NixOS's units, and nobody is asked`(
            suite: Suite
        ) async throws {
            let prepare = { (system: inout System) in system.hasTPM = true }
            try await start(
                suite, name: "nixos-tpm", more: Self.tpm, system: "dracut-tpm", prepare: prepare
            ) { machine in
                try await expectLogin(machine, by: "systemd", failed: [])
                #expect(!machine.console.text.contains(Self.native))
                #expect(!machine.console.text.contains(Texts.prompt))
            }
        }

        @Test(arguments: Suite.tested)
        func `when a PCR has changed, ssh is asked there what systemd asks, and opens it`(suite: Suite) async throws {
            // By its name: else systemd gives the volume up after a wrong passphrase.
            let named =
                Self.tpm
                + #"boot.initrd.postern.settings.Volume = lib.mkForce [ "local leave" "crypt-root fallback" ];"#
            let prepare = { (system: inout System) in
                system.hasTPM = true
                try TPMTests.changePCR(of: &system)
            }
            try await start(
                suite, name: "nixos-tpm-changed", more: named, system: "dracut-tpm", prepare: prepare
            ) { machine in
                try await machine.awaitAgent()
                let ssh = try Dialogue(machine.ssh())
                try await ssh.expect(Texts.prompt)
                try await TPMTests.answerTwice(ssh)
                try await expectLogin(machine, by: "owner@laptop", failed: [])
            }
        }

        @Test(arguments: Suite.tested)
        func
            `a dead disk of a volume that NixOS opens with the TPM is left to systemd after 90 s, and the boot goes on`(
                suite: Suite
            )
            async throws
        {
            let dead = """
                boot.initrd.luks.devices.local.keyFile = lib.mkForce null;
                boot.initrd.luks.devices.local.crypttabExtraOpts = [ "tpm2-device=auto" ];
                boot.initrd.postern.settings.Volume = lib.mkForce [ ];
                """
            try await start(suite, name: "nixos-tpm-dead", disks: ["root"], more: dead) { machine in
                try await machine.awaitAgent()
                let unlocked = try await machine.ssh(["unlock"], input: passphrase)
                // The device may yet come, and then it would take another command.
                #expect(unlocked.status == 5, "\(unlocked)")
                #expect(unlocked.output.contains("crypt-root: open\n"), "\(unlocked)")
                let report = try await expectLogin(machine, open: ["crypt-root"], by: "owner@laptop", failed: [])
                #expect(report.log.contains("local: left, its device has not appeared"), "\(report.log)")
                #expect(!machine.console.text.contains(Self.native))
            }
        }

        /// An array whose disks have their key on a key volume.
        private static let array = """
            boot.initrd.luks.devices = builtins.listToAttrs (map (number: {
              name = "storage-${number}";
              value = {
                device = "/dev/disk/by-uuid/8d103e45-0233-4756-899e-bf88926447${"1" + number}";
                keyFile = "/etc/keyfile:UUID=8d103e45-0233-4756-899e-bf8892644710";
              };
            }) [ "1" "2" "3" "4" ]);
            boot.initrd.postern.arrays.storage = { policy = "quorum"; quorum = 3; members = [ "storage-*" ]; };
            boot.initrd.postern.settings.ContinueTimeout = 10;
            """

        @Test(arguments: Suite.tested)
        func `a root, a key volume and an array with one member missing boot with NixOS's units, without that member`(
            suite: Suite
        )
            async throws
        {
            try await start(
                suite, name: "nixos-array", disks: ["root", "local", "keys", "storage-1", "storage-2", "storage-3"],
                more: Self.array, system: "dracut-array"
            ) { machine in
                try await machine.awaitAgent()
                try await unlock(machine)
                try await expectLogin(
                    machine, open: ["crypt-root", "local", "storage-1", "storage-2", "storage-3"], by: "owner@laptop",
                    failed: [])
                #expect(!machine.console.text.contains(Self.native))
            }
        }

        /// Says on the console whether the root was open when a unit ran.
        private static func says(_ word: String) -> String {
            "/bin/sh -c 'test -e /dev/mapper/crypt-root && echo \(word) after the unlock >/dev/console'"
        }

        /// A service such as those that roll a root back, as people write it.
        private static let rollback = #"""
            [Unit]
            DefaultDependencies=no
            Requires=systemd-cryptsetup@crypt\x2droot.service
            After=systemd-cryptsetup@crypt\x2droot.service
            Before=sysroot.mount

            [Service]
            Type=oneshot
            RemainAfterExit=yes
            ExecStart=

            """#

        @Test(arguments: Suite.tested)
        func `what NixOS orders behind the unlock runs behind it: a rollback, and the import of a ZFS pool`(
            suite: Suite
        )
            async throws
        {
            // A stand-in for the import, in the unit that the module has wait.
            let pool = """
                fileSystems."/pool" = { device = "pool/data"; fsType = "zfs"; neededForBoot = true; };
                boot.initrd.systemd.services.zfs-import-pool = {
                  wantedBy = [ "initrd.target" ];
                  unitConfig.DefaultDependencies = false;
                  serviceConfig = {
                    Type = "oneshot";
                    RemainAfterExit = true;
                    ExecStart = "\(Self.says("imported"))";
                  };
                };
                """
            let prepare = { (system: inout System) in
                let units = "etc/systemd/system"
                system.files["\(units)/rollback.service"] = Self.rollback.replacing(
                    "ExecStart=", with: "ExecStart=\(Self.says("rolled back"))")
                system.files["\(units)/initrd.target.d/rollback.conf"] = "[Unit]\nRequires=rollback.service\n"
            }
            try await start(suite, name: "nixos-order", more: pool, prepare: prepare) { machine in
                try await machine.awaitAgent()
                // They have time to run too early.
                try await Task.sleep(for: .seconds(5))
                try await unlock(machine)
                try await machine.console.expect("rolled back after the unlock")
                try await machine.console.expect("imported after the unlock")
                try await expectLogin(machine, by: "owner@laptop", failed: [])
            }
        }

        /// Answers systemd's own question, and waits for the login prompt.
        private func expectNativeUnlock(_ machine: Machine) async throws {
            try await machine.console.expect(Self.native)
            try await machine.console.expect("TAB for no echo")
            machine.type(passphrase + "\r")
            try await expectLogin(machine, by: nil, failed: ["postern.service"])
        }

        @Test(arguments: Suite.tested) func `when the agent does not start there, systemd's question unlocks`(
            suite: Suite
        ) async throws {
            try await start(suite, name: "nixos-broken", agent: "#!/nonexistent") { machine in
                try await expectNativeUnlock(machine)
            }
        }

        @Test(arguments: Suite.tested)
        func `when the agent is killed there while it asks, its files go, and systemd's question unlocks`(suite: Suite)
            async throws
        {
            try await start(suite, name: "nixos-killed") { machine in
                try await machine.console.expect(Texts.prompt)
                let standing = try await machine.run("stat /run/systemd/ask-password/ask.postern")
                #expect(standing.status == 0, "\(standing)")
                let killed = try await machine.run("kill -9 $(systemctl show -p MainPID --value postern.service)")
                #expect(killed.status == 0, "\(killed)")
                let ended = try await machine.run(
                    "for _ in 1 2 3 4 5 6 7 8 9; do systemctl -q is-failed postern.service && break; sleep 1; done; "
                        + "systemctl is-failed postern.service && ! stat /run/systemd/ask-password/ask.postern")
                #expect(ended.status == 0, "\(ended)")
                try await expectNativeUnlock(machine)
            }
        }
    }
}
