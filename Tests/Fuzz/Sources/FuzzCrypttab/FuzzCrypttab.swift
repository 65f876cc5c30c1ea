import Config

/// A crypttab is read within bounds as whoever opens volumes natively has it, and what is rendered reads back as the same
/// entries. What is systemd's own is left to a script, too.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    _ = read(bytes, for: .initramfsTools)
    for (own, script) in zip(read(bytes, for: .systemd).entries, read(bytes, for: .script).entries) {
        precondition(own.name == script.name && (!own.options.isNative || script.options.isNative))
    }
    return 0
}

private func read(_ bytes: [UInt8], for system: InitrdSystem) -> Crypttab {
    var findings: [Finding] = []
    let first = Crypttab.parse(bytes, file: "f", for: system, into: &findings)
    precondition(findings.count <= FileLimits.findings + 1)
    for finding in findings { checkPrintable(finding.description) }
    let rendered = first.rendered
    checkPrintable(rendered)
    // Escapes may make a line longer than one may be.
    guard rendered.utf8.split(separator: UInt8(ascii: "\n")).allSatisfy({ $0.count <= FileLimits.lineBytes }) else {
        return first
    }
    var more: [Finding] = []
    let second = Crypttab.parse(Array(rendered.utf8), file: "f", for: system, into: &more)
    precondition(unnumbered(second) == unnumbered(first))
    return first
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
