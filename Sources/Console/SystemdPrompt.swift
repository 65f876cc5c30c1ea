internal import CLinux
internal import Linux
internal import Terminal
internal import Wire

/// The prompt in a systemd initrd: a child, systemd-ask-password(1), whose question Plymouth and every console show.
///
/// The question stands as long as something waits for a passphrase: it is not asked anew when another prompt opens a part
/// of it, for somebody may be in the middle of typing. This process keeps its user, since only root may ask, without
/// capabilities; what it reads is typed at the machine or comes from the monitor.
final class SystemdPrompt {
    /// How long to wait before asking again when the child ended without an answer, in milliseconds: Ctrl-C and Plymouth's
    /// escape key do that. It doubles up to the longest when the child cannot ask at all.
    private static let shortestPause: Int64 = 500
    private static let longestPause: Int64 = 30_000
    /// How long a child that is asked to end may take, in milliseconds.
    private static let patience: Int64 = 2_000
    private static let channel: UInt8 = 1
    /// How long the console may take for what is printed in passing, in milliseconds.
    private static let consoleGrace: Int64 = 1_000
    /// So many questions in a row that ended at once were not asked.
    private static let mostQuickEnds = 5

    private let monitor: SessionEndpoint
    private let signals: Int32
    private let program: String
    private var child: Child?
    private var state: MachineState?
    /// The monitor has a passphrase of ours, and has not answered.
    private var isTrying = false
    private var last: [TryResult] = []
    private var wasTooLong = false
    private var pause = SystemdPrompt.shortestPause
    private var pausedUntil: Int64 = 0
    private var complaints = 0
    private var quickEnds = 0
    private var ending: Int32?

    /// systemd-ask-password, while its question stands.
    private final class Child {
        let process: StartedProcess
        let question: String
        let output: FileDescriptor
        let line: SecretBytes
        let started = Clock.now()
        var isTooLong = false

        init(_ process: StartedProcess, _ question: String, _ output: consuming FileDescriptor, _ line: SecretBytes) {
            self.process = process
            self.question = question
            self.output = output
            self.line = line
        }
    }

    init(_ monitor: SessionEndpoint, _ signals: Int32, program: String, parent: Int32) {
        self.monitor = monitor
        self.signals = signals
        self.program = program
        _ = linux_set_no_new_privileges()
        Capabilities.keep(only: [])
        _ = linux_limit_core(0)
        ChildProcess.endWithParent(parent, gently: true)
        send(.open(.unlock, terminal: true))
    }

    /// Sends the monitor a message; one that does not take it ends this process.
    private func send(_ message: SessionMessage) {
        guard case .sent = monitor.send(SessionFrame(message, channel: SystemdPrompt.channel)) else {
            ending = ending ?? 1
            return
        }
    }

    /// Runs until the end.
    ///
    /// - Returns: the exit status.
    func run() -> Int32 {
        var waiting = PollSet()
        while true {
            receiveMessages()
            if let ending {
                withdrawQuestion()
                return ending
            }
            let now = Clock.now()
            let wants = wantsToAsk
            if wants, child == nil, now >= pausedUntil { ask(now: now) }
            // Another prompt has opened the last of it: the question goes.
            if !wants { withdrawQuestion() }
            waiting.removeAll()
            let control = waiting.add(monitor.number, monitor.wants)
            let signal = waiting.add(signals, .readable)
            let answer = waiting.add(child?.output.number ?? -1, .readable)
            waiting.wait(milliseconds: wants && child == nil ? max(pausedUntil - now, 0) : nil)
            if !waiting.events(of: signal).isEmpty, isAskedToEnd() { ending = 0 }
            if waiting.events(of: control).contains(.writable), !monitor.flush() { ending = 1 }
            if !waiting.events(of: answer).isEmpty { readAnswer() }
        }
    }

    private func isAskedToEnd() -> Bool {
        var isAsked = false
        Signals.drain(signals, isAskedToEnd: &isAsked)
        return isAsked
    }

    private var wantsToAsk: Bool { state?.asking.isEmpty == false && !isTrying }

    // MARK: - The child

    private func ask(now: Int64) {
        guard let state else { return }
        let question = wasTooLong ? AskText.questionAgain(state) : AskText.question(state, after: last)
        do throws(SystemError) {
            let line = try SecretBytes(capacity: Limits.passphrase + 2)
            let pipe = try FileDescriptor.pipe()
            let process = try ChildProcess.spawn(
                [program, "--no-tty", "--timeout=0", "--id=postern", "--icon=drive-harddisk", "--", question],
                output: pipe.second.number)
            _ = linux_set_nonblocking(pipe.first.number)
            child = Child(process, question, pipe.takeFirst(), line)
        } catch { delayNextQuestion(error.description, now: now) }
    }

