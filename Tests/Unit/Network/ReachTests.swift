import Config
import Linux
import Network
import Testing
import Wire

@Suite final class ReachTests {
    static let all = listening("::", port: 2222, isDual: true)
    static let global: [UInt8] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5]
    static let local: [UInt8] = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    /// Up, with its other end there; up alone; and neither.
    static let running: UInt32 = 0x1_1043
    static let up: UInt32 = 0x1003
    static let asleep: UInt32 = 0x1002

    private var links = Links()

    private func apply(_ bytes: [UInt8]) {
        for message in RouteMessage.parse(bytes[...]) { links.apply(message) }
    }

    private func reach(
        _ listening: [Listening] = [all], driverless: [String] = [], failures: [(link: Int32, reason: String)] = []
    ) -> [NetworkFact] {
        links.reach(
            Surroundings(listening: listening, missing: links.missing(driverless: driverless), failures: failures))
    }

    @Test func `an address of each kind`() {
        apply(Kernel.link(1, "lo", type: 772, flags: 0x1_0049) + Kernel.address(1, [127, 0, 0, 1]))
        apply(Kernel.link(2, "eth0") + Kernel.address(2, ReachTests.local) + Kernel.address(2, ReachTests.global))
        apply(Kernel.address(2, [192, 0, 2, 10]))
        apply(Kernel.link(3, "eth1", flags: ReachTests.up))
        #expect(
            reach() == [
                NetworkFact(.reachable, link: "eth0", detail: "192.0.2.10", number: 2222),
                NetworkFact(.reachable, link: "eth0", detail: "2001:db8::5", number: 2222),
            ])
    }

    @Test func `also of a bond and its parts are not complained about`() {
        let part = Kernel.attribute(10, Kernel.four(5))
        apply(Kernel.link(2, "eth0", flags: ReachTests.asleep, part) + Kernel.link(3, "eth1", part))
        apply(Kernel.link(5, "bond0", Kernel.kind("bond")))
        #expect(links.sleepers == [])
        #expect(reach() == [NetworkFact(.down, link: "eth0")])
        apply(Kernel.address(5, [192, 0, 2, 10]))
        #expect(reach() == [NetworkFact(.reachable, link: "bond0", detail: "192.0.2.10", number: 2222)])
    }

    @Test func `a link-local address is nearby`() {
        apply(Kernel.link(2, "eth0") + Kernel.address(2, ReachTests.local))
        #expect(
            reach() == [
                NetworkFact(.nearby, link: "eth0", detail: "fe80::1", number: 2222),
                NetworkFact(.noAddress, link: "eth0"),
            ])
    }

    @Test func `an address that is not sure yet does not count`() {
        apply(Kernel.link(2, "eth0") + Kernel.address(2, ReachTests.global, flags: 0x40))
        #expect(reach() == [])
        apply(Kernel.address(2, ReachTests.global))
        #expect(reach().map { $0.kind } == [.reachable])
        // For IPv4 these bits do not mean that.
        apply(Kernel.address(2, ReachTests.global, message: 21) + Kernel.address(2, [192, 0, 2, 1], flags: 0x40))
        #expect(reach().map { $0.kind } == [.reachable])
    }

    @Test func `an address that is another's is named`() {
        apply(Kernel.link(2, "eth0") + Kernel.address(2, ReachTests.global, flags: 0x48))
        let conflict = NetworkFact(.conflict, link: "eth0", detail: "2001:db8::5")
        #expect(reach() == [NetworkFact(.noAddress, link: "eth0"), conflict])
        apply(Kernel.address(2, [192, 0, 2, 10]))
        #expect(reach().map { $0.kind } == [.reachable, .conflict])
    }

    @Test func `without carrier an address is no use`() {
        apply(Kernel.link(2, "eth0", flags: ReachTests.up) + Kernel.address(2, [192, 0, 2, 10]))
        #expect(reach() == [NetworkFact(.noCarrier, link: "eth0")])
    }

    @Test func `a router that tells of DHCPv6 alone`() {
        apply(Kernel.link(2, "eth0", Kernel.routers(0x70)) + Kernel.address(2, ReachTests.local))
        #expect(reach().map { $0.kind } == [.nearby, .managedOnly])
        // The same by news of IPv6 alone, and what the router says stays when the link changes.
        apply(Kernel.link(3, "eth1"))
        links.apply(.routers(link: 3, flags: 0x40))
        apply(Kernel.link(3, "eth1"))
        #expect(reach().map { $0.kind } == [.nearby, .managedOnly, .managedOnly])
        // A prefix as well: the kernel makes an address of it.
        apply(Kernel.address(3, ReachTests.global))
        #expect(reach().map { $0.kind } == [.reachable])
    }

    @Test func `a card that sleeps`() {
        apply(Kernel.link(2, "eth0", flags: ReachTests.asleep))
        apply(Kernel.link(3, "veth", flags: ReachTests.asleep, Kernel.kind("veth")))
        for (index, kind) in ["dummy", "bond", "vlan", "sit", "tun", "bridge"].enumerated() {
            apply(Kernel.link(UInt32(10 + index), kind, flags: ReachTests.asleep, Kernel.kind(kind)))
        }
        apply(Kernel.link(20, "sit0", type: 776, flags: ReachTests.asleep))
        apply(Kernel.link(1, "lo", type: 772, flags: 0x8))
        #expect(links.sleepers.map { $0.name } == ["eth0", "veth"])
        #expect(
            reach(failures: [(2, "it has no firmware")]) == [
                NetworkFact(.cannotStart, link: "eth0", detail: "it has no firmware"), NetworkFact(.down, link: "veth"),
            ])
    }

    @Test func `no card`() {
        apply(Kernel.link(1, "lo", type: 772, flags: 0x1_0049) + Kernel.link(2, "sit0", type: 776, flags: 0x80))
        #expect(reach() == [NetworkFact(.noCard)])
        #expect(reach(driverless: ["PCI 1"]) == [NetworkFact(.noDriver, detail: "PCI 1")])
    }

    @Test func `what is missing is said once it has lasted`() {
        apply(Kernel.link(1, "lo", type: 772, flags: 0x1_0049))
        #expect(links.missing(driverless: []) == [NetworkFact(.noCard)])
        #expect(links.reach(Surroundings(listening: [ReachTests.all])) == [])
    }

    @Test func `a card without driver matters only while nothing else works`() {
        apply(Kernel.link(2, "eth0"))
        #expect(reach(driverless: ["PCI 1"]).map { $0.kind } == [.noAddress, .noDriver])
        apply(Kernel.address(2, [192, 0, 2, 10]))
        #expect(reach(driverless: ["PCI 1"]).map { $0.kind } == [.reachable])
    }

    @Test func `only where something listens`() {
        apply(Kernel.link(2, "eth0") + Kernel.address(2, [192, 0, 2, 10]) + Kernel.address(2, ReachTests.global))
        #expect(reach([]) == [NetworkFact(.notListening)])
        #expect(reach([listening("0.0.0.0", port: 1)]).map { $0.detail } == ["192.0.2.10"])
        #expect(reach([listening("::", port: 1)]).map { $0.detail } == ["2001:db8::5"])
        #expect(reach([listening("192.0.2.10", port: 7)]).map { $0.number } == [7])
        #expect(
            reach([listening("192.0.2.7", port: 1), listening("::1", port: 1)]) == [
                NetworkFact(.elsewhere, detail: "192.0.2.7, ::1")
            ])
    }

    @Test func `a link that goes takes its addresses`() {
        apply(Kernel.link(2, "eth0") + Kernel.address(2, [192, 0, 2, 10]))
        apply(Kernel.link(2, "eth0", message: 17))
        #expect(links == Links())
    }

    @Test func `a report has an end`() {
        apply(Kernel.link(2, "eth0"))
        for last in 1...40 { apply(Kernel.address(2, [192, 0, 2, UInt8(last)])) }
        let facts = reach()
        #expect(facts.count == Links.mostFacts)
        #expect(facts.last == NetworkFact(.more, number: UInt16(40 - Links.mostFacts + 1)))
    }

    @Test func `the kernel's own listing`() throws {
        let socket = try RouteSocket()
        var links = Links()
        for listing in [RouteSocket.Listing.links, .addresses] {
            try socket.ask(for: listing)
            var isDone = false
            while !isDone {
                var set = PollSet()
                set.add(socket.number, .readable)
                set.wait(milliseconds: 60_000)
                guard case .datagram(let datagram) = socket.receive() else {
                    Issue.record("no answer")
                    return
                }
                for message in RouteMessage.parse(datagram) {
                    links.apply(message)
                    if message == .end { isDone = true }
                }
            }
        }
        let loopback = try #require(links.links.first { $0.name == "lo" })
        #expect(loopback.type == 772)
        #expect(links.addresses.contains { $0.link == loopback.index && $0.bytes == [127, 0, 0, 1] })
    }
}

private func listening(_ address: String, port: UInt16, isDual: Bool = false) -> Listening {
    guard let address = PeerAddress(address) else { preconditionFailure("no address") }
    return Listening(address, port: port, isDual: isDual)
}
