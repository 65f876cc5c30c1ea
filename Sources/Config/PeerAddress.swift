/// An address of IPv4 (4 bytes) or IPv6 (16 bytes), in network order.
///
/// IPv4-mapped IPv6 (`::ffff:192.0.2.1`), which a listener on `[::]` sees, becomes the IPv4 address: a rule for one must
/// hold for the other.
public struct PeerAddress: Hashable, Sendable, CustomStringConvertible {
    /// 4 or 16 bytes.
    public let bytes: [UInt8]

    public var isIPv4: Bool { bytes.count == 4 }

    /// Takes 4 or 16 bytes in network order; `nil` for any other number.
    public init?(bytes: [UInt8]) {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        let mapped = bytes.count == 16 && bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 255 && bytes[11] == 255
        self.bytes = mapped ? Array(bytes[12...]) : bytes
    }

    /// Reads `192.0.2.1` or any text form of RFC 4291 section 2.2; no name, no brackets, no zone.
    public init?(_ text: String) {
        self.init(Array(text.utf8)[...])
    }

    init?(_ text: ArraySlice<UInt8>) {
        guard text.count <= 45, let bytes = text.contains(UInt8(ascii: ":")) ? ipv6(text) : ipv4(text) else {
            return nil
        }
        self.init(bytes: bytes)
    }

    /// The text of inet_ntop(3): dotted for IPv4, the form of RFC 5952 for IPv6.
    public var description: String {
        guard bytes.count == 16 else { return "\(bytes[0]).\(bytes[1]).\(bytes[2]).\(bytes[3])" }
        let groups = (0..<8).map { Int(bytes[2 * $0]) << 8 | Int(bytes[2 * $0 + 1]) }
        // The first of the longest runs of two zero groups or more becomes "::".
        var gap = 0..<0
        var start = 0
        while start < 8 {
            var end = start
            while end < 8, groups[end] == 0 { end += 1 }
            if end - start > max(gap.count, 1) { gap = start..<end }
            start = end + 1
        }
        var text = ""
        var index = 0
        while index < 8 {
            if !gap.isEmpty, index == gap.lowerBound {
                text += "::"
                index = gap.upperBound
                continue
            }
            if index > 0, index != gap.upperBound || gap.isEmpty { text += ":" }
            text += String(groups[index], radix: 16)
            index += 1
        }
        return text
    }
}

private func ipv4(_ text: ArraySlice<UInt8>) -> [UInt8]? {
    let parts = text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    var bytes: [UInt8] = []
    for part in parts {
        // A leading zero is octal to some readers and decimal to others.
        guard part.count == 1 || part.first != UInt8(ascii: "0"), part.count <= 3 else { return nil }
        guard let value = number(part, in: 0...255) else { return nil }
        bytes.append(UInt8(value))
    }
    return bytes
}

private func ipv6(_ text: ArraySlice<UInt8>) -> [UInt8]? {
    var rest = text
    var head: [UInt8] = []
    var tail: [UInt8]?
    if rest.startsWithText("::") {
        tail = []
        rest = rest.dropFirst(2)
    }
    while !rest.isEmpty {
        let part = rest.prefix { $0 != UInt8(ascii: ":") }
        rest = rest.dropFirst(part.count)
        let value: [UInt8]
        if rest.isEmpty, part.contains(UInt8(ascii: ".")) {
            guard let dotted = ipv4(part) else { return nil }
            value = dotted
        } else {
            guard let group = hexGroup(part) else { return nil }
            value = group
        }
        if tail == nil { head += value } else { tail? += value }
        guard !rest.isEmpty else { break }
        rest = rest.dropFirst()
        if rest.first == UInt8(ascii: ":") {
            guard tail == nil else { return nil }
            tail = []
            rest = rest.dropFirst()
        } else if rest.isEmpty {
            return nil
        }
    }
    guard let tail else { return head.count == 16 ? head : nil }
    let zeros = 16 - head.count - tail.count
    return zeros >= 2 ? head + [UInt8](repeating: 0, count: zeros) + tail : nil
}

private func hexGroup(_ digits: ArraySlice<UInt8>) -> [UInt8]? {
    guard (1...4).contains(digits.count) else { return nil }
    var value = 0
    for digit in lowercased(digits) {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | Int(digit - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | Int(digit - UInt8(ascii: "a") + 10)
        default: return nil
        }
    }
    return [UInt8(value >> 8), UInt8(value & 255)]
}
