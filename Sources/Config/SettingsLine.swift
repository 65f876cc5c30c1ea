/// A line of postern.conf, split as sshd(8) does it.
struct SettingsLine {
    let number: Int
    /// As written.
    let keyword: [UInt8]
    let values: [String]

    enum Failure: Error {
        case openQuote
    }

    /// Splits `KEYWORD VALUE...` or `KEYWORD=VALUE...`.
    ///
    /// Quotes of both kinds keep blanks and `#` in a word; a backslash takes a quote, a backslash and, outside quotes, a
    /// blank as it is; a word that begins with `#` begins a comment.
    init(_ line: Line) throws(Failure) {
        number = line.number
        keyword = Array(line.bytes.prefix { !isBlank($0) && $0 != UInt8(ascii: "=") })
        var rest = trimmed(line.bytes.dropFirst(keyword.count))
        if rest.first == UInt8(ascii: "=") { rest = trimmed(rest.dropFirst()) }
        var values: [String] = []
        while let first = rest.first, first != UInt8(ascii: "#") {
            let word = try SettingsLine.parseWord(&rest)
            values.append(String(decoding: word, as: UTF8.self))
            rest = trimmed(rest)
        }
        self.values = values
    }

    private static func parseWord(_ rest: inout ArraySlice<UInt8>) throws(Failure) -> [UInt8] {
        var word: [UInt8] = []
        var quote: UInt8?
        while let byte = rest.first, quote != nil || !isBlank(byte) {
            rest.removeFirst()
            if byte == UInt8(ascii: "\\"), let next = rest.first, isEscapable(next, inQuotes: quote != nil) {
                word.append(rest.removeFirst())
            } else if byte == quote {
                quote = nil
            } else if quote == nil, byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
                quote = byte
            } else {
                word.append(byte)
            }
        }
        guard quote == nil else { throw .openQuote }
        return word
    }

    private static func isEscapable(_ byte: UInt8, inQuotes: Bool) -> Bool {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "'"), UInt8(ascii: "\\"): true
        case UInt8(ascii: " "): !inQuotes
        default: false
        }
    }

    /// A value as a word that reads back as it is.
    static func word(_ value: String) -> String {
        let special = Array(" \t\"'\\#".utf8)
        guard value.isEmpty || value.utf8.contains(where: { special.contains($0) }) else { return value }
        var bytes: [UInt8] = [UInt8(ascii: "\"")]
        for byte in value.utf8 {
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { bytes.append(UInt8(ascii: "\\")) }
            bytes.append(byte)
        }
        bytes.append(UInt8(ascii: "\""))
        return String(decoding: bytes, as: UTF8.self)
    }
}
