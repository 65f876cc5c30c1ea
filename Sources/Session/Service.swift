internal import Linux
internal import SSH
internal import Signer
internal import Terminal
internal import Wire

/// One client's connection as it is served: its channels, their conversations, and the monitor behind them.
final class Service {
    private let monitor: SessionEndpoint
    private let setup: SessionSetup
    private var connection: SSHConnection?
    private var conversations: [Conversation] = []
    /// The key that logged in.
    private var key: UsableKey?
    private let loginDeadline: Int64?
    /// Whether the agent is about to end, after which nobody has anything to wait for.
    private var agentEnds = false
    /// Since when nothing was left to do but for the client to go.
    private var idleSince: Int64?
    private var progress = 0

    /// Milliseconds that a client has to read what is left and to close, once there is nothing else.
    private static let patience: Int64 = 3000
    /// Milliseconds that it has when no channel is left, so that it has read all: most go by themselves at once, but a
    /// master (`ControlPersist`) stays, and the boot waits.
    private static let lull: Int64 = 500

    /// Prepares everything that takes files or rights.
    ///
    /// - Throws: `SSHError`
    init(_ setup: SessionSetup, _ monitor: SessionEndpoint) throws(SSHError) {
        self.setup = setup
        self.monitor = monitor
        loginDeadline = setup.patience.map { Clock.now() + $0 }
        try Library.initialize()
        let hostKeys = try SignerLink.connect(Role.signerDescriptor)
        // They hold this object, and it holds them: both go with the process.
        var handlers = SSHConnection.Handlers(
            authenticated: { [self] in authenticated($0, $1) },
            permitsTerminal: { [self] in key?.permitsTerminal ?? false },
            requested: { [self] in requested($0, $1) },
            resized: { [self] in conversation(on: $0)?.resized() },
            input: { [self] in conversation(on: $0)?.input($1) },
            inputEnded: { [self] in conversation(on: $0)?.inputEnded() },
            closed: { [self] in closed($0) },
            note: { monitor.log(.warning, $0) })
        handlers.signalled = { [self] in conversation(on: $0)?.signalled($1) }
        connection = try SSHConnection(
            FileDescriptor(owning: Role.peerDescriptor), settings: setup.serverSettings(hostKeys),
            gate: setup.rules.gate, mostChannels: UInt8(Limits.channels), handlers: handlers)
    }

    /// Serves the client until it or the monitor is gone.
    func run() {
        guard let connection else { return }
        connection.startKeyExchange()
        var waiting = PollSet()
        while connection.isOpen {
            waiting.removeAll()
            let network = waiting.add(connection.number, connection.wants)
            if monitor.isOpen { waiting.add(monitor.number, monitor.wants) }
            for conversation in conversations { conversation.wait(in: &waiting) }
            connection.hurryAcknowledgement()
            waiting.wait(milliseconds: untilWake())
            if !waiting.events(of: network).isEmpty { connection.process() }
            hearMonitor()
            wake()
            for conversation in conversations { conversation.carry() }
            connection.flush()
            for conversation in conversations { conversation.caughtUp() }
            connection.flush()
            monitor.flush()
            if let reason = reasonToEnd(connection) {
                connection.disconnect(reason)
                monitor.flush()
                return
            }
        }
        farewell(connection)
        monitor.flush()
    }

    /// Closes a connection that libssh or the client has given up, and logs why, where nobody logged in over it.
    private func farewell(_ connection: SSHConnection) {
        let complaint = connection.complaint
        connection.disconnect("")
        if !connection.fault.isEmpty { monitor.log(.notice, "its connection was ended: \(connection.fault)") }
        guard key == nil, connection.fault.isEmpty else { return }
        if connection.refusals > 0 {
            monitor.log(.notice, "no login: refused \(connection.refusals) times")
        } else {
            monitor.log(.info, "no login: \(complaint.isEmpty ? "the client left" : complaint)")
        }
    }

