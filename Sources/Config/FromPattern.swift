/// One pattern of the option `from=` in authorized_keys (sshd(8)): an address, a network or a wildcard over the address's
/// text, with `!` for those that are shut out. Host names are not among them: the initrd has no DNS. One that would only
/// admit is left out; one that would shut out refuses the key.
public struct FromPattern: Equatable, Sendable, CustomStringConvertible {
    private enum Rule: Equatable, Sendable {
        case network(PeerAddress, bits: Int)
        /// Lower-case bytes of a pattern.
        case wildcard([UInt8])
    }

    /// Whether it begins with `!`.
    public let isNegated: Bool
    private let rule: Rule

    /// As written, in lower case.
    public var description: String {
        let sign = isNegated ? "!" : ""
        switch rule {
        case .network(let address, let bits):
            return bits == address.bytes.count * 8
                ? "\(sign)\(address.description)" : "\(sign)\(address.description)/\(bits)"
        case .wildcard(let pattern): return sign + String(decoding: pattern, as: UTF8.self)
        }
    }

    /// Whether the pattern takes the address, not regarding its sign.
    public func matches(_ address: PeerAddress) -> Bool {
        switch rule {
        case .network(let network, let bits):
            address.bytes.count == network.bytes.count
                && firstBits(address.bytes, bits) == firstBits(network.bytes, bits)
        case .wildcard(let pattern): glob(pattern, matches: address.description.utf8)
        }
    }

    /// Whether a list admits an address: one pattern takes it and none that is negated does. An empty list admits all.
    public static func admits(_ address: PeerAddress, by patterns: [FromPattern]) -> Bool {
        if patterns.isEmpty { return true }
        if patterns.contains(where: { $0.isNegated && $0.matches(address) }) { return false }
        return patterns.contains { !$0.isNegated && $0.matches(address) }
    }

    /// Reads the option's value. Names that are left out come into `unknown`, in quotes.
    static func list(_ value: [UInt8], unknown: inout [String]) throws(KeyRefusal) -> [FromPattern] {
        var patterns: [FromPattern] = []
        for part in value.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            if let pattern = try FromPattern(part) { patterns.append(pattern) } else { unknown.append(quoted(part)) }
        }
        guard patterns.count <= FileLimits.fromPatterns else {
            throw KeyRefusal(
                "from= has more than \(FileLimits.fromPatterns) patterns", "write networks such as 192.0.2.0/24")
        }
        guard patterns.contains(where: { !$0.isNegated }) else {
            if let name = unknown.first { throw FromPattern.isUnknown(name) }
            throw KeyRefusal("from= only shuts addresses out and admits none", "add those to admit, such as \"*\"")
        }
        return patterns
    }

    private static let remedy =
        "write an address, a network such as 192.0.2.0/24 or 2001:db8::/32, or a pattern such as 192.0.2.*"

    private static func isUnknown(_ name: String) -> KeyRefusal {
        KeyRefusal("from= has \(name), which is no address, and there is no DNS here", remedy)
    }

    /// - Returns: `nil` for a host name that would only admit.
    private init?(_ part: ArraySlice<UInt8>) throws(KeyRefusal) {
        isNegated = part.first == UInt8(ascii: "!")
        let text = isNegated ? part.dropFirst() : part
        guard !text.isEmpty else { throw KeyRefusal("from= has an empty pattern", FromPattern.remedy) }
        if let slash = text.firstIndex(of: UInt8(ascii: "/")) {
            rule = try FromPattern.network(text[..<slash], bits: text[(slash + 1)...], whole: text)
        } else if let address = PeerAddress(text) {
            rule = .network(address, bits: address.bytes.count * 8)
        } else if isPattern(text), isAddressPattern(text) {
            rule = .wildcard(lowercased(text))
        } else {
            if isNegated { throw FromPattern.isUnknown(quoted(part)) }
            return nil
        }
    }

    private static func network(
        _ host: ArraySlice<UInt8>, bits: ArraySlice<UInt8>, whole: ArraySlice<UInt8>
    ) throws(KeyRefusal) -> Rule {
        let remedy = "write the first address of the network and its bits, such as 192.0.2.0/24"
        guard let address = PeerAddress(host) else {
            throw KeyRefusal("from= has \(quoted(whole)), which is no network", remedy)
        }
        // An IPv4-mapped address counts the bits of its prefix too.
        let prefix = address.isIPv4 && host.contains(UInt8(ascii: ":")) ? 96 : 0
        guard let length = number(bits, in: prefix...(prefix + address.bytes.count * 8)) else {
            throw KeyRefusal("from= has \(quoted(whole)), whose number of bits is out of range", remedy)
        }
        guard firstBits(address.bytes, length - prefix) == address.bytes else {
            throw KeyRefusal("from= has \(quoted(whole)), which has bits set after its network", remedy)
        }
        return .network(address, bits: length - prefix)
    }
}

/// Whether a wildcard is one over addresses and not over host names: hexadecimal digits with colons, or decimal with dots.
private func isAddressPattern(_ text: ArraySlice<UInt8>) -> Bool {
    let digits = Array((text.contains(UInt8(ascii: ".")) ? "0123456789.*?" : "0123456789abcdef:*?").utf8)
    return lowercased(text).allSatisfy { digits.contains($0) }
}

/// The bytes with all but the first bits cleared.
private func firstBits(_ bytes: [UInt8], _ bits: Int) -> [UInt8] {
    var bytes = bytes
    for index in bytes.indices {
        let kept = min(max(bits - index * 8, 0), 8)
        bytes[index] &= UInt8(truncatingIfNeeded: 0xFF00 >> kept)
    }
    return bytes
}
