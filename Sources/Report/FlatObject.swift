/// One line with an object of JSON whose values are texts, numbers, words, or lists of texts or numbers: what a line of
/// `/run/postern/events.jsonl` and of `journalctl -o json` is. An object in an object is refused.
public struct FlatObject: Equatable, Sendable {
    public enum Value: Equatable, Sendable {
        case text(String)
        /// As it stands there.
        case number(String)
        /// `true`, `false` or `null`.
        case word(String)
        /// The items' texts or digits.
        case list([Value])
    }

    public struct Member: Equatable, Sendable {
        public let name: String
        public let value: Value
    }

    /// The longest line, in bytes. The agent's own have two thousand at most.
    public static let longestLine = 64 << 10
    /// As many members, and items of a list, are taken.
    public static let mostItems = 2048

    /// In the order of the line.
    public let members: [Member]

    /// Reads a line, without its line end.
    ///
    /// - Returns: `nil` where it is no such object, or too long.
    public init?(_ line: some Collection<UInt8>) {
        guard line.count <= FlatObject.longestLine else { return nil }
        var reader = FlatReader(Array(line))
        guard let members = reader.object() else { return nil }
        self.members = members
    }

    /// The first member of that name.
    subscript(_ name: String) -> Value? { members.first { $0.name == name }?.value }

    /// What a member says, where it is a text or a number.
    func text(_ name: String) -> String? {
        switch self[name] {
        case .text(let text)?, .number(let text)?: text
        default: nil
        }
    }
}

/// Goes through the bytes of a line.
private struct FlatReader {
    private let bytes: [UInt8]
    private var place = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The whole line.
    mutating func object() -> [FlatObject.Member]? {
        var members: [FlatObject.Member] = []
        guard take("{") else { return nil }
        if !take("}") {
            repeat {
                guard members.count < FlatObject.mostItems, let name = text(), take(":"), let value = value() else {
                    return nil
                }
                members.append(FlatObject.Member(name: name, value: value))
            } while take(",")
            guard take("}") else { return nil }
        }
        passBlanks()
        return place == bytes.count ? members : nil
    }

    private mutating func value() -> FlatObject.Value? {
        guard take("[") else { return item() }
        var items: [FlatObject.Value] = []
        if take("]") { return .list([]) }
        repeat {
            guard items.count < FlatObject.mostItems, let item = item() else { return nil }
            items.append(item)
        } while take(",")
        return take("]") ? .list(items) : nil
    }

    private mutating func item() -> FlatObject.Value? {
        passBlanks()
        guard place < bytes.count else { return nil }
        switch bytes[place] {
        case UInt8(ascii: "\""): return text().map { .text($0) }
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            let digits = run {
                $0 == 0x2b || $0 == 0x2d || $0 == 0x2e || $0 | 0x20 == 0x65 || (0x30...0x39).contains($0)
            }
            return .number(digits)
        default:
            let word = run { (0x61...0x7a).contains($0) }
            return ["true", "false", "null"].contains(word) ? .word(word) : nil
        }
    }

    private mutating func run(_ belongs: (UInt8) -> Bool) -> String {
        let start = place
        while place < bytes.count, belongs(bytes[place]) { place += 1 }
        return String(decoding: bytes[start..<place], as: UTF8.self)
    }

    /// A string (RFC 8259, section 7), which is UTF-8 without control characters.
    private mutating func text() -> String? {
        guard take("\"") else { return nil }
        var text: [UInt8] = []
        while place < bytes.count {
            let byte = bytes[place]
            place += 1
            switch byte {
            case UInt8(ascii: "\""): return String(validating: text, as: UTF8.self)
            case UInt8(ascii: "\\"):
                guard let escaped = escaped() else { return nil }
                text += escaped
            case 0..<0x20: return nil
            default: text.append(byte)
            }
        }
        return nil
    }

    /// What stands behind a backslash, in UTF-8.
    private mutating func escaped() -> [UInt8]? {
        guard place < bytes.count else { return nil }
        let byte = bytes[place]
        place += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0c]
        case UInt8(ascii: "n"): return [0x0a]
        case UInt8(ascii: "r"): return [0x0d]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"):
            guard let unit = unit() else { return nil }
            guard (0xd800...0xdfff).contains(unit) else { return Unicode.Scalar(unit).map { Array(String($0).utf8) } }
            // The second half of a pair of surrogates.
            guard unit < 0xdc00, place + 1 < bytes.count, bytes[place] == UInt8(ascii: "\\"),
                bytes[place + 1] == UInt8(ascii: "u")
            else { return nil }
            place += 2
            guard let low = self.unit(), (0xdc00...0xdfff).contains(low) else { return nil }
            let scalar = 0x10000 + (unit - 0xd800) << 10 + (low - 0xdc00)
            return Unicode.Scalar(scalar).map { Array(String($0).utf8) }
        default: return nil
        }
    }

    /// Four hexadecimal digits.
    private mutating func unit() -> UInt32? {
        guard place + 4 <= bytes.count else { return nil }
        var value: UInt32 = 0
        for byte in bytes[place..<(place + 4)] {
            let digit: UInt8
            switch byte {
            case 0x30...0x39: digit = byte - 0x30
            case 0x41...0x46: digit = byte - 0x41 + 10
            case 0x61...0x66: digit = byte - 0x61 + 10
            default: return nil
            }
            value = value << 4 | UInt32(digit)
        }
        place += 4
        return value
    }

    private mutating func passBlanks() {
        while place < bytes.count, [0x20, 0x09, 0x0d].contains(bytes[place]) { place += 1 }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        passBlanks()
        guard place < bytes.count, UInt32(bytes[place]) == character.value else { return false }
        place += 1
        return true
    }
}