    private func conversation(on channel: Channel) -> Conversation? {
        conversations.first { $0.channel === channel }
    }

    // MARK: What the client does

    private func authenticated(_ index: Int, _ user: [UInt8]) {
        key = setup.rules.keys[index]
        monitor.send(.authenticated(key: setup.rules.keys[index].index, user: printable(user, limit: 64)))
    }

    private func requested(_ channel: Channel, _ request: Channel.Request) {
        switch Ask(request, forced: key?.forcedCommand) {
        case .refused(let sentence, let code):
            channel.say(sentence + "\n", asError: true)
            channel.exit(status: code.rawValue)
        case .command(.help, _):
            channel.say(Report.help)
            channel.exit(status: ExitCode.done.rawValue)
        case .command(.status(let json), _):
            conversations.append(StatusConversation(channel, json: json, monitor: monitor))
        case .command(let command, _) where command.isShell:
            conversations.append(ShellConversation(channel, command, monitor: monitor))
        case .command(let command, _) where !command.takesPassphrase:
            conversations.append(AnswerConversation(channel, command, monitor: monitor))
        case .command(let command, let debians):
            do throws(SystemError) {
                conversations.append(
                    channel.terminal == nil
                        ? try PipedUnlock(
                            channel, command, patience: setup.patience, debians: debians, monitor: monitor)
                        : try TerminalUnlock(
                            channel, command, debians: debians, isForced: key?.forcedCommand != nil,
                            monitor: monitor))
            } catch {
                monitor.log(.error, error.description)
                channel.exit(status: ExitCode.internalError.rawValue)
            }
        }
    }

    private func closed(_ channel: Channel) {
        conversation(on: channel)?.forget()
        conversations.removeAll { $0.channel === channel }
    }

    // MARK: What the monitor says

    private func hearMonitor() {
        while let frame = monitor.next() {
            // A message about a channel that has just gone comes too late.
            let conversation = conversations.first { $0.channel.number == frame.channel }
            switch frame.message {
            case .state(let state): if state.continues { agentEnds = true }
            case .finish(let code, _):
                if frame.channel == 0 || (code == .done && conversation?.goesOn(nil) == true) { agentEnds = true }
            default: break
            }
            conversation?.receive(frame.message)
            // Those that nobody wanted any more are closed.
            _ = monitor.takeDescriptors()
        }
    }

    // MARK: What time does

    private func untilWake() -> Int64? {
        var moments = conversations.compactMap { $0.wakeAt }
        if key == nil, let loginDeadline { moments.append(loginDeadline) }
        if let idleSince { moments.append(idleSince + grace) }
        // One more, so that it has come when the wait is over.
        return moments.min().map { max($0 - Clock.now() + 1, 0) }
    }

    /// How long an idle client may stay.
    private var grace: Int64 { connection?.channels.isEmpty == true ? Service.lull : Service.patience }

    private func wake() {
        let now = Clock.now()
        for conversation in conversations {
            if let moment = conversation.wakeAt, now >= moment { conversation.wake(now) }
        }
    }

    /// Why the connection is to be closed now, or `nil` when it goes on.
    private func reasonToEnd(_ connection: SSHConnection) -> String? {
        let now = Clock.now()
        if key == nil, let loginDeadline, now >= loginDeadline {
            monitor.log(.notice, "no login within \(setup.loginGraceTime) seconds")
            return "No login in time"
        }
        let isIdle = connection.channels.allSatisfy { $0.isOver }
        // Without a channel a client may wait to open the next one, but not once the agent ends.
        let isLeaving = isIdle && key != nil && (!connection.channels.isEmpty || agentEnds || !monitor.isOpen)
        if !monitor.isOpen, !isLeaving { return "The agent has ended" }
        guard isLeaving else {
            idleSince = nil
            return nil
        }
        if connection.progress != progress || idleSince == nil {
            progress = connection.progress
            idleSince = now
        }
        guard let idleSince, now - idleSince >= grace else { return nil }
        return "Done"
    }
}
