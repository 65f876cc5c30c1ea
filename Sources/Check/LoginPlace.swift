internal import Config

/// From where to where a login goes, such that the agent listens there and a key's `from=` admits it.
struct LoginPlace: Equatable {
    let source: PeerAddress
    let address: PeerAddress
    let port: UInt16

    /// It is `nil` where no address was found that `from=` admits and that can reach the agent.
    ///
    /// - Parameters:
    ///   - settings: the agent's.
    ///   - key: a line of authorized_keys, or `nil` for one that may come from everywhere.
    init?(_ settings: Settings, for key: AuthorizedKey?) {
        let doors = LoginPlace.doors(settings)
        let own = doors.filter { !$0.isAny }.map { $0.address }
        let all = (own + LoginPlace.sources(of: key)).filter { !LoginPlace.isUnfit($0) }
        // A machine may be without IPv6.
        for source in all.filter({ $0.isIPv4 }) + all.filter({ !$0.isIPv4 }) {
            guard key?.admits(address: source) ?? true else { continue }
            for door in doors where door.isAny || door.address.isIPv4 == source.isIPv4 {
                // `::` takes IPv4, too; the address of the client itself is then as good as any.
                if door.isAny, door.address.isIPv4, !source.isIPv4 { continue }
                self.source = source
                address = door.isAny ? source : door.address
                port = door.port
                return
            }
        }
        return nil
    }

    /// Whether it is a link's own, for which a link would have to be named, or multicast.
    private static func isUnfit(_ address: PeerAddress) -> Bool {
        let (first, second) = (address.bytes[0], address.bytes[1])
        if address.isIPv4 { return first & 0xf0 == 0xe0 }
        return first == 0xff || first == 0xfe && second & 0xc0 == 0x80
    }

    private static func doors(_ settings: Settings) -> [(address: PeerAddress, port: UInt16, isAny: Bool)] {
        var doors: [(address: PeerAddress, port: UInt16, isAny: Bool)] = []
        for listen in settings.listenAddresses {
            guard let port = listen.port ?? settings.ports.first else { continue }
            doors.append((listen.address, port, listen.address.bytes.allSatisfy { $0 == 0 }))
        }
        if settings.listenAddresses.isEmpty, let port = settings.ports.first,
            let any = PeerAddress(bytes: [UInt8](repeating: 0, count: 16))
        {
            doors.append((any, port, true))
        }
        return doors
    }

    /// Addresses that `from=` may admit: those of this machine, and the first ones of each pattern.
    private static func sources(of key: AuthorizedKey?) -> [PeerAddress] {
        var found = [PeerAddress("127.0.0.1"), PeerAddress("::1")].compactMap { $0 }
        for pattern in key?.from ?? [] where !pattern.isNegated {
            let text = Array(pattern.description.utf8)
            let host = Array(text.prefix { $0 != UInt8(ascii: "/") })
            if let address = PeerAddress(String(decoding: host, as: UTF8.self)) {
                var bytes = address.bytes
                bytes[bytes.count - 1] |= 1
                found += [PeerAddress(bytes: bytes), address].compactMap { $0 }
            }
            for filling in ["1", "1.1", "1.1.1", ":1", "1::1"] {
                var filled: [UInt8] = []
                for byte in text {
                    switch byte {
                    case UInt8(ascii: "*"): filled += Array(filling.utf8)
                    case UInt8(ascii: "?"): filled.append(UInt8(ascii: "1"))
                    default: filled.append(byte)
                    }
                }
                if let address = PeerAddress(String(decoding: filled, as: UTF8.self)) { found.append(address) }
            }
        }
        return found
    }
}
