import Report

/// Whatever stands in events.jsonl or comes from journalctl is read within bounds, and shown as lines that a terminal may
/// have: the first byte chooses which of the two it is.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    let rest = Array(bytes.dropFirst())
    if let object = FlatObject(rest) { precondition(object.members.count <= FlatObject.mostItems) }
    let texts = bytes.first == UInt8(ascii: "j") ? ReportTexts.ofJournal(rest) : ReportTexts.ofEvents(rest)
    for (text, json) in texts {
        precondition(
            text.unicodeScalars.allSatisfy { $0 == "\n" || $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) })
        precondition(text.hasSuffix("\n"))
        // What we write we can read, but that it has objects in it.
        precondition(json.utf8.filter { $0 < 0x20 }.count == 1 && json.hasSuffix("}\n"))
    }
    return 0
}
