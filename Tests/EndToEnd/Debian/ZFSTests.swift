import Foundation
import Machine
import Testing

extension DebianTests {
    /// A NAS: the root is a dataset of a pool in LUKS, and an array is a raidz1 pool of LUKS volumes. The modules are built for
    /// Debian 13 alone.
    @Suite struct ZFSTests {
        private static let suites = Suite.tested.filter { $0 == .trixie }
        private static let makers = ["zfs", "dracut-zfs"]
        private static let dataset = "rpool/ROOT/debian"
        private static let members: Set = ["storage-1", "storage-2", "storage-3"]

        private func system(_ suite: Suite, _ name: String, without missing: String? = nil) -> System {
            let disks = ["root", "keys"] + Self.members.sorted().filter { $0 != missing }
            var system = System(suite, name, disks: disks)
            system.root = "ZFS=\(Self.dataset)"
            if name.hasPrefix("dracut") { system.commandLine = "rd.retry=15 rd.shell=1" }
            return system
        }

        /// Waits for the login prompt of the system, whose owner unlocked the root, with the health of both pools.
        @discardableResult
        private func expectPools(
            _ machine: Machine, _ name: String, storage health: String, without missing: Set<String> = []
        ) async throws -> Report {
            let open = Self.members.subtracting(missing).union(["crypt-root"])
            let report: Report
            if name == "zfs" {
                report = try await expectLogin(
                    machine, root: Self.dataset, open: open, by: "owner@laptop", skipped: missing)
            } else {
                report = try await DracutTests().expectLogin(
                    machine, root: Self.dataset, open: open, by: "owner@laptop")
            }
            #expect(report["pools"] == ["rpool\tONLINE", "storage\t\(health)"])
            #expect(report["marker"] == ["all", "members", "hold", "this"])
            // As update-initramfs and dracut find it there.
            #expect(report["needed"] == ["crypt-root"])
            for name in Self.members.subtracting(missing) {
                #expect(report.log.contains { $0.hasPrefix("\(name): opened by key file ") }, "\(report.log)")
            }
            return report
        }

        @Test(arguments: suites, makers)
        func `a root on ZFS in LUKS is unlocked by ssh, and a raidz of LUKS volumes is there with all its members`(
            suite: Suite, name: String
        ) async throws {
            try await boot(system(suite, name), name: name) { machine in
                try await machine.awaitAgent()
                try await unlock(machine)
                try await expectPools(machine, name, storage: "ONLINE")
            }
        }

        /// The passphrase of rpool/NATIVE, from `Tests/Support/qemu/pools`.
        private static let second = "second secret"

        @Test(arguments: suites)
        func
            `what ZFS asks for a dataset that it encrypts itself is one more prompt, by ssh, once more after a wrong answer`(
                suite: Suite
            ) async throws
        {
            var system = system(suite, "dracut-zfs")
            system.root = "ZFS=rpool/NATIVE/debian"
            try await system.bootInitrd("initrd-native")
            try await boot(system, name: "dracut-zfs-native") { machine in
                try await machine.awaitAgent()
                let ssh = try Dialogue(machine.ssh())
                try await ssh.expect(Texts.prompt)
                ssh.type(passphrase + "\r")
                try await ssh.expect("crypt-root: open")
                try await ssh.expect("Passphrase for rpool/NATIVE:")
                try await machine.console.expect("Encrypted ZFS password for rpool/NATIVE/debian")
                ssh.type("wrong secret\r")
                try await ssh.expect("Wrong passphrase.")
                try await ssh.expect("Passphrase for rpool/NATIVE:", times: 2)
                ssh.type(Self.second + "\r")
                try await ssh.expect("rpool/NATIVE: open")
                try await ssh.expect(Texts.continues)
                #expect(try await ssh.status() == 0)
                let report = try await DracutTests().expectLogin(
                    machine, root: "rpool/NATIVE/debian", open: Self.members.union(["crypt-root"]), by: "owner@laptop")
                #expect(report["pools"] == ["rpool\tONLINE", "storage\tONLINE"])
                let opened = report.log.first { $0.hasPrefix("rpool/NATIVE: opened by ") }
                #expect(opened?.contains("owner@laptop") == true, "\(report.log)")
                #expect(!machine.console.text.contains(Self.second))
            }
        }

