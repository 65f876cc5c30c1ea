/// Which message a session may send in which phase of which channel. Anything else ends it.
///
/// | message       | channel | permitted                                                                     |
/// | ------------- | ------- | ----------------------------------------------------------------------------- |
/// | log           | 0       | always, `mostLogLines` times                                                  |
/// | authenticated | 0       | once, before anything but log                                                 |
/// | open          | 1…10    | after authenticated, on a channel that is not open; from the console `unlock` |
/// | passphrase    | 1…10    | on an open `unlock`, when none of it is being tried; without a terminal once  |
/// | inputEnded    | 1…10    | on an open `unlock` with a terminal that has sent a passphrase, once          |
/// | terminal      | 1…10    | on an open `shell` with a terminal                                            |
/// | signal        | 1…10    | on an open `shell`                                                            |
/// | close         | 1…10    | on an open channel                                                            |
///
/// `unlock` stands for each command that takes a passphrase, or that the console may ask for, and `shell` for both of its
/// forms: `Command` says which. Whether there are shells at all is for the monitor to say.
///
/// That somebody logged in the monitor takes from the signer (`CSigner.h`). What else a session says that a stranger has
/// taken over is bounded by this table, not by its word.
public struct PermitTable: Sendable {
    /// Log lines of one session: one a failed key and a few more, also for an agent with many keys.
    public static let mostLogLines = 100

    public enum Verdict: Equatable, Sendable {
        case permitted
        /// Why the session is to be ended.
        case forbidden(String)
    }

    private struct Open: Sendable {
        let channel: UInt8
        let command: Command
        var terminal: Bool
        var isTrying = false
        var tries = 0
    }

    private let isConsole: Bool
    private var isAuthenticated: Bool
    private var logLines = 0
    private var open: [Open] = []

    /// A table for a session that has yet to log in, or for the console, where nobody does.
    public init(isConsole: Bool = false) {
        self.isConsole = isConsole
        isAuthenticated = isConsole
    }

    /// Judges a message, and takes it for granted when it is permitted.
    public mutating func judge(_ channel: UInt8, _ message: SessionMessage) -> Verdict {
        switch message {
        case .log: return judgeLog(channel)
        case .authenticated:
            guard channel == 0, !isAuthenticated else { return .forbidden("a second login") }
            isAuthenticated = true
            return .permitted
        case .open(let command, let terminal): return judgeOpen(channel, command, terminal)
        case .passphrase: return judgePassphrase(channel)
        case .inputEnded:
            guard let index = index(of: channel), open[index].terminal, open[index].tries > 0 else {
                return .forbidden("an end of input where there is none")
            }
            open[index].terminal = false
            return .permitted
        case .terminal, .signal:
            guard let index = index(of: channel), open[index].command.isShell else {
                return .forbidden("what is for a shell where there is none")
            }
            if case .terminal = message, !open[index].terminal {
                return .forbidden("a window where there is no terminal")
            }
            return .permitted
        case .close:
            guard let index = index(of: channel) else { return .forbidden("close of a channel that is not open") }
            open.remove(at: index)
            return .permitted
        }
    }

    /// The channel's passphrase has been answered: it may send another one.
    public mutating func answered(_ channel: UInt8) {
        if let index = index(of: channel) { open[index].isTrying = false }
    }

    private mutating func judgeLog(_ channel: UInt8) -> Verdict {
        guard channel == 0 else { return .forbidden("a log line on channel \(channel)") }
        logLines += 1
        guard logLines <= PermitTable.mostLogLines else { return .forbidden("too many log lines") }
        return .permitted
    }

    private mutating func judgeOpen(_ channel: UInt8, _ command: Command, _ terminal: Bool) -> Verdict {
        guard isAuthenticated else { return .forbidden("a channel before the login") }
        guard (1...UInt8(Limits.channels)).contains(channel) else { return .forbidden("channel \(channel)") }
        guard index(of: channel) == nil else { return .forbidden("a channel that is open already") }
        guard command.isPermitted(isConsole: isConsole) else {
            return .forbidden("\(command.spelling), which the console does not ask for")
        }
        open.append(Open(channel: channel, command: command, terminal: terminal))
        return .permitted
    }

    private mutating func judgePassphrase(_ channel: UInt8) -> Verdict {
        guard let index = index(of: channel), open[index].command.takesPassphrase else {
            return .forbidden("a passphrase where none is taken")
        }
        guard !open[index].isTrying, open[index].terminal || open[index].tries == 0 else {
            return .forbidden("a passphrase before the answer to the last one")
        }
        open[index].isTrying = true
        open[index].tries += 1
        return .permitted
    }

    private func index(of channel: UInt8) -> Int? {
        open.firstIndex { $0.channel == channel }
    }
}
