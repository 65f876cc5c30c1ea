internal import Config
internal import Linux

/// One `ip=` of a kernel command line or of initramfs.conf(5), as initramfs-tools and dracut read it:
///
/// ```
/// ip=dhcp                                                     any card
/// ip=CARD:dhcp                                                dracut's, maybe with :MTU:MAC
/// ip=CLIENT:PEER:GATEWAY:MASK:NAME:CARD:dhcp[:DNS[:DNS]]      any of them empty; the kernel's nfsroot documentation
/// ```
struct AddressWord: Equatable {
    /// The card that it names.
    var card: String?
    /// The address that it gives the machine, and its gateway's.
    var client: PeerAddress?
    var gateway: PeerAddress?
    /// How many bits of the address are the network's.
    var bits: Int?
    /// Whether it leaves the machine without an address.
    var isOff = false
    /// Whether it asks for an address of IPv6, or a link's own, and for no other.
    var isWithoutIPv4 = false
    /// What is wrong with it.
    var problem: String?

    /// Who asks for an address, and under which name; dracut.cmdline(7) has those behind `ibft`.
    private static let askers = [
        "", "dhcp", "on", "any", "both", "bootp", "rarp", "ibft", "dhcp6", "auto6", "either6", "link6", "link-local",
        "single-dhcp", "dhcp,dhcp6", "auto", "static",
    ]
    private static let withoutIPv4 = ["dhcp6", "auto6", "either6", "link6", "link-local"]
    private static let offs = ["off", "none", "done"]

    /// - Parameter value: what stands behind `ip=`.
    init(_ value: String) {
        let fields = AddressWord.fields(of: value)
        let known = AddressWord.askers + AddressWord.offs
        guard fields.count > 1 else {
            isOff = AddressWord.offs.contains(value)
            isWithoutIPv4 = AddressWord.withoutIPv4.contains(value)
            client = PeerAddress(AddressWord.bare(value))
            if !known.contains(value), client == nil {
                problem = "it is neither an address nor a way to get one"
            }
            return
        }
        let isCard = !fields[0].isEmpty && PeerAddress(AddressWord.bare(fields[0])) == nil
        if isCard, !fields[1].isEmpty, known.contains(fields[1]) {
            card = fields[0]
            isOff = AddressWord.offs.contains(fields[1])
            isWithoutIPv4 = AddressWord.withoutIPv4.contains(fields[1])
            return
        }
        for (place, what) in [(0, "address"), (1, "peer"), (2, "gateway"), (3, "netmask")]
        where place < fields.count && !fields[place].isEmpty {
            let isPrefix = place == 3 && UInt8(fields[place]).map { (1...128).contains($0) } == true
            guard !isPrefix, PeerAddress(AddressWord.bare(fields[place])) == nil else { continue }
            problem = "\(printable(fields[place])) is no \(what)"
            return
        }
        client = PeerAddress(AddressWord.bare(fields[0]))
        if fields.count > 2 { gateway = PeerAddress(AddressWord.bare(fields[2])) }
        if fields.count > 3 { bits = AddressWord.bits(of: fields[3]) }
        if fields.count > 5, !fields[5].isEmpty { card = fields[5] }
        let asker = fields.count > 6 ? fields[6] : ""
        guard known.contains(asker) else {
            problem = "\(printable(asker)) is no way to get an address"
            return
        }
        isOff = fields[0].isEmpty && AddressWord.offs.contains(asker)
        isWithoutIPv4 = fields[0].isEmpty && AddressWord.withoutIPv4.contains(asker)
    }

    /// Those of a netmask, or of a number of bits itself.
    private static func bits(of mask: String) -> Int? {
        guard let address = PeerAddress(mask), address.isIPv4 else { return Int(mask) }
        return address.bytes.reduce(0) { $0 + $1.nonzeroBitCount }
    }

    /// What stands between colons, where those in brackets are an IPv6 address's.
    private static func fields(of value: String) -> [String] {
        var fields: [[UInt8]] = [[]]
        var depth = 0
        for byte in value.utf8 {
            if byte == UInt8(ascii: "[") { depth += 1 }
            if byte == UInt8(ascii: "]") { depth -= 1 }
            if byte == UInt8(ascii: ":"), depth <= 0 {
                fields.append([])
            } else {
                fields[fields.count - 1].append(byte)
            }
        }
        return fields.map { String(decoding: $0, as: UTF8.self) }
    }

    /// An address without the brackets.
    private static func bare(_ text: String) -> String {
        text.hasPrefix("[") && text.hasSuffix("]") ? String(text.dropFirst().dropLast()) : text
    }
}
