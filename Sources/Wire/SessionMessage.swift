public import Linux

/// What a session, or the console, tells the monitor.
///
/// On the wire: the channel (1 byte), the tag (1 byte), the fields in order. Channel 0 is the connection itself.
public enum SessionMessage {
    /// Tag 1, channel 0: a line for the log.
    case log(LogLevel, String)
    /// Tag 2, channel 0, once: key number `key` of the setup signed, for `user`, which decides nothing.
    case authenticated(key: UInt16, user: String)
    /// Tag 3: a new channel wants `command`. `terminal` says that a person sits there.
    case open(Command, terminal: Bool)
    /// Tag 4: try this on every volume that waits for one.
    case passphrase(SecretBytes)
    /// Tag 5: the channel is gone. What it asked for and is running goes on.
    case close
}

/// How much a log line matters, with the numbers of syslog(3).
public enum LogLevel: UInt8, Sendable {
    case error = 3
    case warning = 4
    case notice = 5
    case info = 6
}

extension SessionMessage {
    /// The message as a frame's body.
    ///
    /// - Throws: `WireError.memory`.
    public func body(channel: UInt8) throws(WireError) -> SecretBytes {
        var writer = Writer(capacity: 600)
        writer.integer(channel)
        switch self {
        case .log(let level, let line):
            writer.integer(UInt8(1))
            writer.integer(level.rawValue)
            writer.string(line)
        case .authenticated(let key, let user):
            writer.integer(UInt8(2))
            writer.integer(key)
            writer.string(user)
        case .open(let command, let terminal):
            writer.integer(UInt8(3))
            writer.integer(command.number)
            writer.bool(terminal)
        case .passphrase(let secret):
            writer.integer(UInt8(4))
            writer.secret(secret)
        case .close:
            writer.integer(UInt8(5))
        }
        return try writer.finish()
    }

    /// Reads a frame's body.
    ///
    /// - Throws: `WireError`; the process that sent it is not ours any more.
    public static func read(_ body: SecretBytes) throws(WireError) -> (channel: UInt8, message: SessionMessage) {
        var reader = Reader(body)
        let channel = try reader.integer(UInt8.self)
        let message: SessionMessage
        switch try reader.integer(UInt8.self) {
        case 1:
            guard let level = LogLevel(rawValue: try reader.integer()) else { throw .badValue(field: "level") }
            message = .log(level, try reader.string(Limits.logLine, "log line"))
        case 2:
            let key = try reader.integer(UInt16.self)
            message = .authenticated(key: key, user: try reader.string(Limits.word, "user"))
        case 3:
            guard let command = Command(number: try reader.integer()) else { throw .badValue(field: "command") }
            message = .open(command, terminal: try reader.bool("terminal"))
        case 4: message = .passphrase(try reader.secret(Limits.passphrase, "passphrase"))
        case 5: message = .close
        case let tag: throw .unknownTag(tag)
        }
        try reader.end()
        return (channel, message)
    }
}

extension Command {
    var number: UInt8 {
        switch self {
        case .unlock: 1
        case .status(let json): json ? 3 : 2
        case .help: 4
        }
    }

    init?(number: UInt8) {
        switch number {
        case 1: self = .unlock
        case 2: self = .status(json: false)
        case 3: self = .status(json: true)
        case 4: self = .help
        default: return nil
        }
    }
}

/// What the monitor tells a session, or the console.
public enum MonitorMessage {
    /// Tag 1, channel 0, first: all that the session needs to serve its connection.
    case sessionSetup(SessionSetup)
    /// Tag 2, channel 0, first: all that the console needs.
    case consoleSetup(ConsoleSetup)
    /// Tag 3: the picture as it is now, at the channel's opening and after each change.
    case state(MachineState)
    /// Tag 4: what became of the channel's passphrase. `retryAfter` is the delay before the next one is tried, in
    /// seconds.
    case tried([TryResult], retryAfter: UInt16)
    /// Tag 5: the channel's end. `reason` is a whole sentence, or empty.
    case finish(ExitCode, reason: String)
}

/// A key that may log in, or that would if something were not against it.
public struct UsableKey: Equatable, Sendable {
    /// Its place in the monitor's list, for `authenticated`.
    public var index: UInt16
    public var type: String
    public var blob: [UInt8]
    /// The command its line forces, or `nil`.
    public var forcedCommand: String?
    public var permitsTerminal: Bool
    /// Whether an `sk-` key may sign without a touch.
    public var noTouchRequired: Bool
    /// Why it may not log in over this connection, or empty.
    public var refusal: String
    /// For the log: its fingerprint and comment.
    public var title: String

    public init(
        index: UInt16, type: String, blob: [UInt8], forcedCommand: String?, permitsTerminal: Bool,
        noTouchRequired: Bool, refusal: String, title: String
    ) {
        self.index = index
        self.type = type
        self.blob = blob
        self.forcedCommand = forcedCommand
        self.permitsTerminal = permitsTerminal
        self.noTouchRequired = noTouchRequired
        self.refusal = refusal
        self.title = title
    }
}

/// How far a process gives up its rights before it reads what a stranger sent.
public struct Confinement: Equatable, Sendable {
    /// An empty folder to be shut into, or `nil` where the caller has no right to that.
    public var root: String?
    /// The user and group to become, or `nil` likewise.
    public var user: UInt32?

    public init(root: String?, user: UInt32?) {
        self.root = root
        self.user = user
    }
}

public struct SessionSetup {
    public var confinement: Confinement
    /// Host keys in OpenSSH's file format.
    public var hostKeys: [SecretBytes]
    public var keys: [UsableKey]
    /// Lists as in sshd_config, or `nil` for Postern's own.
    public var keyExchange: String?
    public var ciphers: String?
    public var macs: String?
    /// Seconds to log in and, without a terminal, to deliver the passphrase.
    public var loginGraceTime: UInt32
    public var maxAuthTries: UInt32

