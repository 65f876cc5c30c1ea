import Network
import Testing

@Suite struct RouteMessageTests {
    @Test func `a card`() {
        let bytes = Kernel.link(2, "eth0", Kernel.attribute(10, Kernel.four(7)) + Kernel.routers(0x8000_0060))
        var link = Link(index: 2)
        link.name = "eth0"
        link.type = 1
        link.flags = 0x1_1043
        link.master = 7
        link.routers = 0x8000_0060
        #expect(RouteMessage.parse(bytes[...]) == [.link(link)])
    }

    @Test func `a bond`() {
        let bytes = Kernel.link(3, "bond0", Kernel.kind("bond"))
        guard case .link(let link)? = RouteMessage.parse(bytes[...]).first else {
            Issue.record("no link")
            return
        }
        #expect(link.kind == "bond")
    }

    @Test func `what IPv6 says of a link`() {
        // IFLA_PROTINFO, marked as nested.
        let bytes = Kernel.link(
            2, "eth0", family: 10, Kernel.attribute(0x800c, Kernel.attribute(1, Kernel.four(0x70))))
        #expect(RouteMessage.parse(bytes[...]) == [.routers(link: 2, flags: 0x70)])
        #expect(RouteMessage.parse(Kernel.link(2, "eth0", family: 10)[...]) == [])
    }

    @Test func `a bridge's own news of a link is none`() {
        #expect(RouteMessage.parse(Kernel.link(2, "eth0", family: 7)[...]) == [])
        #expect(RouteMessage.parse(Kernel.link(2, "eth0", family: 7, message: 17)[...]) == [])
        #expect(RouteMessage.parse(Kernel.link(2, "eth0", family: 10, message: 17)[...]) == [])
        #expect(RouteMessage.parse(Kernel.link(2, "eth0", message: 17)[...]) == [.linkGone(2)])
    }

    @Test func `addresses are read`() {
        let six: [UInt8] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5]
        let bytes =
            Kernel.address(2, [192, 0, 2, 1]) + Kernel.address(3, six, flags: 0x148)
            + Kernel.address(3, six, message: 21)
        #expect(
            RouteMessage.parse(bytes[...]) == [
                .address(Address(link: 2, bytes: [192, 0, 2, 1], flags: 0x80)),
                .address(Address(link: 3, bytes: six, flags: 0x148)), .addressGone(link: 3, six),
            ])
    }

    @Test func `of a link to one other machine the own address counts`() {
        let bytes = Kernel.message(
            20,
            [2, 32, 0, 0] + Kernel.four(4) + Kernel.attribute(1, [10, 0, 0, 2]) + Kernel.attribute(2, [10, 0, 0, 1]))
        #expect(RouteMessage.parse(bytes[...]) == [.address(Address(link: 4, bytes: [10, 0, 0, 1], flags: 0))])
    }

    @Test func `the end of a dump`() {
        #expect(RouteMessage.parse(Kernel.message(3, flags: 2, Kernel.four(0))[...]) == [.end])
        #expect(RouteMessage.parse(Kernel.message(2, Kernel.four(0xffff_ffff))[...]) == [.end])
        #expect(RouteMessage.parse(Kernel.message(3, flags: 0x12, Kernel.four(0))[...]) == [.interrupted, .end])
    }

    @Test func `what is cut off or wrong is passed over`() {
        let whole = Kernel.link(2, "eth0", Kernel.routers(0x60)) + Kernel.address(2, [192, 0, 2, 1])
        #expect(RouteMessage.parse(whole[...]).count == 2)
        for count in 0..<whole.count {
            #expect(RouteMessage.parse(whole.prefix(count)).count < 2)
        }
        for place in whole.indices {
            for value: UInt8 in [0, 1, 3, 255] {
                var wrong = whole
                wrong[place] = value
                #expect(RouteMessage.parse(wrong[...]).count <= 3)
            }
        }
        // An address of another length than its family's.
        let odd = Kernel.message(20, [2, 24, 0, 0] + Kernel.four(2) + Kernel.attribute(1, [1, 2, 3, 4, 5]))
        #expect(RouteMessage.parse(odd[...]) == [])
    }
}
