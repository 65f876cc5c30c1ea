internal import CLinux
internal import Linux
internal import Terminal
internal import Wire

/// The prompt on the consoles, beside the one of each ssh session. In a systemd initrd `SystemdPrompt` has systemd ask instead.
///
/// It serves every terminal of its setup at once. One that cannot be opened, or hangs up later, is logged and left out:
/// an unplugged serial line costs only itself.
public enum ConsoleProcess {
    /// Runs until the monitor says how it ends, or is gone.
    ///
    /// - Returns: the process's exit status: 0, or 1 when something went wrong that another start may mend.
    public static func run() -> Int32 {
        let parent = ChildProcess.parent
        Role.console.score.applyToSelf()
        Sandbox.hideMemory()
        let monitor = SessionEndpoint(
            FileDescriptor(owning: Role.controlDescriptor), largestFrame: Limits.frameFromMonitor,
            largestQueue: Console.largestQueue)
        let signals: FileDescriptor
        do throws(SystemError) {
            signals = FileDescriptor(owning: try check("signalfd") { linux_signal_descriptor() })
        } catch { return 1 }
        guard case .consoleSetup(let setup)? = monitor.waitForNext(or: signals.number)?.message else { return 1 }
        if let program = setup.askPassword {
            return SystemdPrompt(monitor, signals.number, program: program, parent: parent).run()
        }
        let console = Console(monitor, signals.number, terminals: setup.terminals)
        // The terminals are open; from here on only what they and the monitor say is read.
        do throws(SystemError) {
            _ = try setup.confinement.enter(as: .console, parent: parent, endsGently: true)
        } catch {
            // A person at the console is no stranger: better a prompt with too many rights than none.
            monitor.log(.warning, "the console's prompt is not confined: \(error.description)")
        }
        let status = console.run()
        console.restore()
        return status
    }
}

/// The poll loop around the prompts.
final class Console {
    /// What may wait for a monitor that does not read, in bytes.
    static let largestQueue = 64 << 10
    /// More terminals than any machine prompts on; the sandbox leaves few descriptors to poll(2).
    private static let mostTerminals = 8
    /// The channel of all terminals.
    private static let channel: UInt8 = 1
    /// How long terminals have to send the last lines, in milliseconds.
    private static let lastWords: Int64 = 1000

    private let monitor: SessionEndpoint
    private let signals: Int32
    private var prompts: [Prompt] = []
    private var queue = PassphraseQueue()
    private var state: MachineState?
    /// The exit status, once the end has come.
    private var ending: Int32?

    /// Opens the terminals and asks the monitor for the state.
    init(_ monitor: SessionEndpoint, _ signals: Int32, terminals: [String]) {
        self.monitor = monitor
        self.signals = signals
        for path in terminals.prefix(Console.mostTerminals) {
            do throws(SystemError) {
                prompts.append(try Prompt(try TerminalDevice(path: path)))
            } catch { monitor.log(.warning, "no prompt on a console: \(error.description)") }
        }
        if prompts.isEmpty { monitor.log(.warning, "there is no terminal to prompt on") }
        send(.open(.unlock, terminal: true))
    }

    /// Sends the monitor a message; one that does not take it ends this process.
    private func send(_ message: SessionMessage) {
        guard case .sent = monitor.send(SessionFrame(message, channel: Console.channel)) else {
            ending = ending ?? 1
            return
        }
    }

    // MARK: - The loop

