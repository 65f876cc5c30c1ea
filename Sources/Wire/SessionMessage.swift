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
    /// Tag 6: the terminal's input has ended after its last passphrase, which is answered as one without a terminal is.
    case inputEnded
    /// Tag 7: the terminal of a channel for a shell: at first, which starts the shell, and when its window has changed.
    case terminal(type: String, columns: UInt16, rows: UInt16)
    /// Tag 8: this signal is for what runs in the channel's shell. It is one of `ShellSignal`.
    case signal(UInt8)
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
    /// - Throws: `WireError.memory`, and `.badValue` for a passphrase over the limit.
    public func body(channel: UInt8) throws(WireError) -> SecretBytes {
        var writer = Writer(capacity: 600)
        writer.integer(channel)
        switch self {
        case .log(let level, let line):
            writer.integer(UInt8(1))
            writer.integer(level.rawValue)
            writer.text(line, Limits.logLine)
        case .authenticated(let key, let user):
            writer.integer(UInt8(2))
            writer.integer(key)
            writer.text(user, Limits.word)
        case .open(let command, let terminal):
            writer.integer(UInt8(3))
            writer.integer(command.number)
            writer.list(command.operands, Limits.operands, "operands") { $0.string($1, Limits.word, "operand") }
            writer.bool(terminal)
        case .passphrase(let secret):
            writer.integer(UInt8(4))
            writer.secret(secret, Limits.passphrase, "passphrase")
        case .close:
            writer.integer(UInt8(5))
        case .inputEnded:
            writer.integer(UInt8(6))
        case .terminal(let type, let columns, let rows):
            writer.integer(UInt8(7))
            writer.string(type, Limits.terminalType, "terminal type")
            writer.integer(columns)
            writer.integer(rows)
        case .signal(let number):
            writer.integer(UInt8(8))
            writer.integer(number)
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
            let number = try reader.integer(UInt8.self)
            let operands = try reader.list(Limits.operands, "operands") { reader throws(WireError) in
                try reader.string(Limits.word, "operand")
            }
            guard let command = Command(number: number, operands: operands) else { throw .badValue(field: "command") }
            message = .open(command, terminal: try reader.bool("terminal"))
        case 4: message = .passphrase(try reader.secret(Limits.passphrase, "passphrase"))
        case 5: message = .close
        case 6: message = .inputEnded
        case 7:
            let type = try reader.string(Limits.terminalType, "terminal type")
            guard ShellTerminal.isType(type) else { throw .badValue(field: "terminal type") }
            message = .terminal(type: type, columns: try reader.integer(), rows: try reader.integer())
        case 8:
            let number = try reader.integer(UInt8.self)
            guard ShellSignal.name(of: number) != nil else { throw .badValue(field: "signal") }
            message = .signal(number)
        case let tag: throw .unknownTag(tag)
        }
        try reader.end()
        return (channel, message)
    }
}
