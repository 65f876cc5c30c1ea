internal import Linux

/// A network link of the booted machine, as sysfs shows it.
struct NetworkLink {
    let name: String
    let kind: Kind
    /// What it lies on: a bridge's or bond's ports, a VLAN's card.
    let lower: [String]

    enum Kind: String {
        case card = "card"
        case wireless = "wireless card"
        case bridge = "bridge"
        case bond = "bond"
        case vlan = "VLAN"
        /// Such as a tunnel, a team, or a container's end of a pair.
        case other = "virtual link"
    }
}

/// The network links of the booted machine, and which of them carry the default route.
struct NetworkLinks {
    private let root: String
    /// In the order of the alphabet.
    let names: [String]

    /// The largest table of routes that is read, in bytes: a router of the whole Internet has more.
    private static let largestTable = 4 << 20
    /// Links upon links that are followed.
    private static let deepest = 8

    /// - Parameter root: prefix of all paths; empty but for tests.
    init(beneath root: String) {
        self.root = root
        names = Files.names(in: "\(root)/sys/class/net").filter { Files.isFolder("\(root)/sys/class/net/\($0)") }
            .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// The other names that udev knows of the cards, by which the initrd may call them.
    var otherNames: [String] {
        var found: [String] = []
        let folder = "\(root)/run/udev/data"
        for file in Files.names(in: folder) where file.hasPrefix("n") {
            let bytes = (try? Files.readRegular("\(folder)/\(file)", limit: 64 << 10)) ?? []
            for line in bytes.split(separator: UInt8(ascii: "\n")) where line.starts(with: "E:ID_NET_NAME_".utf8) {
                guard let place = line.firstIndex(of: UInt8(ascii: "=")) else { continue }
                found.append(String(decoding: line[(place + 1)...], as: UTF8.self))
            }
        }
        return found
    }

    func isThere(_ name: String) -> Bool { names.contains { $0.utf8.elementsEqual(name.utf8) } }

    subscript(name: String) -> NetworkLink {
        let folder = "\(root)/sys/class/net/\(name)"
        let below = Files.names(in: folder).filter { $0.hasPrefix("lower_") }.map { String($0.dropFirst(6)) }
        if Files.exists("\(folder)/wireless") || Files.exists("\(folder)/phy80211") {
            return NetworkLink(name: name, kind: .wireless, lower: [])
        }
        if Files.isFolder("\(folder)/bridge") {
            return NetworkLink(name: name, kind: .bridge, lower: Files.names(in: "\(folder)/brif"))
        }
        if Files.isFolder("\(folder)/bonding") {
            let slaves = words("\(folder)/bonding/slaves")
            return NetworkLink(name: name, kind: .bond, lower: slaves.isEmpty ? below : slaves)
        }
        if words("\(folder)/uevent").contains("DEVTYPE=vlan") {
            return NetworkLink(name: name, kind: .vlan, lower: below)
        }
        let isCard = Files.exists("\(folder)/device")
        return NetworkLink(name: name, kind: isCard ? .card : .other, lower: isCard ? [] : below)
    }

    /// A link and all that it lies on, itself first, each once.
    func path(from name: String) -> [NetworkLink] {
        var found: [NetworkLink] = []
        var next = [name]
        for _ in 0..<NetworkLinks.deepest {
            var lower: [String] = []
            for name in next where isThere(name) && !found.contains(where: { $0.name == name }) {
                let link = self[name]
                found.append(link)
                lower += link.lower.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            }
            next = lower
        }
        return found
    }

    /// The links of the default routes of IPv4 and IPv6, each once. The route with the lowest metric counts.
    var ofDefaultRoute: [String] {
        var found: [String] = []
        for name in [routeOfIPv4, routeOfIPv6] {
            if let name, isThere(name), !found.contains(name) { found.append(name) }
        }
        return found
    }

    /// The table as in proc(5): `Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT`.
    private var routeOfIPv4: String? {
        lowest(of: "/proc/net/route", fields: 8) { fields in
            guard fields[1] == "00000000", fields[7] == "00000000" else { return nil }
            return (fields[0], fields[3], UInt(fields[6]))
        }
    }

    /// The table: `destination length source length gateway metric references use flags Iface`, all hexadecimal.
    private var routeOfIPv6: String? {
        lowest(of: "/proc/net/ipv6_route", fields: 10) { fields in
            guard fields[1] == "00", fields[3] == "00", fields[0].utf8.allSatisfy({ $0 == UInt8(ascii: "0") }) else {
                return nil
            }
            return (fields[9], fields[8], UInt(fields[5], radix: 16))
        }
    }

    private func lowest(
        of table: String, fields count: Int, _ read: ([String]) -> (name: String, flags: String, metric: UInt?)?
    ) -> String? {
        let bytes = (try? Files.read(root + table, limit: NetworkLinks.largestTable)) ?? []
        var best: (name: String, metric: UInt)?
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            let fields = NetworkLinks.words(line)
            guard fields.count >= count, let route = read(fields), let metric = route.metric,
                // RTF_UP, and not RTF_REJECT: a route that leads nowhere.
                let flags = UInt(route.flags, radix: 16), flags & 0x201 == 1
            else { continue }
            if best.map({ metric < $0.metric }) ?? true { best = (route.name, metric) }
        }
        return best?.name
    }

    private func words(_ file: String) -> [String] {
        NetworkLinks.words(((try? Files.read(file, limit: 64 << 10)) ?? [])[...])
    }

    private static func words(_ bytes: ArraySlice<UInt8>) -> [String] {
        bytes.split { $0 == 0x20 || $0 == 0x09 || $0 == 0x0a }.map { String(decoding: $0, as: UTF8.self) }
    }
}
