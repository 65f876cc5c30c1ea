import Config

/// A postern.conf is read within bounds, and what is rendered reads back as itself without a finding.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var findings: [Finding] = []
    let settings = Settings.parse(Array(UnsafeBufferPointer(start: start, count: count)), file: "f", into: &findings)
    precondition(findings.count <= FileLimits.findings + 1)
    for finding in findings { checkPrintable(finding.description) }
    let rendered = settings.rendered
    checkPrintable(rendered)
    var more: [Finding] = []
    precondition(Settings.parse(Array(rendered.utf8), file: "f", into: &more) == settings)
    precondition(more.isEmpty)
    return 0
}

/// Nothing that a file says may reach a terminal as a control sequence.
private func checkPrintable(_ text: String) {
    for scalar in text.unicodeScalars where scalar != "\n" {
        precondition(scalar == "\t" || scalar.value >= 0x20 && !(0x7F...0x9F).contains(scalar.value))
    }
}
