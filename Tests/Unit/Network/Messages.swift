/// Messages as the kernel writes them, for tests that take its place.
enum Kernel {
    /// nlmsghdr and a body, padded to 4.
    static func message(_ type: UInt16, flags: UInt16 = 0, _ body: [UInt8]) -> [UInt8] {
        let header = four(UInt32(16 + body.count)) + two(type) + two(flags) + four(1) + four(0)
        return header + body + padding(body.count)
    }

    /// rtattr, padded to 4.
    static func attribute(_ type: UInt16, _ value: [UInt8]) -> [UInt8] {
        two(UInt16(4 + value.count)) + two(type) + value + padding(value.count)
    }

    /// RTM_NEWLINK or RTM_DELLINK.
    static func link(
        _ index: UInt32, _ name: String, type: UInt16 = 1, flags: UInt32 = 0x1_1043, family: UInt8 = 0,
        message: UInt16 = 16,
        _ more: [UInt8] = []
    ) -> [UInt8] {
        Kernel.message(
            message,
            [family, 0] + two(type) + four(index) + four(flags) + four(0) + attribute(3, Array(name.utf8) + [0]) + more)
    }

    /// IFLA_LINKINFO with a kind.
    static func kind(_ name: String) -> [UInt8] { attribute(18, attribute(1, Array(name.utf8) + [0])) }

    /// IFLA_INET6_FLAGS as a message for all families has them.
    static func routers(_ flags: UInt32) -> [UInt8] {
        attribute(
            26,
            attribute(2, attribute(1, [0, 0])) + attribute(10, attribute(1, four(flags)) + attribute(2, [1, 2, 3, 4])))
    }

    /// RTM_NEWADDR or RTM_DELADDR.
    static func address(_ link: UInt32, _ bytes: [UInt8], flags: UInt32 = 0x80, message: UInt16 = 20) -> [UInt8] {
        let family: UInt8 = bytes.count == 4 ? 2 : 10
        return Kernel.message(
            message,
            [family, 24, UInt8(flags & 255), 0] + four(link) + attribute(1, bytes) + attribute(8, four(flags)))
    }

    static func two(_ value: UInt16) -> [UInt8] { [UInt8(value & 255), UInt8(value >> 8)] }
    static func four(_ value: UInt32) -> [UInt8] { two(UInt16(value & 0xffff)) + two(UInt16(value >> 16)) }
    private static func padding(_ count: Int) -> [UInt8] { [UInt8](repeating: 0, count: (4 - count % 4) % 4) }
}
