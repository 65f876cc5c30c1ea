/// What SSH_MSG_USERAUTH_REQUEST asks for (RFC 4252, sections 5 and 7), read before libssh reads it.
///
///     string user, string service, string method, and for "publickey":
///     boolean signed, string algorithm, string key,
///     (for "publickey-hostbound-v00@openssh.com": string host key,)
///     (when signed: string signature, which is string algorithm, string bytes,
///     and from a security key: byte flags, uint32 counter)
struct AuthenticationRequest: Equatable {
    var user: [UInt8]
    var method: Method
    /// The host key that the client was shown, where it says so.
    var hostKey: [UInt8]?

    enum Method: Equatable {
        case none
        case publicKey(algorithm: [UInt8], blob: [UInt8], signature: Signature?)
        /// Anything that no login can come of.
        case other
    }

    struct Signature: Equatable {
        var algorithm: [UInt8]
        /// Of a security key: whether the person was there. Of any other `nil`.
        var touched: Bool?
    }

    /// Reads the packet after its type byte; `nil` when it ends early or goes on after its end.
    init?(_ packet: [UInt8]) {
        var reader = PacketReader(packet)
        guard let user = reader.string(), let service = reader.string(), let method = reader.string() else {
            return nil
        }
        self.user = user
        self.method = .other
        guard service == Array("ssh-connection".utf8) else { return }
        if method == Array("none".utf8) {
            self.method = .none
            return
        }
        let isHostBound = method == Array("publickey-hostbound-v00@openssh.com".utf8)
        guard isHostBound || method == Array("publickey".utf8) else { return }
        guard let signed = reader.byte(), let algorithm = reader.string(), let blob = reader.string() else {
            return nil
        }
        if isHostBound {
            guard let shown = reader.string() else { return nil }
            hostKey = shown
        }
        var signature: Signature?
        if signed != 0 {
            guard let bytes = reader.string(), let read = Signature(bytes) else { return nil }
            signature = read
        }
        guard reader.isAtEnd else { return nil }
        self.method = .publicKey(algorithm: algorithm, blob: blob, signature: signature)
    }
}

extension AuthenticationRequest.Signature {
    init?(_ bytes: [UInt8]) {
        var reader = PacketReader(bytes)
        guard let algorithm = reader.string(), reader.string() != nil else { return nil }
        self.algorithm = algorithm
        if SignatureAlgorithm.isSecurityKey(algorithm) {
            guard let flags = reader.byte(), reader.integer() != nil else { return nil }
            touched = flags & 1 != 0
        }
        guard reader.isAtEnd else { return nil }
    }
}

/// Takes apart the fields of an SSH message (RFC 4251, section 5).
struct PacketReader {
    private let bytes: [UInt8]
    private var offset = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { offset == bytes.count }

    mutating func byte() -> UInt8? {
        guard offset < bytes.count else { return nil }
        offset += 1
        return bytes[offset - 1]
    }

    mutating func integer() -> UInt32? {
        guard bytes.count - offset >= 4 else { return nil }
        offset += 4
        return bytes[(offset - 4)..<offset].reduce(0) { $0 << 8 | UInt32($1) }
    }

    mutating func string() -> [UInt8]? {
        guard let length = integer(), Int(length) <= bytes.count - offset else { return nil }
        offset += Int(length)
        return Array(bytes[(offset - Int(length))..<offset])
    }

    /// A string as it stands in a message.
    static func string(_ bytes: [UInt8]) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: bytes.count >> $0) } + bytes
    }
}
