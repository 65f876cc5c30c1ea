import Config

/// An authorized_keys is read within bounds, and what it says of a key can be asked and printed.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var findings: [Finding] = []
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    let list = AuthorizedKeys.parse(bytes, file: "f", into: &findings)
    precondition(findings.count <= FileLimits.findings + 1)
    for finding in findings { checkPrintable(finding.description) }
    for key in list.keys {
        checkPrintable(key.comment)
        checkPrintable((key.forcedCommand ?? "").replacing("\t", with: " "))
        precondition(key.fingerprint.utf8.count == 50)
        for pattern in key.from { checkPrintable(pattern.description) }
        _ = key.isExpired(at: 0)
    }
    // The first bytes also serve as an address that the patterns are asked about.
    for length in [4, 16] where bytes.count >= length {
        guard let peer = PeerAddress(bytes: Array(bytes[..<length])) else { preconditionFailure("no address") }
        precondition(PeerAddress(peer.description) == peer)
        for key in list.keys { _ = key.admits(address: peer) }
    }
    return 0
}

/// Nothing that a file says may reach a terminal as a control sequence.
private func checkPrintable(_ text: String) {
    for scalar in text.unicodeScalars { precondition(scalar.value >= 0x20 && !(0x7F...0x9F).contains(scalar.value)) }
}
