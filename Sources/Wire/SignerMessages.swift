public import Linux

/// What the monitor tells the signer of a session, once: the host keys, which no session has, and who may log in.
///
/// On the wire: the fields in order.
public struct SignerSetup: WireMessage {
    public var confinement: Confinement
    /// In OpenSSH's file format.
    public var hostKeys: [SecretBytes]
    /// The lengths of more of them, which lie one behind the other in memory at `Role.unsealedDescriptor`.
    public var unsealed: [UInt32]
    public var rules: LoginRules

    public init(confinement: Confinement, hostKeys: [SecretBytes], unsealed: [UInt32] = [], rules: LoginRules) {
        self.confinement = confinement
        self.hostKeys = hostKeys
        self.unsealed = unsealed
        self.rules = rules
    }

    public func body() throws(WireError) -> SecretBytes {
        var writer = Writer(capacity: 4000)
        confinement.encode(&writer)
        writer.list(hostKeys, Limits.hostKeys, "host keys") { $0.secret($1, Limits.hostKey, "host key") }
        writer.list(unsealed, Limits.hostKeys, "unsealed keys") { $0.integer($1) }
        rules.encode(&writer)
        return try writer.finish()
    }

    public static func read(_ body: SecretBytes) throws(WireError) -> SignerSetup {
        var reader = Reader(body)
        let confinement = try Confinement(&reader)
        let hostKeys = try reader.list(Limits.hostKeys, "host keys") { reader throws(WireError) in
            try reader.secret(Limits.hostKey, "host key")
        }
        let unsealed = try reader.list(Limits.hostKeys, "unsealed keys") { reader throws(WireError) in
            try reader.integer(UInt32.self)
        }
        let rules = try LoginRules(&reader)
        try reader.end()
        return SignerSetup(confinement: confinement, hostKeys: hostKeys, unsealed: unsealed, rules: rules)
    }

    /// Reads the keys that the TPM has opened, and puts them to the others.
    ///
    /// - Returns: why they cannot be had, for the log, or `nil`.
    public mutating func readUnsealedKeys() -> String? {
        guard !unsealed.isEmpty else { return nil }
        do throws(SystemError) {
            let all = try SealedBytes.read(
                FileDescriptor(owning: Role.unsealedDescriptor), limit: Limits.hostKeys * Limits.hostKey)
            var start = 0
            for length in unsealed {
                let end = start + Int(length)
                guard length > 0, end <= all.count else { throw SystemError("read", code: 71) }
                hostKeys.append(
                    try unsafe all.withUnsafeBytes { bytes throws(SystemError) in
                        unsafe try SecretBytes(copying: UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
                    })
                start = end
            }
            return nil
        } catch { return "no unsealed host key: \(error.description)" }
    }
}

/// What a signer tells the monitor.
///
/// On the wire: the tag (1 byte), the fields in order.
public enum SignerReport: LogMessage {
    /// Tag 1: a line for the log.
    case log(LogLevel, String)
    /// Tag 2: authorized key number `key` of the rules signed, for `user`, which decides nothing.
    case authenticated(key: UInt16, user: String)

    public func body() throws(WireError) -> SecretBytes {
        var writer = Writer(capacity: 600)
        switch self {
        case .log(let level, let line):
            writer.integer(UInt8(1))
            writer.integer(level.rawValue)
            writer.text(line, Limits.logLine)
        case .authenticated(let key, let user):
            writer.integer(UInt8(2))
            writer.integer(key)
            writer.text(user, Limits.word)
        }
        return try writer.finish()
    }

    public static func read(_ body: SecretBytes) throws(WireError) -> SignerReport {
        var reader = Reader(body)
        let report: SignerReport
        switch try reader.integer(UInt8.self) {
        case 1:
            guard let level = LogLevel(rawValue: try reader.integer()) else { throw .badValue(field: "level") }
            report = .log(level, try reader.string(Limits.logLine, "log line"))
        case 2:
            let key = try reader.integer(UInt16.self)
            report = .authenticated(key: key, user: try reader.string(Limits.word, "user"))
        case let tag: throw .unknownTag(tag)
        }
        try reader.end()
        return report
    }
}
