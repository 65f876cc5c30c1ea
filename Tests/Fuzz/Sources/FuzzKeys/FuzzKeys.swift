import Base64
import Config
import Glibc

/// Keys and addresses in all their spellings. The first byte chooses what the rest is.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 1 else { return 0 }
    let bytes = Array(UnsafeBufferPointer(start: start + 1, count: count - 1))
    switch start[0] & 3 {
    case 0: checkBlob(bytes, type: Int(start[0] >> 2))
    case 1: checkHostKey(bytes)
    case 2: checkAddress(bytes)
    default: checkPattern(bytes)
    }
    return 0
}

private let types = [
    "ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com",
]

/// A blob that is taken is taken whole, and says itself of which type it is.
private func checkBlob(_ blob: [UInt8], type: Int) {
    let type = types[type % types.count]
    var findings: [Finding] = []
    let line = Array("\(type) \(base64(blob)) a".utf8)
    let keys = AuthorizedKeys.parse(line, file: "f", into: &findings).keys
    precondition(keys.count + findings.count == 1)
    guard let key = keys.first else { return }
    precondition(key.blob == blob && key.type == type && key.comment == "a")
    precondition(blob.starts(with: [0, 0, 0, UInt8(type.utf8.count)] + Array(type.utf8)))
}

/// A host key's text as it is, and bytes as such a text has them.
private func checkHostKey(_ bytes: [UInt8]) {
    _ = HostKey.problem(start: Array(bytes.prefix(HostKey.startLength)), end: Array(bytes.suffix(HostKey.endLength)))
    let frame = ("-----BEGIN OPENSSH PRIVATE KEY-----\n", "\n-----END OPENSSH PRIVATE KEY-----\n")
    let magic = Array("openssh-key-v1".utf8) + [0]
    let text = Array((frame.0 + base64(magic + bytes) + frame.1).utf8)
    let problem = HostKey.problem(
        start: Array(text.prefix(HostKey.startLength)), end: Array(text.suffix(HostKey.endLength)))
    for scalar in (problem ?? "").unicodeScalars { precondition(scalar.value >= 0x20 && scalar.value != 0x7f) }
}

/// An address is one to the C library, too, and the other way round; its text reads back as itself.
private func checkAddress(_ bytes: [UInt8]) {
    guard bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7f }), bytes.count <= 45 else { return }
    let text = String(decoding: bytes, as: UTF8.self)
    let family = text.contains(":") ? AF_INET6 : AF_INET
    var binary = [UInt8](repeating: 0, count: 16)
    let isOne = inet_pton(family, text, &binary) == 1
    let address = PeerAddress(text)
    precondition((address != nil) == isOne)
    guard let address else { return }
    precondition(PeerAddress(bytes: Array(binary.prefix(family == AF_INET ? 4 : 16))) == address)
    precondition(PeerAddress(address.description) == address)
}

/// What `from=` says reads back as the same.
private func checkPattern(_ bytes: [UInt8]) {
    guard !bytes.contains(UInt8(ascii: "\"")), !bytes.contains(0x0a) else { return }
    func keys(_ from: [UInt8]) -> [AuthorizedKey] {
        var findings: [Finding] = []
        let key = " ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI\n"
        return AuthorizedKeys.parse(Array("from=\"".utf8) + from + Array("\"\(key)".utf8), file: "f", into: &findings)
            .keys
    }
    guard let first = keys(bytes).first else { return }
    precondition(!first.from.isEmpty)
    let text = first.from.map(\.description).joined(separator: ",")
    precondition(keys(Array(text.utf8)).first?.from == first.from)
    // One that is shut out by `!` is never let in.
    for octet in [UInt8(0), 1, 127, 255] {
        guard let address = PeerAddress(bytes: [192, 0, 2, octet]) else { continue }
        let isShutOut = first.from.contains { $0.isNegated && $0.matches(address) }
        precondition(!isShutOut || !first.admits(address: address))
    }
}
