public import Linux

/// What the monitor tells a session, or the console.
public enum MonitorMessage {
    /// Tag 1, channel 0, first: all that the session needs to serve its connection.
    case sessionSetup(SessionSetup)
    /// Tag 2, channel 0, first: all that the console needs.
    case consoleSetup(ConsoleSetup)
    /// Tag 3: the state as it is now, at the channel's opening and after each change.
    case state(MachineState)
    /// Tag 4: what became of the channel's passphrase. `retryAfter` is the delay before the next one is tried, in
    /// seconds.
    case tried([TryResult], retryAfter: UInt16)
    /// Tag 5: the channel's end, or on channel 0 the end of all there is to wait for. `reason` is a whole sentence, or
    /// empty.
    case finish(ExitCode, reason: String)
    /// Tag 6, channel 0, to the console alone: how the machine can be reached, at first and when it has changed.
    case network([NetworkFact])
    /// Tag 7: lines for the channel's standard output.
    case lines([String])
    /// Tag 8: the channel's shell runs. With it come the descriptors for its bytes: the master of its terminal; or the other
    /// ends of its standard input, output and error.
    case shellStarted
    /// Tag 9: the channel's shell has ended, with `status`, or by a signal unless that is 0; `reason` is a whole sentence
    /// that the client is told, or empty. The channel ends when it has had what the shell printed.
    case shellEnded(status: UInt8, signal: UInt8, reason: String)
    /// Tag 10: what the boot loader can start, for the channel's standard output.
    case entries([BootEntry])
}

extension MonitorMessage {
    /// The message as a frame's body.
    ///
    /// - Throws: `WireError.memory`, and `.badValue` for a setup over the limits.
    public func body(channel: UInt8) throws(WireError) -> SecretBytes {
        var writer = Writer(capacity: 4000)
        writer.integer(channel)
        switch self {
        case .sessionSetup(let setup):
            writer.integer(UInt8(1))
            setup.encode(&writer)
        case .consoleSetup(let setup):
            writer.integer(UInt8(2))
            setup.encode(&writer)
        case .state(let state):
            writer.integer(UInt8(3))
            state.encode(&writer)
        case .tried(let results, let retryAfter):
            writer.integer(UInt8(4))
            writer.list(Array(results.prefix(Limits.items)), Limits.items, "results") { $1.encode(&$0) }
            writer.integer(retryAfter)
        case .finish(let code, let reason):
            writer.integer(UInt8(5))
            writer.integer(code.rawValue)
            writer.text(reason)
        case .network(let facts):
            writer.integer(UInt8(6))
            writer.list(facts, Limits.items, "network") { $1.encode(&$0) }
        case .lines(let lines):
            writer.integer(UInt8(7))
            writer.list(Array(lines.prefix(Limits.items)), Limits.items, "lines") { $0.text($1) }
        case .shellStarted: writer.integer(UInt8(8))
        case .shellEnded(let status, let signal, let reason):
            writer.integer(UInt8(9))
            writer.integer(status)
            writer.integer(signal)
            writer.text(reason)
        case .entries(let entries):
            writer.integer(UInt8(10))
            BootEntry.encode(entries, &writer)
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
        case 2: message = .consoleSetup(try ConsoleSetup(&reader))
        case 3: message = .state(try MachineState(&reader))
        case 4:
            let results = try reader.list(Limits.items, "results") { reader throws(WireError) in
                try TryResult(&reader)
            }
            message = .tried(results, retryAfter: try reader.integer())
        case 5:
            guard let code = ExitCode(rawValue: try reader.integer()) else { throw .badValue(field: "exit code") }
            message = .finish(code, reason: try reader.string(Limits.text, "reason"))
        case 6:
            let facts = try reader.list(Limits.items, "network") { reader throws(WireError) in
                try NetworkFact(&reader)
            }
            message = .network(facts)
        case 7:
            let lines = try reader.list(Limits.items, "lines") { reader throws(WireError) in
                try reader.string(Limits.text, "line")
            }
            message = .lines(lines)
        case 8: message = .shellStarted
        case 9:
            message = .shellEnded(
                status: try reader.integer(), signal: try reader.integer(),
                reason: try reader.string(Limits.text, "reason"))
        case 10: message = .entries(try BootEntry.list(&reader))
        case let tag: throw .unknownTag(tag)
        }
        try reader.end()
        return (channel, message)
    }
}
