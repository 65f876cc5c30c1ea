internal import Config
internal import Linux

/// The network that a machine in QEMU is given, so that what the initrd is told of its own network holds there.
struct StandInNetwork: Equatable {
    /// How QEMU's `-netdev user` is told of it.
    private(set) var options: String
    /// What the initrd calls its card, if it is told.
    private(set) var card: String?

    /// - Parameters:
    ///   - addresses: the `ip=` words that hold.
    ///   - files: the addresses of networkd's file for the card in the image, with their bits.
    ///   - card: the machine's card, as it is called now.
    ///   - port: where the agent listens.
    ///   - layers: what the initrd makes upon its cards.
    /// - Throws: `BootProblem` where QEMU has no such network.
    init(
        addresses: [String], files: [String], card: String?, port: UInt16, layers: [InitrdNetwork.Layer] = []
    ) throws(BootProblem) {
        func unfit(_ reason: String) -> BootProblem {
            BootProblem(
                "QEMU has no network like this machine's: " + reason, remedy: "leave out --boot", isNotice: true)
        }
        self.card = card
        let forward = "hostfwd=tcp:127.0.0.1:2222-"
        var address: PeerAddress?
        var gateway: PeerAddress?
        var bits = 24
        let words = addresses.map { AddressWord($0) }
        let paths = words.compactMap { $0.card }.map { StandInNetwork.path(from: $0, layers) }
        func isTagged(_ path: [String]) -> Bool {
            layers.contains { layer in layer.isVLAN && path.contains { $0.utf8.elementsEqual(layer.name.utf8) } }
        }
        let isVLAN =
            paths.isEmpty
            ? words.isEmpty && files.isEmpty && isTagged(layers.map { $0.name })
            : paths.allSatisfy(isTagged)
        if isVLAN { throw unfit("there it has no VLAN") }
        // What lies on the card must keep its name.
        if let path = paths.first(where: { !isTagged($0) }), let lowest = path.last,
            !layers.contains(where: { $0.name.utf8.elementsEqual(lowest.utf8) })
        {
            self.card = lowest
        }
        if let word = words.first(where: { $0.client?.isIPv4 ?? false }) {
            address = word.client
            gateway = word.gateway
            bits = word.bits ?? 24
        } else if words.contains(where: { $0.client == nil && !$0.isOff && !$0.isWithoutIPv4 }) {
            // DHCP has one.
        } else if !words.isEmpty {
            throw unfit("ip= gives the initrd no address over IPv4")
        } else if let file = files.first(where: { PeerAddress(String($0.prefix { $0 != "/" }))?.isIPv4 ?? false })
            ?? files.first
        {
            let parts = file.split(separator: "/")
            address = PeerAddress(String(parts.first ?? ""))
            bits = parts.count > 1 ? Int(parts[1]) ?? 24 : 24
        }
        guard let address else {
            self.options = "net=10.0.2.0/24,dhcpstart=10.0.2.15," + forward + "10.0.2.15:" + String(port)
            return
        }
        guard address.isIPv4 else { throw unfit("the address \(address.description) is not one of IPv4") }
        // In a network of fewer addresses QEMU finds no room for its own.
        if bits > 28 { bits = 24 }
        let net = StandInNetwork.network(of: address, bits)
        let isInside = gateway.map { StandInNetwork.network(of: $0, bits) == net } ?? true
        guard isInside, bits > 0 else { throw unfit("its gateway lies outside of its network") }
        let others = (1...8).compactMap { StandInNetwork.address(net, plus: $0) }
            .filter { $0 != address && $0 != gateway }
        guard others.count > 1 else { throw unfit("its network is too small") }
        let host = gateway ?? others[1]
        self.options =
            "net=\(net.description)/\(bits),host=\(host.description),dns=\(others[0].description),"
            + "dhcpstart=\(address.description),\(forward)\(address.description):\(port)"
    }

    /// A link, and what it lies on, as far as the initrd's words say.
    private static func path(from name: String, _ layers: [InitrdNetwork.Layer]) -> [String] {
        var path = [name]
        while path.count < 8,
            let layer = layers.first(where: { $0.name.utf8.elementsEqual(path.last?.utf8 ?? "".utf8) }),
            let lower = layer.lower.first
        {
            path.append(lower)
        }
        return path
    }

    private static func network(of address: PeerAddress, _ bits: Int) -> PeerAddress {
        var bytes = address.bytes
        for index in bytes.indices {
            let kept = min(max(bits - index * 8, 0), 8)
            bytes[index] &= UInt8(truncatingIfNeeded: 0xff00 >> kept)
        }
        return PeerAddress(bytes: bytes) ?? address
    }

    private static func address(_ net: PeerAddress, plus number: Int) -> PeerAddress? {
        var bytes = net.bytes
        bytes[bytes.count - 1] += UInt8(number)
        return PeerAddress(bytes: bytes)
    }
}
