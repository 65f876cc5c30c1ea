import Linux
import Terminal

/// Whatever a terminal sends, lines stay within their limit and hold no control character that was not quoted, and
/// Ctrl-C gives a working prompt.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard var editor = try? LineEditor() else { return 0 }
    let bytes = UnsafeBufferPointer(start: start, count: count)
    let quotes = bytes.contains(0x16)
    var ends = 0
    for byte in bytes {
        guard let event = editor.feed(byte) else { continue }
        ends += 1
        precondition([0x03, 0x04, 0x0A, 0x0D].contains(byte))
        if case .line(let line) = event { check(line, quotes: quotes) }
    }
    precondition(ends <= bytes.count { [0x03, 0x04, 0x0A, 0x0D].contains($0) })
    // The input's end ends what was typed, and leaves an empty line.
    if case .line(let line) = editor.inputEnded() {
        check(line, quotes: quotes)
        precondition(line.count > 0)
    }
    guard case .end = editor.inputEnded() else { preconditionFailure("the end of the input leaves something") }
    // The first may be quoted.
    _ = editor.feed(0x03)
    guard case .interrupt = editor.feed(0x03) else { preconditionFailure("Ctrl-C does not interrupt") }
    for byte in "ok".utf8 { precondition(editor.feed(byte) == nil) }
    guard case .line(let line) = editor.feed(0x0D) else { preconditionFailure("Enter ends no line") }
    precondition(line.withUnsafeBytes { Array($0) } == Array("ok".utf8))
    return 0
}

private func check(_ line: SecretBytes, quotes: Bool) {
    precondition(line.count <= 512)
    guard !quotes else { return }
    line.withUnsafeBytes { bytes in
        for byte in bytes { precondition(byte >= 0x20 && byte != 0x7F || byte == 0x09) }
    }
}
