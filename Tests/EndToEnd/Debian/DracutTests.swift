import Foundation
import Machine
import Testing

extension DebianTests {
    /// The same Debian with dracut, whose initrd systemd runs.
    @Suite struct DracutTests {
        /// systemd's own question, where Postern does not ask.
        static let native = "Please enter passphrase for disk"

        func system(_ suite: Suite) -> System {
            var system = System(suite, "dracut", disks: ["root", "local"])
            // Emergency shells come early here, if they come.
            system.commandLine = "rd.retry=15 rd.shell=1"
            return system
        }

        /// Waits for the login prompt of a system whose root `who` unlocked.
        @discardableResult
        func expectLogin(
            _ machine: Machine, root: String = "crypt-root", open: Set<String> = ["crypt-root", "local"],
            by who: String?, failed: [String] = []
        ) async throws -> Report {
            let report = try await machine.login()
            #expect(report["root"] == [root.contains("/") ? root : "/dev/mapper/\(root)"])
            #expect(Set(report["open"]) == open)
            for question in ["processes", "prompts"] { #expect(report[question] == [], "\(question)") }
            #expect(report["failed"] == failed)
            // systemd itself keeps what was typed for two minutes.
            if who != nil { #expect(report["keys"] == []) }
            #expect(report["images"].allSatisfy { $0.hasPrefix("600:") })
            let opened = report.log.first { $0.hasPrefix("crypt-root: opened by ") }
            #expect(who.map { opened?.contains($0) == true } ?? (opened == nil), "\(report.log)")
            // What systemd's agents let be seen for a moment is theirs.
            if who == "owner@laptop" { #expect(!machine.console.text.contains(passphrase)) }
            for word in ["emergency", "Could not boot", "timed out"] {
                #expect(!machine.console.text.contains(word), "\(word)")
            }
            return report
        }

        @Test(arguments: Suite.tested)
        func
            `typed at the console, a wrong passphrase is asked for again by systemd's agent, and the right one boots it`(
                suite: Suite
            )
            async throws
        {
            try await boot(system(suite), name: "dracut-console") { machine in
                try await machine.console.expect(Texts.prompt)
                try await machine.console.expect("TAB for no echo")
                machine.type("wrong\r")
                try await machine.console.expect("Wrong passphrase. " + Texts.prompt)
                try await machine.console.expect("TAB for no echo", times: 2)
                machine.type(passphrase + "\r")
                try await machine.console.expect(Texts.continues)
                try await expectLogin(machine, by: "the console")
            }
        }

        @Test(arguments: Suite.tested)
        func `while systemd asks, nothing ends in an emergency shell, and ssh still wins; the journal has who it was`(
            suite: Suite
        )
            async throws
        {
            try await boot(system(suite), name: "dracut-ssh") { machine in
                try await machine.awaitAgent()
                try await machine.console.expect("TAB for no echo")
                machine.type("half a passphr")
                // Four times as long as dracut's initqueue waits for a root.
                try await idle(for: .seconds(60))
                // A shell has a terminal of its own, and leaves the console's question alone.
                let command = try await machine.ssh(["shell", "-c", "cat /proc/1/comm; exit 3"], input: "")
                #expect(command.status == 3 && command.output == "systemd\n", "\(command)")
                let shell = try Dialogue(machine.ssh(["shell"], options: ["-tt"]))
                try await shell.expect("You are root in the initrd of ")
                shell.type("echo $((6 * 7))\r")
                try await shell.expect("\n42\n")
                #expect(machine.console.text.components(separatedBy: "TAB for no echo").count == 2)
                let ssh = try Dialogue(machine.ssh())
                try await ssh.expect(Texts.prompt)
                ssh.type(passphrase + "\r")
                try await ssh.expect(Texts.continues)
                #expect(try await ssh.status() == 0)
                try await shell.expect("The boot continues.")
                #expect(try await shell.status() == 129, "\(shell.screen.text)")
                let report = try await expectLogin(machine, by: "owner@laptop")
                // Nobody asks for it natively.
                #expect(!machine.console.text.contains(Self.native))
                expectRecords(report)
                let events = report["events"].joined()
                for field in [
                    #""POSTERN_VOLUME":"crypt-root""#, #""POSTERN_KEY":"SHA256:"#, #""POSTERN_USER":"root""#,
                    #""POSTERN_ADDRESS":"10.0.2.2""#, #""POSTERN_KEY_COMMENT":"owner@laptop""#,
                    #""_SYSTEMD_UNIT":"postern.service""#,
                ] {
                    #expect(events.contains(field), "\(field): \(events)")
                }
                // systemd has opened the other one by itself, while this waited.
                #expect(!report.log.contains { $0.hasPrefix("local: opened") })
            }
        }

        @Test(arguments: Suite.tested)
        func
            `a root on LVM in LUKS whose key volume is missing, and a disk whose key lies beside it, are opened after a wait longer than 90 s, and a dead disk that is systemd's holds up nothing`(
                suite: Suite
            )
            async throws
        {
            var system = System(suite, "dracut-lvm", disks: ["lvm", "data", "local"])
            system.root = "/dev/mapper/vg-root"
            // In the booted system the disks that are missing are its own concern.
            system.commandLine = "luks=no rd.luks=yes"
            try await boot(system, name: "dracut-lvm") { machine in
                try await machine.awaitAgent()
                // systemd gives up a device after 90 s, unless it is told otherwise.
                try await idle(for: .seconds(95))
                try await unlock(machine)
                // It counts from now.
                let report = try await expectLogin(
                    machine, root: "vg-root", open: ["crypt-root", "vg-root", "vg-keys", "data", "local"],
                    by: "owner@laptop")
                // Where systemd would have found it.
                let key = "local: opened by key file /etc/cryptsetup-keys.d/local.key"
                #expect(report.log.contains { $0.hasPrefix(key) }, "\(report.log)")
                #expect(!machine.console.text.contains(Self.native))
            }
        }

        @Test(arguments: Suite.tested)
        func
            `with a root that the kernel command line names, one member of an array missing and one locked, its quorum opens, and nobody is asked for the rest`(
                suite: Suite
            )
            async throws
        {
            var system = System(
                suite, "dracut-array", disks: ["root", "keys", "storage-1", "storage-2", "storage-3-other"])
            system.commandLine = "rd.luks.name=8d103e45-0233-4756-899e-bf8892644701=crypt-root rd.retry=15 rd.shell=1"
            system.files = [
                "etc/postern/postern.conf":
                    "Crypttab /etc/postern/crypttab\nArray storage quorum=2 storage-*\nContinueTimeout 10\nConsole no\n"
            ]
            try await boot(system, name: "dracut-array") { machine in
                try await machine.awaitAgent()
                // The missing disk would end this in an emergency shell, if nothing but the prompt kept it from that.
                try await idle(for: .seconds(45))
                #expect(!machine.console.text.contains(Texts.prompt))
                try await unlock(machine)
                let report = try await expectLogin(
                    machine, open: ["crypt-root", "storage-1", "storage-2"], by: "owner@laptop")
                #expect(
                    Set(report["files"])
                        == Set(["/run/postern/skip/storage-3", "/run/postern/skip/storage-4"] + records))
                expectRecords(report)
                // Nor does a mount wait for one that does not come.
                #expect(report["jobs"] == [])
                #expect(!machine.console.text.contains(Self.native))
            }
        }

        @Test(arguments: Suite.tested) func `systemd restarts the machine for who asks for it`(
            suite: Suite
        ) async throws {
            try await boot(system(suite), name: "dracut-reboot") { machine in
                try await machine.awaitAgent()
                try await machine.console.expect("TAB for no echo")
                let asked = try await machine.ssh(["reboot"], input: "")
                #expect(asked.status == 0 && asked.output == "The machine restarts.\n", "\(asked)")
                try await machine.console.expect("The machine restarts, asked for by")
                try await machine.console.expect("reboot: Restarting system")
                #expect(!machine.console.text.contains(Self.native))
                #expect(!machine.console.text.contains("systemd does not end this boot"))
            }
        }

        @Test(arguments: Suite.tested) func `without an authorized key the console still asks and unlocks`(suite: Suite)
            async throws
        {
            var system = system(suite)
            system.files = ["etc/postern/authorized_keys": "# none\n"]
            try await boot(system, name: "dracut-unkeyed") { machine in
                try await machine.console.expect(Texts.prompt)
                try await machine.console.expect("TAB for no echo")
                machine.type(passphrase + "\r")
                let report = try await expectLogin(machine, by: "the console")
                #expect(report.log.contains { $0.contains("there is no key that may log in") }, "\(report.log)")
            }
        }

        @Test(arguments: Suite.tested)
        func `the image that the booted machine builds for itself alone unlocks it at the next boot`(suite: Suite)
            async throws
        {
            let image = FileManager.default.temporaryDirectory.appending(path: "postern-image-\(UUID().uuidString)")
            defer { try? FileManager.default.removeItem(at: image) }
            var first = system(suite)
            first.commandLine += " test.image"
            first.output = image
            try await boot(first, name: "dracut-builds") { machine in
                try await machine.awaitAgent()
                try await unlock(machine)
                let report = try await expectLogin(machine, by: "owner@laptop")
                let size = try #require(report["image"].first.flatMap(UInt64.init))
                try FileHandle(forWritingTo: image).truncate(atOffset: size)
            }
            var second = system(suite)
            second.initrd = image
            try await boot(second, name: "dracut-built") { machine in
                try await machine.awaitAgent()
                try await unlock(machine)
                try await expectLogin(machine, by: "owner@laptop")
            }
        }

        @Test(arguments: Suite.tested)
        func `postern check finds nothing to say of dracut's image, and names what is taken out of it`(suite: Suite)
            async throws
        {
            let layer = FileManager.default.temporaryDirectory.appending(path: "postern-layer-\(UUID().uuidString)")
            defer { try? FileManager.default.removeItem(at: layer) }
            let script = #"""
                mkdir /root/image
                cd /root/image
                lsinitrd --unpack "$(ls /boot/initrd.img-*)"
                postern check --image /root/image
                rm usr/lib/udev/rules.d/95-dm-notify.rules
                postern check --image /root/image || echo "status $?"
                """#
            let said = try await runProgram(
                [Disks.script("inside"), "--over", layer.path]
                    + [try await System.tree(suite, "dracut"), "sh", "-euc", "{ \(script); } 2>&1"],
                within: .seconds(1800))
            // That a shell is permitted there is noticed each time.
            let lines = said.output.split(separator: "\n").filter { !$0.hasPrefix("notice: ") }.suffix(4)
            #expect(
                lines.suffix(2) == ["/etc/postern/postern.conf: 1 finding in the image", "status 1"], "\(said)")
            #expect(
                lines.first
                    == "/etc/postern/postern.conf: no findings in the image; 2 volumes, 1 authorized keys, 2 host keys",
                "\(said)")
            #expect(lines.dropFirst().first?.contains("95-dm-notify.rules: it is not in the image") == true, "\(said)")
        }

        @Test(arguments: Suite.tested)
        func `when its configuration is rubbish, the agent goes by systemd's crypttab, and the owner gets in`(
            suite: Suite
        )
            async throws
        {
            var system = system(suite)
            system.files = ["etc/postern/postern.conf": "?", "etc/postern/crypttab": "?"]
            try await boot(system, name: "dracut-rubbish") { machine in
                try await machine.awaitAgent()
                try await unlock(machine)
                let report = try await expectLogin(machine, by: "owner@laptop")
                #expect(report.log.contains { $0.contains("/etc/postern/postern.conf:1:") }, "\(report.log)")
            }
        }

        @Test(arguments: Suite.tested)
        func `systemd finds nothing to say of the unit and of what is added to the volumes' units`(suite: Suite)
            async throws
        {
            let layer = FileManager.default.temporaryDirectory.appending(path: "postern-layer-\(UUID().uuidString)")
            defer { try? FileManager.default.removeItem(at: layer) }
            let deb = try #require(ProcessInfo.processInfo.environment["POSTERN_DEB"])
            let tree = try await suite.folder() + "/tree"
            let script = #"""
                dpkg-deb -x /root/postern.deb /
                mkdir -p /root/image/usr/lib/systemd /run/systemd/generator
                touch /root/image/usr/lib/systemd/systemd
                printf '%s\n' 'crypt-root UUID=1 none luks' 'data+x UUID=2 none luks' >/etc/crypttab
                echo 'Crypttab /etc/crypttab' >/etc/postern/postern.conf
                ssh-keygen -q -t ed25519 -N '' -f /etc/postern/ssh_host_ed25519_key
                cp /etc/postern/ssh_host_ed25519_key.pub /etc/postern/authorized_keys
                postern image --into /root/image -- crypt-root 'data+x'
                cp -r /root/image/etc/systemd/system/. /etc/systemd/system/
                cp /usr/lib/dracut/modules.d/90postern/postern.service /etc/systemd/system/
                /lib/systemd/system-generators/systemd-cryptsetup-generator /run/systemd/generator /tmp /tmp
                cd /etc/systemd/system
                echo SAID
                units=/run/systemd/generator
                for unit in ./postern.service "$units/systemd-cryptsetup@crypt\x2droot.service" \
                    "$units/systemd-cryptsetup@data\x2bx.service"; do
                    systemd-analyze verify --man=no "$unit"
                done
                echo VERIFIED
                # It does find what is wrong, also in what is added.
                echo 'Afterwards=x' | tee -a postern.service >>'systemd-cryptsetup@data\x2bx.service.d/postern.conf'
                systemd-analyze verify --man=no ./postern.service || true
                systemd-analyze verify --man=no "$units/systemd-cryptsetup@data\x2bx.service" || true
                """#
            let bring = """
                mkdir -p "$0/upper/root" && cp "$1" "$0/upper/root/postern.deb" && shift && exec "$@"
                """
            let said = try await runProgram(
                ["sh", "-c", bring, layer.path, deb, Disks.script("inside"), "--over", layer.path, tree]
                    + ["sh", "-euc", "{ \(script); } 2>&1"], within: .seconds(1800))
            #expect(said.output.contains("SAID\nVERIFIED\n"), "\(said)")
            for file in ["/postern.service", #"/systemd-cryptsetup@data\x2bx.service.d/postern.conf"#] {
                let complaint = said.output.split(separator: "\n").contains {
                    $0.contains(file) && $0.contains("Afterwards")
                }
                #expect(complaint, "\(file): \(said)")
            }
        }
    }
}
