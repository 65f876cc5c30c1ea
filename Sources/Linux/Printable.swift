/// The text with every control character shown as `\x1b` shows the escape character, so that it cannot move a cursor
/// or begin a line of its own.
public func printable(_ text: String) -> String {
    var shown: [UInt8] = []
    let digits = Array("0123456789abcdef".utf8)
    for scalar in text.unicodeScalars {
        // U+0080 to U+009F are the control characters of ISO 6429, such as a CSI of one character.
        if scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value) {
            let code = Int(scalar.value)
            shown += [UInt8(ascii: "\\"), UInt8(ascii: "x"), digits[code >> 4], digits[code & 15]]
        } else {
            shown += Array(String(scalar).utf8)
        }
    }
    return String(decoding: shown, as: UTF8.self)
}

/// Text that a stranger chose, made fit for a log or a screen: printable ASCII as it is, any other byte as `\xNN`.
/// Text that was made so already stays as it is.
///
/// The result has at most `limit` bytes, and ends in `...` when something was left out.
public func printable(_ text: String, limit: Int) -> String {
    printable(Array(text.utf8), limit: limit)
}

/// The same for bytes that may be no text at all.
public func printable(_ bytes: [UInt8], limit: Int) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var result: [UInt8] = []
    // How much of it stays when it has to be cut.
    var kept = 0
    for byte in bytes {
        let isPlain = byte >= 0x20 && byte < 0x7F
        let added = isPlain ? [byte] : Array("\\x".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        guard result.count + added.count <= limit else {
            result.removeLast(result.count - kept)
            result += Array("...".utf8)
            break
        }
        result += added
        if result.count <= limit - 3 { kept = result.count }
    }
    return String(decoding: result, as: UTF8.self)
}

/// The text's first `length` bytes.
public func cut(_ text: String, to length: Int) -> String {
    let bytes = text.utf8
    guard bytes.count > length else { return text }
    // A character cut in two is decoded as U+FFFD, which is up to two bytes longer.
    return String(decoding: Array(bytes.prefix(length - 2)), as: UTF8.self)
}
