public import Linux

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
    /// Its place among `LoginRules.refusals`, if anything can be against it.
    public var rule: UInt16?
    /// For the log: its fingerprint and comment.
    public var title: String

    public init(
        index: UInt16, type: String, blob: [UInt8], forcedCommand: String?, permitsTerminal: Bool,
        noTouchRequired: Bool, rule: UInt16? = nil, title: String
    ) {
        self.index = index
        self.type = type
        self.blob = blob
        self.forcedCommand = forcedCommand
        self.permitsTerminal = permitsTerminal
        self.noTouchRequired = noTouchRequired
        self.rule = rule
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

/// Who may log in over one connection: what its session and its signer both go by.
public struct LoginRules {
    /// The authorized keys; none where the child finds them in sealed memory, at `Role.keysDescriptor`.
    public var keys: [UsableKey]
    /// Why keys of a rule may not log in over this connection, for each rule, or empty.
    public var refusals: [String]
    /// After so many refused tries the client is sent away.
    public var maxAuthTries: UInt32

    public init(keys: [UsableKey], refusals: [String] = [], maxAuthTries: UInt32) {
        self.keys = keys
        self.refusals = refusals
        self.maxAuthTries = maxAuthTries
    }
}

/// What a session needs to serve its connection.
public struct SessionSetup {
    public var confinement: Confinement
    public var rules: LoginRules
    /// Lists as in sshd_config, or `nil` for Postern's own.
    public var keyExchange: String?
    public var ciphers: String?
    public var macs: String?
    /// Seconds to log in and, without a terminal, to deliver the passphrase.
    public var loginGraceTime: UInt32
    /// Whether its client may be given a shell, which the session then has room for.
    public var permitsShell: Bool

    public init(
        confinement: Confinement, rules: LoginRules, keyExchange: String?, ciphers: String?, macs: String?,
        loginGraceTime: UInt32, permitsShell: Bool = false
    ) {
        self.confinement = confinement
        self.rules = rules
        self.keyExchange = keyExchange
        self.ciphers = ciphers
        self.macs = macs
        self.loginGraceTime = loginGraceTime
        self.permitsShell = permitsShell
    }
}

public struct ConsoleSetup: Equatable, Sendable {
    public var confinement: Confinement
    /// The terminals to prompt on, such as `/dev/ttyS0`.
    public var terminals: [String]
    /// The path of systemd-ask-password(1), which asks in their place, or `nil`.
    public var askPassword: String?

    public init(confinement: Confinement, terminals: [String], askPassword: String? = nil) {
        self.confinement = confinement
        self.terminals = terminals
        self.askPassword = askPassword
    }
}

extension Confinement {
    /// Gives up the caller's rights; `Sandbox.enter` says how. `calls` are those of the role where there are no others.
    ///
    /// - Returns: whether the kernel limits the system calls, too.
    /// - Throws: `SystemError`
    public func enter(
        as role: Role, parent: Int32, endsGently: Bool = false, calls: SystemCalls? = nil
    ) throws(SystemError) -> Bool {
        try Sandbox.enter(
            root: root, user: user, calls: calls ?? role.systemCalls, parent: parent, endsGently: endsGently)
    }

    func encode(_ writer: inout Writer) {
        writer.optional(root) { $0.string($1, Limits.text, "root") }
        writer.optional(user) { $0.integer($1) }
    }

    init(_ reader: inout Reader) throws(WireError) {
        root = try reader.optional("root") { reader throws(WireError) in try reader.string(Limits.text, "root") }
        user = try reader.optional("user") { reader throws(WireError) in try reader.integer() }
    }
}

extension ConsoleSetup {
    func encode(_ writer: inout Writer) {
        confinement.encode(&writer)
        writer.list(terminals, Limits.items, "terminals") { $0.string($1, Limits.text, "terminal") }
        writer.optional(askPassword) { $0.string($1, Limits.text, "program") }
    }

    init(_ reader: inout Reader) throws(WireError) {
        confinement = try Confinement(&reader)
        terminals = try reader.list(Limits.items, "terminals") { reader throws(WireError) in
            try reader.string(Limits.text, "terminal")
        }
        askPassword = try reader.optional("program") { reader throws(WireError) in
            try reader.string(Limits.text, "program")
        }
    }
}

extension LoginRules {
    func encode(_ writer: inout Writer) {
        writer.list(keys, Limits.authorizedKeys, "keys") { $1.encode(&$0) }
        writer.list(refusals, Limits.authorizedKeys, "refusals") { $0.text($1) }
        writer.integer(maxAuthTries)
    }

    init(_ reader: inout Reader) throws(WireError) {
        keys = try reader.list(Limits.authorizedKeys, "keys") { reader throws(WireError) in try UsableKey(&reader) }
        refusals = try reader.list(Limits.authorizedKeys, "refusals") { reader throws(WireError) in
            try reader.string(Limits.text, "refusal")
        }
        maxAuthTries = try reader.integer()
    }

    /// Reads the keys from sealed memory, where the monitor sent none.
    ///
    /// - Returns: why there are none, for the log, or `nil`.
    public mutating func readSealedKeys(as role: Role) -> String? {
        guard keys.isEmpty else { return nil }
        do throws(SystemError) {
            let bytes = try SealedBytes.read(FileDescriptor(owning: role.keysDescriptor), limit: Limits.sealedKeys)
            do throws(WireError) { keys = try UsableKey.list(bytes) } catch { return error.description }
        } catch { return "no authorized keys: \(error.description)" }
        return nil
    }

    /// Why a key may not log in over this connection, or empty.
    public func refusal(of key: UsableKey) -> String {
        key.rule.map { Int($0) < refusals.count ? refusals[Int($0)] : "it has an unknown rule" } ?? ""
    }
}

extension SessionSetup {
    func encode(_ writer: inout Writer) {
        confinement.encode(&writer)
        rules.encode(&writer)
        for names in [keyExchange, ciphers, macs] {
            writer.optional(names) { $0.string($1, Limits.text, "algorithms") }
        }
        writer.integer(loginGraceTime)
        writer.bool(permitsShell)
    }

    init(_ reader: inout Reader) throws(WireError) {
        confinement = try Confinement(&reader)
        rules = try LoginRules(&reader)
        keyExchange = try reader.optional("key exchange", SessionSetup.names)
        ciphers = try reader.optional("ciphers", SessionSetup.names)
        macs = try reader.optional("MACs", SessionSetup.names)
        loginGraceTime = try reader.integer()
        permitsShell = try reader.bool("shell")
    }

    private static func names(_ reader: inout Reader) throws(WireError) -> String {
        try reader.string(Limits.text, "algorithms")
    }
}

extension UsableKey {
    /// A list of keys as it lies in sealed memory.
    ///
    /// - Throws: `WireError`
    public static func encoded(_ keys: [UsableKey]) throws(WireError) -> SecretBytes {
        var writer = Writer()
        writer.list(keys, Limits.authorizedKeys, "keys") { $1.encode(&$0) }
        return try writer.finish()
    }

    /// Takes such a list apart.
    ///
    /// - Throws: `WireError`
    public static func list(_ bytes: SecretBytes) throws(WireError) -> [UsableKey] {
        var reader = Reader(bytes)
        let keys = try reader.list(Limits.authorizedKeys, "keys") { reader throws(WireError) in try UsableKey(&reader) }
        guard reader.left == 0 else { throw .trailingBytes(reader.left) }
        return keys
    }

    func encode(_ writer: inout Writer) {
        writer.integer(index)
        writer.string(type, Limits.word, "type")
        writer.data(blob, Limits.publicKey, "key")
        writer.optional(forcedCommand) { $0.string($1, Limits.word, "command") }
        writer.bool(permitsTerminal)
        writer.bool(noTouchRequired)
        writer.optional(rule) { $0.integer($1) }
        writer.text(title)
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
        rule = try reader.optional("rule") { reader throws(WireError) in try reader.integer() }
        title = try reader.string(Limits.text, "title")
    }
}
