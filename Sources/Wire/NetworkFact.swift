/// One line of what the agent knows of its ways to the network: where it can be reached, or why not there.
public struct NetworkFact: Equatable, Sendable {
    public enum Kind: UInt8, Sendable, CaseIterable {
        /// ssh to the address `detail` and the port `number` arrives here.
        case reachable = 1
        /// The same for a link-local address of `link`: from its own network segment alone.
        case nearby
        case noCarrier
        /// A link that works, and has no address yet.
        case noAddress
        /// A router tells of DHCPv6, and of no prefix to make an address of.
        case managedOnly
        /// Another machine has the address `detail`.
        case conflict
        /// Bringing up the link has failed; `detail` is the kernel's reason.
        case cannotStart
        /// A link that nobody has brought up.
        case down
        /// A network card without a driver; `detail` names it.
        case noDriver
        case noCard
        /// There are addresses, and none is one of ListenAddress, which are `detail`.
        case elsewhere
        /// Nothing listens for ssh.
        case notListening
        /// `number` lines more.
        case more
    }

    public var kind: Kind
    /// The link's name, such as `eth0`, or empty.
    public var link: String
    public var detail: String
    public var number: UInt16

    public init(_ kind: Kind, link: String = "", detail: String = "", number: UInt16 = 0) {
        self.kind = kind
        self.link = link
        self.detail = detail
        self.number = number
    }
}

extension NetworkFact {
    func encode(_ writer: inout Writer) {
        writer.integer(kind.rawValue)
        writer.text(link, Limits.word)
        writer.text(detail, Limits.word)
        writer.integer(number)
    }

    init(_ reader: inout Reader) throws(WireError) {
        guard let kind = Kind(rawValue: try reader.integer()) else { throw .badValue(field: "network fact") }
        self.kind = kind
        link = try reader.string(Limits.word, "link")
        detail = try reader.string(Limits.word, "detail")
        number = try reader.integer()
    }
}
