import Machine
import Repository
import Testing

extension DebianTests {
    /// Owners are told over TLS, at servers that `Notify` names, with what the package's hooks have put into the image. Of two
    /// names the second means nothing until the machine has booted.
    @Suite struct NotifyTests {
        private static let pending = "/run/postern/notify-pending"
        /// The name server, too.
        private static let address = "10.0.2.15::10.0.2.2:255.255.255.0::ens2:off:10.0.2.3"

        private func system(_ suite: Suite, _ name: String, address: String?) -> System {
            var system = System(suite, name)
            system.address = address
            system.network = .told
            return system
        }

        /// Waits until that is told at a path.
        private func wait(
            for text: String, among told: () -> [String], _ machine: Machine,
            sourceLocation: SourceLocation = #_sourceLocation
        ) async throws {
            for _ in 0..<12_000 where !told().contains(text) && !machine.console.hasEnded {
                try await Task.sleep(for: .milliseconds(100))
            }
            #expect(told().contains(text), "\(told())", sourceLocation: sourceLocation)
        }

        /// Unlocks it; `login` waits for its login prompt.
        private func expectTold(_ machine: Machine, by login: (Machine) async throws -> Report) async throws {
            let announced = machine.announced
            func told() -> [String] { announced.objects("/told?auth=secret").compactMap { $0["text"] } }
            func late() -> [String] { announced.bodies("/late") }
            try await machine.awaitAgent()
            // It may have an address of IP version 6 before, and tells that, too.
            let waits = "apollo waits to be unlocked: ssh -p 2222 root@"
            let opened = "apollo: opened by owner@laptop; the boot goes on"
            try await wait(for: waits + "10.0.2.15", among: told, machine)
            let unlocked = try await machine.ssh(["unlock"], input: passphrase)
            #expect(unlocked.status == 0 && unlocked.errors == "", "\(unlocked)")
            let report = try await login(machine)
            // The initrd waits three seconds for it at most, and then the booted machine tells it.
            try await wait(for: opened, among: told, machine)
            #expect(told().last == opened && told().dropLast().allSatisfy { $0.hasPrefix(waits) }, "\(told())")
            #expect(
                report.log.contains { $0.hasPrefix("not told yet: ntfy late.test:8443: curl: (6) ") }, "\(report.log)")
            #expect(late() == [])
            // What was left is told by postern-notify.service.
            try announced.nameLate()
            try await wait(for: opened, among: late, machine)
            #expect(late() == [opened])
            #expect(announced.requests.allSatisfy { $0.secure == true })
            #expect(!machine.console.text.contains("auth=secret"))
        }

        private func expectTold(_ system: System, name: String) async throws {
            try await boot(system, name: name) { machine in
                try await expectTold(machine) {
                    try await expectLogin($0, by: "owner@laptop", files: [Self.pending], isTelling: true)
                }
            }
        }

        private func expectToldByDracut(_ system: System, name: String) async throws {
            var system = system
            system.disks = ["root", "local"]
            system.commandLine = "rd.retry=15 rd.shell=1"
            try await boot(system, name: name) { machine in
                try await expectTold(machine) { machine in
                    let report = try await machine.login()
                    #expect(report["root"] == ["/dev/mapper/crypt-root"])
                    #expect(Set(report["files"]) == Set(records + [Self.pending]))
                    #expect(report["failed"] == [])
                    expectRecords(report)
                    return report
                }
            }
        }

        @Test(arguments: Suite.tested)
        func `with a name server from DHCP owners are told, and what they were not told the booted system tells`(
            suite: Suite
        ) async throws {
            try await expectTold(system(suite, "told", address: nil), name: "debian-told")
        }

        @Test(arguments: Suite.tested)
        func `with a name server in ip= owners are told, and what they were not told the booted system tells`(
            suite: Suite
        ) async throws {
            try await expectTold(system(suite, "told", address: Self.address), name: "debian-told-static")
        }

        @Test(arguments: Suite.tested)
        func `in dracut's initrd with DHCP owners are told, and what they were not told the booted system tells`(
            suite: Suite
        ) async throws {
            try await expectToldByDracut(system(suite, "dracut-told", address: nil), name: "dracut-told")
        }

        @Test(arguments: Suite.tested)
        func `in dracut's initrd with a name server in ip= owners are told, and the booted system tells the rest`(
            suite: Suite
        ) async throws {
            let system = system(suite, "dracut-told", address: Self.address)
            try await expectToldByDracut(system, name: "dracut-told-static")
        }
    }
}