    /// Runs until the end.
    ///
    /// - Returns: the exit status.
    func run() -> Int32 {
        var waiting = PollSet()
        while true {
            receiveMessages()
            if let ending { return ending }
            let now = Clock.now()
            waiting.removeAll()
            let control = waiting.add(monitor.number, monitor.wants)
            let signal = waiting.add(signals, .readable)
            let terminals = prompts.map { prompt in
                let isWriting = prompt.device.wantsToWrite(now: now)
                return waiting.add(prompt.device.number, isWriting ? [.readable, .writable] : .readable)
            }
            let wakes = prompts.compactMap { $0.wakes(now: now) }.min()
            waiting.wait(milliseconds: wakes.map { max($0 - now, 0) })
            // Each of these signals means the end, but for a child's, which this process does not have.
            if !waiting.events(of: signal).isEmpty { return 0 }
            if waiting.events(of: control).contains(.writable), !monitor.flush() { return 1 }
            for (prompt, terminal) in zip(prompts, terminals) { serve(prompt, waiting.events(of: terminal)) }
            removeHungUpTerminals()
        }
    }

    private func serve(_ prompt: Prompt, _ events: PollSet.Events) {
        prompt.tick(now: Clock.now())
        if events.contains(.writable) { prompt.write() }
        let isClosed = !events.isDisjoint(with: .closed)
        guard events.contains(.readable) || isClosed else { return }
        // What was typed before a hang-up still counts.
        while prompt.read({ submit($0, from: prompt) }), isClosed {}
        if isClosed { prompt.device.hangUp() }
    }

    private func submit(_ line: SecretBytes, from prompt: Prompt) {
        guard state?.asking.isEmpty == false, queue.add(line, from: prompt) else { return prompt.redraw() }
        if queue.isFirst(of: prompt) { prompt.submitted() } else { prompt.redraw() }
        sendNext()
    }

    /// Removes the terminals that have hung up, so that the loop does not wait for what never ends.
    private func removeHungUpTerminals() {
        for prompt in prompts where prompt.device.isGone {
            monitor.log(.warning, "\(prompt.device.path) has hung up: no prompt there any more")
        }
        prompts.removeAll { $0.device.isGone }
    }

    // MARK: - The monitor

    /// Receives and handles what the monitor has sent.
    private func receiveMessages() {
        while ending == nil {
            switch monitor.receive() {
            case .nothing: return
            case .closed: ending = 0
            case .message(let frame): handle(frame.message)
            case .malformed(let error):
                monitor.log(.error, "a message that is none: \(error.description)")
                ending = 1
            }
        }
    }

    private func handle(_ message: MonitorMessage) {
        switch message {
        case .state(let state):
            self.state = state
            for prompt in prompts { prompt.update(state) }
        case .tried(let results, let retryAfter):
            queue.answered()?.tried(results, retryAfter: retryAfter)
            sendNext()
        case .finish(let code, let reason):
            for prompt in prompts { prompt.showEnd(code, reason: reason) }
            ending = 0
        case .network(let facts): for prompt in prompts { prompt.network(facts) }
        case .sessionSetup, .consoleSetup, .lines, .shellStarted, .shellEnded, .entries: break
        }
    }

    /// Sends the next passphrase, one at a time: the monitor takes none before its answer to the last one.
    private func sendNext() {
        while let next = queue.startNext() {
            if state?.asking.isEmpty == false {
                if next.isLater { next.prompt.submitted() }
                send(.passphrase(next.line))
                return
            }
            // What it was typed for has been opened by another prompt meanwhile.
            queue.answered()?.tried([], retryAfter: 0)
        }
    }

    // MARK: - The end

    /// Writes the last lines to every terminal and restores its settings. It waits for the terminals a second at most, so that
    /// a stopped serial line does not delay the boot.
    func restore() {
        for prompt in prompts { prompt.clear() }
        let deadline = Clock.now() + Console.lastWords
        var waiting = PollSet()
        while Clock.now() < deadline, prompts.contains(where: { !$0.device.isDrained }) {
            waiting.removeAll()
            for prompt in prompts where prompt.device.wantsToWrite(now: Clock.now()) {
                waiting.add(prompt.device.number, .writable)
            }
            // Nothing tells when the kernel has sent what it took (TIOCOUTQ), so that is looked at now and then.
            waiting.wait(milliseconds: 20)
            for prompt in prompts { prompt.device.flush() }
        }
        for prompt in prompts { prompt.device.restore() }
    }
}
