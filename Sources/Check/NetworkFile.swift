internal import Config
internal import Linux

/// A .network file of networkd's in an image (systemd.network(5)), as far as it says how a link gets its address.
struct NetworkFile: Equatable {
    /// Whether systemd has it for the links of containers and virtual machines.
    private var isForGuests = false
    /// The patterns of `Name=`; none stand for any link.
    private var names: [String] = []
    private var isNegated = false
    private var asksDHCP = false
    private var all: [PeerAddress] = []
    private var bits: [String] = []

    init(_ bytes: [UInt8]) {
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            let text = line.filter { $0 != 0x0d && $0 != 0x22 }
            guard let equals = text.firstIndex(of: UInt8(ascii: "=")) else { continue }
            let key = String(decoding: text[..<equals].filter { $0 > 0x20 }, as: UTF8.self)
            let words = text[(equals + 1)...].split { $0 == 0x20 || $0 == 0x09 }
                .map { String(decoding: $0, as: UTF8.self) }
            if let word = words.first { read(key, word, words) }
        }
    }

    private mutating func read(_ key: String, _ word: String, _ words: [String]) {
        switch key {
        case "Name":
            // Only before the first one does it hold, for all of them.
            isNegated = word.hasPrefix("!")
            names += isNegated ? [String(word.dropFirst())] + words.dropFirst() : words
        case "Kind": isForGuests = isForGuests || !word.hasPrefix("!")
        case "Virtualization": isForGuests = isForGuests || word == "container"
        case "DHCP": asksDHCP = ["yes", "true", "on", "1", "ipv4", "both", "v4"].contains(word)
        case "Address":
            let parts = word.split(separator: "/")
            // With none networkd takes one that is free.
            guard let address = PeerAddress(String(parts.first ?? "")), address.bytes.contains(where: { $0 != 0 })
            else {
                return
            }
            all.append(address)
            bits.append(parts.count > 1 ? String(parts[1]) : "")
        default: break
        }
    }

    /// Whether it is for one of these links. Without any it is for whatever a card may be called.
    func isFor(_ links: [String]) -> Bool {
        guard !isForGuests else { return false }
        guard !names.isEmpty, !links.isEmpty else { return true }
        return links.contains { link in names.contains { isName(link, like: $0) } != isNegated }
    }

    /// The addresses that it gives, with their bits: none where it asks DHCP for that of IPv4.
    var fixed: [String] {
        if asksDHCP, !all.contains(where: { $0.isIPv4 }) { return [] }
        return all.indices.map { all[$0].description + (bits[$0].isEmpty ? "" : "/" + bits[$0]) }
    }
}
