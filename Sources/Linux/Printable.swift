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
    for byte in bytes {
        let isPlain = byte >= 0x20 && byte < 0x7F
        let added = isPlain ? [byte] : Array("\\x".utf8) + [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        guard result.count + added.count <= limit - 3 else {
            result += Array("...".utf8)
            break
        }
        result += added
    }
    return String(decoding: result, as: UTF8.self)
}
