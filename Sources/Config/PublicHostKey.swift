/// The public half of a host key, as clients know it.
public struct PublicHostKey: Equatable, Sendable {
    /// `ssh-ed25519` or `ssh-rsa`.
    public let type: String
    /// The key as SSH sends it, type included.
    public let blob: [UInt8]

    /// Finds it in a private key in OpenSSH's format, without looking at the secret part behind it.
    ///
    /// ```
    /// "openssh-key-v1" 0, string cipher "none", string kdf "none", string "", uint32 1, string PUBLIC KEY, ...
    /// ```
    ///
    /// It is `nil` where `file` is none that `HostKey.problem` finds nothing wrong with.
    public init?(privateKey file: some Sequence<UInt8>) {
        let begin = Array("-----BEGIN OPENSSH PRIVATE KEY-----".utf8)
        var digits: [UInt8] = []
        var header: [UInt8] = []
        // So many bytes come before the public key, then its length.
        let before = 39
        var needed = PublicHostKey.digits(for: before + 4)
        var length: Int?
        for byte in file {
            if header.count < begin.count {
                header.append(byte)
                continue
            }
            guard header == begin else { return nil }
            guard byte != 0x0a, byte != 0x0d, byte != 0x20, byte != 0x09 else { continue }
            digits.append(byte)
            guard digits.count == needed else { continue }
            guard length == nil else { break }
            guard let bytes = Base64.decode(digits[...]), bytes.count >= before + 4 else { return nil }
            let count = bytes[before..<(before + 4)].reduce(0) { $0 << 8 | Int($1) }
            guard count > 0, count <= 8 << 10 else { return nil }
            length = count
            needed = PublicHostKey.digits(for: before + 4 + count)
            if needed == digits.count { break }
        }
        guard let length, digits.count == needed, let bytes = Base64.decode(digits[...]),
            bytes.count >= before + 4 + length
        else { return nil }
        blob = Array(bytes[(before + 4)..<(before + 4 + length)])
        var reader = BlobReader(blob)
        guard let name = reader.string(), name.isText("ssh-ed25519") || name.isText("ssh-rsa") else { return nil }
        type = String(decoding: name, as: UTF8.self)
    }

    /// Whole groups of four digits for so many bytes.
    private static func digits(for bytes: Int) -> Int { (bytes + 2) / 3 * 4 }

    /// The key in base64, as known_hosts has it.
    public var base64: String { String(decoding: Base64.encode(blob), as: UTF8.self) }

    /// `SHA256:` and the hash of the key, as `ssh-keygen -l` prints it.
    public var fingerprint: String { AuthorizedKey(type: type, blob: blob).fingerprint }

    /// What a record SSHFP of the DNS says (RFC 4255, 6594 and 7479): the algorithm, 2 for SHA-256, and the hash.
    public var dnsFingerprint: String {
        let digits = Array("0123456789abcdef".utf8)
        var text = type == "ssh-ed25519" ? Array("4 2 ".utf8) : Array("1 2 ".utf8)
        for byte in sha256(blob) { text += [digits[Int(byte >> 4)], digits[Int(byte & 15)]] }
        return String(decoding: text, as: UTF8.self)
    }
}
