public import Linux

/// What the monitor tells the signer of a session, once: the host keys, which no session has, and who may log in.
///
/// On the wire: the fields in order.
public struct SignerSetup: WireMessage {
    public var confinement: Confinement
    /// In OpenSSH's file format.
    public var hostKeys: [SecretBytes]
    public var rules: LoginRules

    public init(confinement: Confinement, hostKeys: [SecretBytes], rules: LoginRules) {
        self.confinement = confinement
        self.hostKeys = hostKeys
        self.rules = rules
    }

    public func body() throws(WireError) -> SecretBytes {
        var writer = Writer(capacity: 4000)
        confinement.encode(&writer)
        writer.list(hostKeys, Limits.hostKeys, "host keys") { $0.secret($1, Limits.hostKey, "host key") }
        rules.encode(&writer)
        return try writer.finish()
    }

    public static func read(_ body: SecretBytes) throws(WireError) -> SignerSetup {
        var reader = Reader(body)
        let confinement = try Confinement(&reader)
        let hostKeys = try reader.list(Limits.hostKeys, "host keys") { reader throws(WireError) in
            try reader.secret(Limits.hostKey, "host key")
        }
        let rules = try LoginRules(&reader)
        try reader.end()
        return SignerSetup(confinement: confinement, hostKeys: hostKeys, rules: rules)
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
