/// What the kernel tells of links and addresses, as far as the agent cares: rtnetlink(7).
public enum RouteMessage: Equatable, Sendable {
    /// A link as it is now (RTM_NEWLINK).
    case link(Link)
    /// What IPv6 routers have said on a link: `IFLA_INET6_FLAGS`.
    case routers(link: Int32, flags: UInt32)
    case linkGone(Int32)
    /// An address as it is now (RTM_NEWADDR).
    case address(Address)
    case addressGone(link: Int32, [UInt8])
    /// A dump has come to its end, good or bad.
    case end
    /// What a dump lists has changed meanwhile, so that it may have left something out.
    case interrupted
}

/// A link, as RTM_NEWLINK shows it.
public struct Link: Equatable, Sendable {
    public let index: Int32
    public var name = ""
    /// The `ARPHRD_` number of its hardware.
    public var type: UInt16 = 0
    /// The `IFF_` flags.
    public var flags: UInt32 = 0
    /// What made it, such as `bond`; empty for a card's driver.
    public var kind = ""
    /// The bond or bridge that it is part of, or 0.
    public var master: UInt32 = 0
    /// `IF_RA_` flags, where the message had them.
    public var routers: UInt32?

    public init(index: Int32) { self.index = index }
}

/// An address, as RTM_NEWADDR shows it.
public struct Address: Equatable, Sendable {
    public let link: Int32
    /// 4 or 16 bytes in network order.
    public let bytes: [UInt8]
    /// The `IFA_F_` flags.
    public var flags: UInt32

    public init(link: Int32, bytes: [UInt8], flags: UInt32) {
        self.link = link
        self.bytes = bytes
        self.flags = flags
    }
}

extension RouteMessage {
    /// Takes a datagram apart. What is cut off, too short or unknown is passed over.
    ///
    ///     nlmsghdr: length (4) type (2) flags (2) sequence (4) port (4), then the message; all padded to 4
    ///     rtattr:   length (2) type (2), then the value; padded to 4
    public static func parse(_ datagram: ArraySlice<UInt8>) -> [RouteMessage] {
        var messages: [RouteMessage] = []
        var rest = datagram
        while let length = rest.integer(at: 0, bytes: 4), length >= 16, length <= rest.count {
            let message = rest.prefix(length)
            // NLM_F_DUMP_INTR.
            if rest.integer(at: 6, bytes: 2).map({ $0 & 0x10 != 0 }) == true { messages.append(.interrupted) }
            let body = message.dropFirst(16)
            switch rest.integer(at: 4, bytes: 2) {
            // NLMSG_ERROR is how a dump ends that could not begin; NLMSG_DONE.
            case 2, 3: messages.append(.end)
            case 16: if let link = link(body) { messages.append(link) }
            case 17:
                // The same for bridges and IPv6 alone (AF_BRIDGE, AF_INET6) leaves the link where it is.
                if body.first == 0, let index = body.integer(at: 4, bytes: 4) {
                    messages.append(.linkGone(Int32(truncatingIfNeeded: index)))
                }
            case 20: if let address = address(body) { messages.append(.address(address)) }
            case 21:
                if let address = address(body) { messages.append(.addressGone(link: address.link, address.bytes)) }
            default: break
            }
            rest = rest.dropFirst((length + 3) & ~3)
        }
        return messages
    }

    /// ifinfomsg: family (1) pad (1) type (2) index (4) flags (4) change (4), then attributes.
    private static func link(_ body: ArraySlice<UInt8>) -> RouteMessage? {
        guard let family = body.first, family == 0 || family == 10, let type = body.integer(at: 2, bytes: 2),
            let index = body.integer(at: 4, bytes: 4), let flags = body.integer(at: 8, bytes: 4), body.count >= 16
        else { return nil }
        var link = Link(index: Int32(truncatingIfNeeded: index))
        link.type = UInt16(truncatingIfNeeded: type)
        link.flags = UInt32(truncatingIfNeeded: flags)
        body.dropFirst(16).attributes { type, value in
            switch type {
            // IFLA_IFNAME.
            case 3: link.name = value.text
            // IFLA_MASTER.
            case 10: link.master = UInt32(truncatingIfNeeded: value.integer(at: 0, bytes: 4) ?? 0)
            // IFLA_LINKINFO, in it IFLA_INFO_KIND.
            case 18: value.attributes { if $0 == 1 { link.kind = $1.text } }
            // IFLA_PROTINFO of IPv6.
            case 12 where family == 10: link.routers = routers(value)
            // IFLA_AF_SPEC, in it AF_INET6.
            case 26 where family == 0: value.attributes { if $0 == 10 { link.routers = routers($1) } }
            default: break
            }
        }
        guard family == 10 else { return .link(link) }
        return link.routers.map { .routers(link: link.index, flags: $0) }
    }

    /// `IFLA_INET6_FLAGS` of what IPv6 says of a link.
    private static func routers(_ value: ArraySlice<UInt8>) -> UInt32? {
        var flags: UInt32?
        value.attributes { type, value in
            if type == 1, let number = value.integer(at: 0, bytes: 4) { flags = UInt32(truncatingIfNeeded: number) }
        }
        return flags
    }

    /// ifaddrmsg: family (1) prefix length (1) flags (1) scope (1) index (4), then attributes.
    private static func address(_ body: ArraySlice<UInt8>) -> Address? {
        guard let family = body.first, let low = body.integer(at: 2, bytes: 1),
            let index = body.integer(at: 4, bytes: 4)
        else { return nil }
        var flags = UInt32(truncatingIfNeeded: low)
        var peer: [UInt8] = []
        var local: [UInt8] = []
        body.dropFirst(8).attributes { type, value in
            switch type {
            // IFA_ADDRESS, which on a link to one other machine is that one's; IFA_LOCAL.
            case 1: peer = Array(value.prefix(16))
            case 2: local = Array(value.prefix(16))
            // IFA_FLAGS: there are more of them than a byte holds.
            case 8: if let all = value.integer(at: 0, bytes: 4) { flags = UInt32(truncatingIfNeeded: all) }
            default: break
            }
        }
        let bytes = local.isEmpty ? peer : local
        // AF_INET and AF_INET6.
        guard (family == 2 && bytes.count == 4) || (family == 10 && bytes.count == 16) else { return nil }
        return Address(link: Int32(truncatingIfNeeded: index), bytes: bytes, flags: flags)
    }
}

extension ArraySlice<UInt8> {
    /// A number in this machine's order, which is the kernel's: all machines of ours are little-endian.
    fileprivate func integer(at offset: Int, bytes: Int) -> Int? {
        guard count >= offset + bytes else { return nil }
        var value = 0
        for place in (0..<bytes).reversed() { value = value << 8 | Int(self[startIndex + offset + place]) }
        return value
    }

    /// A string that may end in a zero byte.
    fileprivate var text: String { String(decoding: prefix { $0 != 0 }.prefix(64), as: UTF8.self) }

    fileprivate func attributes(_ body: (Int, ArraySlice<UInt8>) -> Void) {
        var rest = self
        while let length = rest.integer(at: 0, bytes: 2), length >= 4, length <= rest.count,
            let type = rest.integer(at: 2, bytes: 2)
        {
            // The upper bits say that it is nested (NLA_F_NESTED), or in network order.
            body(type & 0x3fff, rest.prefix(length).dropFirst(4))
            rest = rest.dropFirst((length + 3) & ~3)
        }
    }
}
