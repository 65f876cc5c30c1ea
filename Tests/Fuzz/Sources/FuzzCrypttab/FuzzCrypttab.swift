import Config

/// A crypttab is read within bounds, and what is rendered reads back as the same entries.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var findings: [Finding] = []
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    let first = Crypttab.parse(bytes, file: "f", into: &findings)
    precondition(findings.count <= Limits.findings + 1)
    for finding in findings { checkPrintable(finding.description) }
    let rendered = first.rendered
    checkPrintable(rendered)
    // Escapes may make a line longer than one may be.
    guard rendered.utf8.split(separator: UInt8(ascii: "\n")).allSatisfy({ $0.count <= Limits.lineBytes }) else {
        return 0
    }
    var more: [Finding] = []
    let second = Crypttab.parse(Array(rendered.utf8), file: "f", into: &more)
    precondition(unnumbered(second) == unnumbered(first))
    return 0
}

/// The entries without their lines, which comments move.
private func unnumbered(_ crypttab: Crypttab) -> [CrypttabEntry] {
    crypttab.entries.map { entry in
        var entry = entry
        entry.line = 0
        return entry
    }
}

/// Nothing that a file says may reach a terminal as a control sequence.
private func checkPrintable(_ text: String) {
    for scalar in text.unicodeScalars where scalar != "\n" {
        precondition(scalar.value >= 0x20 && !(0x7F...0x9F).contains(scalar.value))
    }
}