        @Test(arguments: suites, makers)
        func `without a Dataset line ZFS asks for its dataset on the console, after Postern has ended`(
            suite: Suite, name: String
        ) async throws {
            var system = system(suite, name)
            system.root = "ZFS=rpool/NATIVE/debian"
            try await boot(system, name: "\(name)-console") { machine in
                try await machine.awaitAgent()
                try await unlock(machine)
                try await machine.console.expect(
                    name == "zfs"
                        ? "Enter passphrase for 'rpool/NATIVE':" : "Encrypted ZFS password for rpool/NATIVE/debian")
                machine.type(Self.second + "\r")
                let report = try await machine.login()
                #expect(report["root"] == ["rpool/NATIVE/debian"])
                #expect(report["pools"] == ["rpool\tONLINE", "storage\tONLINE"])
            }
        }

        @Test(arguments: suites)
        func `two scripts give the passphrases, and the first hears that ZFS asks for one more`(suite: Suite)
            async throws
        {
            var system = system(suite, "dracut-zfs")
            system.root = "ZFS=rpool/NATIVE/debian"
            try await system.bootInitrd("initrd-native")
            try await boot(system, name: "dracut-zfs-scripts") { machine in
                try await machine.awaitAgent()
                let first = try await machine.ssh(["unlock"], input: passphrase)
                #expect(first.status == 4 && first.errors.contains("rpool/NATIVE"), "\(first)")
                var second = try await machine.ssh(["unlock"], input: Self.second)
                // ZFS asks once it has imported the pool.
                while second.status == 4, !machine.console.hasEnded {
                    second = try await machine.ssh(["unlock"], input: Self.second)
                }
                #expect(second.status == 0, "\(second)")
                try await DracutTests().expectLogin(
                    machine, root: "rpool/NATIVE/debian", open: Self.members.union(["crypt-root"]), by: "owner@laptop")
            }
        }

        @Test(arguments: suites, makers)
        func
            `with one disk missing the boot goes on after ContinueTimeout, Postern names it, and the raidz is degraded`(
                suite: Suite, name: String
            ) async throws
        {
            try await boot(system(suite, name, without: "storage-2"), name: "\(name)-missing") { machine in
                try await machine.awaitAgent()
                let ssh = try Dialogue(machine.ssh())
                try await ssh.expect(Texts.prompt)
                ssh.type(passphrase + "\r")
                try await ssh.expect("Without storage-2.")
                #expect(try await ssh.status() == 0)
                let report = try await expectPools(machine, name, storage: "DEGRADED", without: ["storage-2"])
                #expect(report.log.contains("the boot can go on; waiting for storage-2"), "\(report.log)")
                #expect(report.log.contains("the boot goes on. Without storage-2."), "\(report.log)")
            }
        }

        @Test(arguments: suites, makers)
        func `a disk of the raidz that comes late is waited for, and the raidz has all its members`(
            suite: Suite, name: String
        ) async throws {
            var system = system(suite, name, without: "storage-2")
            system.files = [
                "etc/postern/postern.conf":
                    "Crypttab /etc/postern/crypttab\nArray storage quorum=2 storage-*\nContinueTimeout 600\n"
            ]
            try await boot(system, name: "\(name)-late") { machine in
                try await machine.awaitAgent()
                let ssh = try Dialogue(machine.ssh())
                try await ssh.expect(Texts.prompt)
                ssh.type(passphrase + "\r")
                try await ssh.expect("crypt-root: open")
                try await machine.attach("storage-2")
                try await ssh.expect(Texts.continues)
                #expect(try await ssh.status() == 0)
                try await expectPools(machine, name, storage: "ONLINE")
            }
        }
    }
}
