/// Why a key is refused, and what to write instead.
struct KeyRefusal: Error, Equatable {
    /// A sentence without its end: "and the key is refused" follows.
    let problem: String
    let remedy: String

    init(_ problem: String, _ remedy: String) {
        self.problem = problem
        self.remedy = remedy
    }
}

/// The types of public keys that may log in.
enum KeyType: CaseIterable {
    case ed25519, skEd25519, ecdsa256, ecdsa384, ecdsa521, skECDSA, rsa

    /// As sshd(8) writes it before the key.
    var name: String {
        switch self {
        case .ed25519: "ssh-ed25519"
        case .skEd25519: "sk-ssh-ed25519@openssh.com"
        case .ecdsa256: "ecdsa-sha2-nistp256"
        case .ecdsa384: "ecdsa-sha2-nistp384"
        case .ecdsa521: "ecdsa-sha2-nistp521"
        case .skECDSA: "sk-ecdsa-sha2-nistp256@openssh.com"
        case .rsa: "ssh-rsa"
        }
    }

    init?(_ name: ArraySlice<UInt8>) {
        guard let type = KeyType.allCases.first(where: { $0.name.utf8.elementsEqual(name) }) else { return nil }
        self = type
    }

    /// The smallest RSA modulus in bits. libssh is told the same, but would answer a smaller key with silence.
    static let leastRSABits = 2048
    /// The largest one: OpenSSH's own limit.
    static let mostRSABits = 16384

    /// Checks the fields of a public key (RFC 4253 section 6.6, RFC 5656, RFC 8709, OpenSSH's PROTOCOL.u2f):
    /// ```
    /// string type, then
    ///   ssh-rsa            mpint e, mpint n
    ///   ssh-ed25519        string key (32 bytes)
    ///   ecdsa-sha2-CURVE   string CURVE, string point (4, x, y)
    ///   sk-...             as the plain type, then string application
    /// ```
    func check(_ blob: [UInt8]) throws(KeyRefusal) {
        let remedy = "copy the whole line of the .pub file again"
        var reader = BlobReader(blob)
        guard let inner = reader.string() else { throw KeyRefusal("the key data ends early", remedy) }
        guard inner.elementsEqual(name.utf8) else {
            throw KeyRefusal("the key says \(name) and its data \(quoted(inner))", remedy)
        }
        switch self {
        case .ed25519, .skEd25519:
            guard reader.string()?.count == 32 else { throw KeyRefusal("the Ed25519 key has not 32 bytes", remedy) }
        case .ecdsa256, .skECDSA: try checkPoint(&reader, curve: "nistp256", bytes: 65)
        case .ecdsa384: try checkPoint(&reader, curve: "nistp384", bytes: 97)
        case .ecdsa521: try checkPoint(&reader, curve: "nistp521", bytes: 133)
        case .rsa: try checkRSA(&reader)
        }
        if self == .skEd25519 || self == .skECDSA {
            guard let application = reader.string(), !application.isEmpty, application.count <= 255 else {
                throw KeyRefusal("the key names no application of its token", remedy)
            }
        }
        guard reader.rest.isEmpty else {
            throw KeyRefusal("the key data goes on for \(reader.rest.count) bytes after the key", remedy)
        }
    }

    private func checkPoint(_ reader: inout BlobReader, curve: StaticString, bytes: Int) throws(KeyRefusal) {
        guard let name = reader.string(), name.isText(curve), let point = reader.string(), point.count == bytes,
            point.first == 4
        else {
            throw KeyRefusal("the ECDSA key has no point of its curve", "copy the whole line of the .pub file again")
        }
    }

    private func checkRSA(_ reader: inout BlobReader) throws(KeyRefusal) {
        guard let exponent = reader.positive(), let modulus = reader.positive(), let last = exponent.last,
            last & 1 == 1,
            let odd = modulus.last, odd & 1 == 1, exponent.count > 1 || last > 1, let top = modulus.first
        else {
            throw KeyRefusal("the RSA key has no exponent and modulus", "copy the whole line of the .pub file again")
        }
        let bits = modulus.count * 8 - top.leadingZeroBitCount
        guard bits >= KeyType.leastRSABits, bits <= KeyType.mostRSABits else {
            throw KeyRefusal(
                "the RSA key has \(bits) bits, not \(KeyType.leastRSABits) to \(KeyType.mostRSABits)",
                "make another key with ssh-keygen -t ed25519")
        }
    }
}

/// The fields of RFC 4251 section 5, each a length of 4 bytes and so many bytes.
struct BlobReader {
    private(set) var rest: ArraySlice<UInt8>

    init(_ blob: [UInt8]) {
        rest = blob[...]
    }

    mutating func string() -> ArraySlice<UInt8>? {
        guard rest.count >= 4 else { return nil }
        let count = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        guard count <= rest.count - 4 else { return nil }
        let value = rest.dropFirst(4).prefix(count)
        rest = rest.dropFirst(4 + count)
        return value
    }

    /// Passes over a field of fixed size, or says that there is none.
    mutating func skip(_ count: Int) -> Bool {
        guard rest.count >= count else { return false }
        rest = rest.dropFirst(count)
        return true
    }

    /// A positive `mpint` without its leading zero; `nil` when it is not in its one right form.
    mutating func positive() -> ArraySlice<UInt8>? {
        guard let number = string(), let first = number.first, first < 0x80 else { return nil }
        guard first == 0 else { return number }
        guard let second = number.dropFirst().first, second >= 0x80 else { return nil }
        return number.dropFirst()
    }
}