    public init(
        confinement: Confinement, hostKeys: [SecretBytes], keys: [UsableKey], keyExchange: String?, ciphers: String?,
        macs: String?, loginGraceTime: UInt32, maxAuthTries: UInt32
    ) {
        self.confinement = confinement
        self.hostKeys = hostKeys
        self.keys = keys
        self.keyExchange = keyExchange
        self.ciphers = ciphers
        self.macs = macs
        self.loginGraceTime = loginGraceTime
        self.maxAuthTries = maxAuthTries
    }
}

public struct ConsoleSetup: Equatable, Sendable {
    public var confinement: Confinement
    /// The terminals to prompt on, such as `/dev/ttyS0`.
    public var terminals: [String]

    public init(confinement: Confinement, terminals: [String]) {
        self.confinement = confinement
        self.terminals = terminals
    }
}

extension MonitorMessage {
    /// The message as a frame's body.
    ///
    /// - Throws: `WireError.memory`.
    public func body(channel: UInt8) throws(WireError) -> SecretBytes {
        var writer = Writer(capacity: 4000)
        writer.integer(channel)
        switch self {
        case .sessionSetup(let setup):
            writer.integer(UInt8(1))
            setup.encode(&writer)
        case .consoleSetup(let setup):
            writer.integer(UInt8(2))
            setup.confinement.encode(&writer)
            writer.list(setup.terminals) { $0.string($1) }
        case .state(let state):
            writer.integer(UInt8(3))
            state.encode(&writer)
        case .tried(let results, let retryAfter):
            writer.integer(UInt8(4))
            writer.list(results) { $1.encode(&$0) }
            writer.integer(retryAfter)
        case .finish(let code, let reason):
            writer.integer(UInt8(5))
            writer.integer(code.rawValue)
            writer.string(reason)
        }
        return try writer.finish()
    }

    /// Reads a frame's body.
    ///
    /// - Throws: `WireError`; then the monitor is of another version, or gone wrong.
    public static func read(_ body: SecretBytes) throws(WireError) -> (channel: UInt8, message: MonitorMessage) {
        var reader = Reader(body)
        let channel = try reader.integer(UInt8.self)
        let message: MonitorMessage
        switch try reader.integer(UInt8.self) {
        case 1: message = .sessionSetup(try SessionSetup(&reader))
        case 2:
            let confinement = try Confinement(&reader)
            let terminals = try reader.list(Limits.items, "terminals") { reader throws(WireError) in
                try reader.string(Limits.text, "terminal")
            }
            message = .consoleSetup(ConsoleSetup(confinement: confinement, terminals: terminals))
        case 3: message = .state(try MachineState(&reader))
        case 4:
            let results = try reader.list(Limits.items, "results") { reader throws(WireError) in
                try TryResult(&reader)
            }
            message = .tried(results, retryAfter: try reader.integer())
        case 5:
            guard let code = ExitCode(rawValue: try reader.integer()) else { throw .badValue(field: "exit code") }
            message = .finish(code, reason: try reader.string(Limits.text, "reason"))
        case let tag: throw .unknownTag(tag)
        }
        try reader.end()
        return (channel, message)
    }
}

extension Confinement {
    func encode(_ writer: inout Writer) {
        writer.optional(root) { $0.string($1) }
        writer.optional(user) { $0.integer($1) }
    }

    init(_ reader: inout Reader) throws(WireError) {
        root = try reader.optional("root") { reader throws(WireError) in try reader.string(Limits.text, "root") }
        user = try reader.optional("user") { reader throws(WireError) in try reader.integer() }
    }
}

extension SessionSetup {
    func encode(_ writer: inout Writer) {
        confinement.encode(&writer)
        writer.list(hostKeys) { $0.secret($1) }
        writer.list(keys) { $1.encode(&$0) }
        for names in [keyExchange, ciphers, macs] { writer.optional(names) { $0.string($1) } }
        writer.integer(loginGraceTime)
        writer.integer(maxAuthTries)
    }

    init(_ reader: inout Reader) throws(WireError) {
        confinement = try Confinement(&reader)
        hostKeys = try reader.list(16, "host keys") { reader throws(WireError) in
            try reader.secret(Limits.hostKey, "host key")
        }
        keys = try reader.list(Limits.authorizedKeys, "keys") { reader throws(WireError) in try UsableKey(&reader) }
        keyExchange = try reader.optional("key exchange", SessionSetup.names)
        ciphers = try reader.optional("ciphers", SessionSetup.names)
        macs = try reader.optional("MACs", SessionSetup.names)
        loginGraceTime = try reader.integer()
        maxAuthTries = try reader.integer()
    }

    private static func names(_ reader: inout Reader) throws(WireError) -> String {
        try reader.string(Limits.text, "algorithms")
    }
}

extension UsableKey {
    func encode(_ writer: inout Writer) {
        writer.integer(index)
        writer.string(type)
        writer.data(blob)
        writer.optional(forcedCommand) { $0.string($1) }
        writer.bool(permitsTerminal)
        writer.bool(noTouchRequired)
        writer.string(refusal)
        writer.string(title)
    }

    init(_ reader: inout Reader) throws(WireError) {
        index = try reader.integer()
        type = try reader.string(Limits.word, "type")
        blob = try reader.data(Limits.publicKey, "key")
        forcedCommand = try reader.optional("command") { reader throws(WireError) in
            try reader.string(Limits.word, "command")
        }
        permitsTerminal = try reader.bool("terminal")
        noTouchRequired = try reader.bool("touch")
        refusal = try reader.string(Limits.text, "refusal")
        title = try reader.string(Limits.text, "title")
    }
}