    private func delayNextQuestion(_ reason: String, now: Int64) {
        // A prompt that fails for ever fills no log.
        if complaints < 3 { monitor.log(.warning, "no question on the console: \(reason)") }
        complaints += 1
        pausedUntil = now + pause
        pause = min(pause * 2, SystemdPrompt.longestPause)
    }

    /// Reads what the child has written; at its end, that is the passphrase.
    private func readAnswer() {
        guard let child else { return }
        while true {
            var count: Int? = 0
            do throws(SystemError) {
                try unsafe child.line.fill { room throws(SystemError) -> Int in
                    count = unsafe try child.output.read(into: room)
                    return count ?? 0
                }
            } catch { count = 0 }
            guard let count else { return }
            if child.line.count == child.line.capacity {
                child.isTooLong = true
                child.line.removeAll()
                continue
            }
            if count == 0 { return questionEnded(child) }
        }
    }

    private func questionEnded(_ child: Child) {
        self.child = nil
        let status = reap(child)
        let line = child.line
        if line.count > 0, unsafe line.withUnsafeBytes({ unsafe $0[line.count - 1] }) == UInt8(ascii: "\n") {
            line.removeLast(1)
        }
        wasTooLong = child.isTooLong
        if wasTooLong { return }
        guard status == 0 else {
            let now = Clock.now()
            quickEnds = now - child.started < SystemdPrompt.shortestPause ? quickEnds + 1 : 0
            // It was taken away at the console, and is asked again. That takes a person some time: one that ends at once
            // again and again could not ask.
            if status == 1, quickEnds < SystemdPrompt.mostQuickEnds {
                pausedUntil = now + SystemdPrompt.shortestPause
            } else {
                delayNextQuestion("\(program) ended with status \(status)", now: now)
            }
            return
        }
        pause = SystemdPrompt.shortestPause
        quickEnds = 0
        last = []
        // An empty one is no answer.
        guard line.count > 0 else { return }
        isTrying = true
        send(.passphrase(line))
    }

    /// Withdraws the question.
    private func withdrawQuestion() {
        guard let child else { return }
        self.child = nil
        ChildProcess.terminate(child.process)
        _ = reap(child)
    }

    /// Waits for the child, which is at its end, and ends it if it is not.
    ///
    /// - Returns: its exit status.
    private func reap(_ child: Child) -> Int32 {
        let deadline = Clock.now() + SystemdPrompt.patience
        var waiting = PollSet()
        while true {
            if let exited = ChildProcess.exited(child.process) { return exited.status }
            let now = Clock.now()
            if now >= deadline {
                ChildProcess.kill(child.process)
                ChildProcess.wait(for: child.process)
                return 128 + SIGKILL
            }
            // SIGCHLD tells; what else has come stays for the loop.
            waiting.removeAll()
            waiting.add(signals, .readable)
            waiting.wait(milliseconds: deadline - now)
            if isAskedToEnd() { ending = 0 }
        }
    }

    // MARK: - The monitor

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
        case .state(let state): self.state = state
        case .tried(let results, _):
            isTrying = false
            last = results
            printOnConsole(AskText.opened(results))
        case .finish(let code, let reason):
            withdrawQuestion()
            printOnConsole(AskText.end(code, reason: reason))
            ending = 0
        case .network(let facts): printOnConsole(facts.map(NetworkText.line))
        case .sessionSetup, .consoleSetup, .lines, .shellStarted, .shellEnded, .entries: break
        }
    }

    /// Prints lines on the system's console. While another program writes there, such as systemd's own agent that takes its
    /// question away, the kernel refuses to write without waiting; a console that takes nothing is given up after a second.
    private func printOnConsole(_ lines: [String]) {
        guard !lines.isEmpty,
            let console = try? FileDescriptor.open("/dev/console", O_WRONLY | O_NOCTTY | O_NONBLOCK)
        else { return }
        var text: [UInt8] = [0x0D, 0x0A]
        for line in lines { text += Array(line.utf8) + [0x0D, 0x0A] }
        // The question has scrolled up, and what is typed still answers it.
        if let child { text += Array("\(child.question) ".utf8) }
        let deadline = Clock.now() + SystemdPrompt.consoleGrace
        var pause = PollSet()
        do throws(SystemError) {
            while !text.isEmpty {
                let taken = try unsafe text.withUnsafeBufferPointer { bytes throws(SystemError) -> Int? in
                    unsafe try console.write(UnsafeRawBufferPointer(bytes))
                }
                text.removeFirst(taken ?? 0)
                guard !text.isEmpty, Clock.now() < deadline else { return }
                // poll(2) tells of room, and not of another that writes.
                pause.wait(milliseconds: 20)
            }
        } catch {}
    }
}
