/// The links of this machine and their addresses, as the kernel's messages tell of them.
public struct Links: Equatable, Sendable {
    /// More than any machine has before its root is mounted: what comes beyond is passed over.
    static let mostLinks = 256
    static let mostAddresses = 1024

    /// In the order of their indices.
    public private(set) var links: [Link] = []
    public private(set) var addresses: [Address] = []

    public init() {}

    public mutating func apply(_ message: RouteMessage) {
        switch message {
        case .link(let link): update(link)
        case .routers(let index, let flags):
            if let position = position(of: index) { links[position].routers = flags }
        case .linkGone(let index):
            links.removeAll { $0.index == index }
            addresses.removeAll { $0.link == index }
        case .address(let address):
            if let position = addresses.firstIndex(where: { $0.link == address.link && $0.bytes == address.bytes }) {
                addresses[position].flags = address.flags
            } else if addresses.count < Links.mostAddresses {
                addresses.append(address)
            }
        case .addressGone(let index, let bytes): addresses.removeAll { $0.link == index && $0.bytes == bytes }
        case .end, .interrupted: break
        }
    }

    private mutating func update(_ link: Link) {
        guard let position = position(of: link.index) else {
            guard links.count < Links.mostLinks else { return }
            links.insert(link, at: links.firstIndex { $0.index > link.index } ?? links.count)
            return
        }
        var new = link
        new.routers = link.routers ?? links[position].routers
        links[position] = new
    }

    private func position(of index: Int32) -> Int? { links.firstIndex { $0.index == index } }

    /// The cards that somebody has to bring up: what is part of a bond or bridge is its maker's.
    public var sleepers: [Link] { links.filter { $0.isCard && !$0.isUp && $0.master == 0 } }
}

extension Link {
    /// IFF_UP.
    public var isUp: Bool { flags & 0x1 != 0 }
    /// IFF_LOOPBACK.
    var isLoopback: Bool { flags & 0x8 != 0 }
    /// IFF_RUNNING: it is up, and its other end is there.
    var isRunning: Bool { flags & 0x40 != 0 }

    /// Whether it is a network card, and nothing that software made up: a driver's link of Ethernet's kind
    /// (`ARPHRD_ETHER`), or a veth, the card of a machine in a container.
    var isCard: Bool { type == 1 && !isLoopback && (kind.isEmpty || kind == "veth") }

    /// IF_RA_MANAGED: a router has spoken, and of DHCPv6. (Of IF_RA_RCVD alone the kernel makes no news.)
    var isManaged: Bool { (routers ?? 0) & 0x40 != 0 }
}

extension Address {
    var isIPv4: Bool { bytes.count == 4 }

    /// IFA_F_DADFAILED: another machine has it.
    var isTaken: Bool { isUncertain(0x08) }

    /// IFA_F_TENTATIVE: it is being asked for, and answers nobody yet.
    var isTentative: Bool { isUncertain(0x40) }

    /// For IPv4 some of these bits mean something else, and none of them is set.
    private func isUncertain(_ bit: UInt32) -> Bool { !isIPv4 && flags & bit != 0 }

    /// fe80::/10 or 169.254.0.0/16: routers pass neither on.
    var isLinkLocal: Bool {
        isIPv4 ? bytes[0] == 169 && bytes[1] == 254 : bytes[0] == 0xfe && bytes[1] & 0xc0 == 0x80
    }
}
