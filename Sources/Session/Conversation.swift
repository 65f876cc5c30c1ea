internal import Linux
internal import SSH
internal import Terminal
internal import Wire

/// What goes on over one channel, from its request to its exit status.
class Conversation {
    let channel: Channel
    let command: Command
    private let monitor: SessionEndpoint
    /// Whether the monitor still counts the channel as open.
    private var isKnown = true

    /// Tells the monitor of the channel.
    init(_ channel: Channel, _ command: Command, monitor: SessionEndpoint) {
        self.channel = channel
        self.command = command
        self.monitor = monitor
        monitor.send(.open(command, terminal: channel.terminal != nil), channel: channel.number)
    }

    /// When `wake` wants to be called next, by `Clock`.
    var wakeAt: Int64? { nil }

    func input(_ bytes: Span<UInt8>) {}
    func inputEnded() {}
    func resized() {}
    func showState(_ state: MachineState) {}
    func showResults(_ results: [TryResult], retryAfter: UInt16) {}
    func showEnd(_ code: ExitCode, _ reason: String) {}
    func wake(_ now: Int64) {}
    /// The client has read what was queued for it.
    func caughtUp() {}
    /// Adds what it waits for beside the client and the monitor.
    func wait(in set: inout PollSet) {}
    /// Something may have come there.
    func carry() {}
    func signalled(_ name: String) {}
    func shellStarted() {}
    func shellEnded(_ status: UInt8, _ signal: UInt8, _ reason: String) {}

    /// Whether the boot goes on when all is done: with single volumes that depends on the others.
    final func goesOn(_ state: MachineState?) -> Bool {
        if case .unlockOnly = command { state?.continues ?? false } else { command.takesPassphrase || command == .goOn }
    }

    /// Takes the monitor's word.
    final func receive(_ message: MonitorMessage) {
        guard !channel.isOver else { return }
        switch message {
        case .state(let state): showState(state)
        case .tried(let results, let retryAfter): showResults(results, retryAfter: retryAfter)
        case .finish(let code, let reason):
            showEnd(code, reason)
            channel.exit(status: code.rawValue)
        case .lines(let lines): channel.say(lines.reduce("") { "\($0)\($1)\n" })
        case .shellStarted: shellStarted()
        case .shellEnded(let status, let signal, let reason): shellEnded(status, signal, reason)
        case .entries(let entries):
            channel.say(command == .entries(json: true) ? Report.json(entries) : Report.text(entries))
        case .sessionSetup, .consoleSetup, .network: break
        }
    }

    final func submit(_ passphrase: SecretBytes) {
        monitor.send(.passphrase(passphrase), channel: channel.number)
    }

    /// Tells the monitor that no passphrase follows the last one.
    final func sayInputEnded() {
        monitor.send(.inputEnded, channel: channel.number)
    }

    /// Tells the monitor something of a shell.
    final func tell(_ message: SessionMessage) {
        monitor.send(message, channel: channel.number)
    }

    /// The descriptors that came with the message that is being received.
    final func takeDescriptors() -> PassedDescriptors? { monitor.takeDescriptors() }

    /// Ends it from this side.
    final func end(_ code: ExitCode) {
        forget()
        channel.exit(status: code.rawValue)
    }

    /// The channel is gone, or as good as gone: the monitor is told, once.
    final func forget() {
        guard isKnown else { return }
        isKnown = false
        monitor.send(.close, channel: channel.number)
    }
}

extension Channel {
    /// Queues text whose lines end in LF. At a terminal all goes to the one screen, whose lines end in CR and LF.
    func say(_ text: String, asError: Bool = false) {
        if terminal == nil {
            send(Array(text.utf8), asError: asError)
        } else {
            send(Report.bytesForTerminal(text))
        }
    }
}
