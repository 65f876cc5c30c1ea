import CLinux
import Foundation
import Glibc
import Linux
import Wire

/// One session process, and the monitor's side of its socket.
final class FakeSession: @unchecked Sendable {
    let process: Int32
    /// The process with the host keys, and what it says.
    let signer: Int32
    private let signerEnd: Endpoint<SignerSetup, SignerReport>
    private let monitor: FakeMonitor
    private let socket: FrameSocket
    private let lock = NSRecursiveLock()
    private var permits = PermitTable()
    private var channels: [UInt8: (command: Command, terminal: Bool)] = [:]
    /// The channels whose last passphrase was answered, and was wrong.
    private var wrong: Set<UInt8> = []
    private var pending: [(at: Int64, work: () -> Void)] = []
    private var shells: [UInt8: Shell] = [:]

    init(_ client: Int32, monitor: FakeMonitor) throws {
        let ends = try FileDescriptor.socketPair()
        let signerEnds = try FileDescriptor.socketPair()
        let between = try FileDescriptor.socketPair()
        process = try spawn(FakeMonitor.binary, "session", [ends.second.number, client, between.first.number])
        signer = try spawn(FakeMonitor.binary, "signer", [signerEnds.second.number, between.second.number])
        signerEnd = Endpoint(
            signerEnds.takeFirst(), largestFrame: Limits.frameFromSession, largestQueue: 1 << 20)
        socket = FrameSocket(ends.takeFirst(), largestFrame: Limits.frameFromSession, largestQueue: 1 << 20)
        self.monitor = monitor
    }

    func kill() { Glibc.kill(process, SIGKILL) }

    func hangUp() { shutdown(socket.number, Int32(SHUT_RDWR)) }

    func serve() {
        let setup = monitor.setup
        signerEnd.send(SignerSetup(confinement: setup.confinement, hostKeys: monitor.hostKeys, rules: setup.rules))
        send(.sessionSetup(setup))
        while step() {}
        var status: Int32 = 0
        waitpid(process, &status, 0)
        signerEnd.shutDown()
        var signersStatus: Int32 = 0
        waitpid(signer, &signersStatus, 0)
        if signersStatus != 0 { monitor.record(.log("the signer ended with \(signersStatus)")) }
        monitor.record(.ended(status: status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + (status & 0x7F)))
    }

    func sendState(_ state: MachineState) {
        lock.withLock { for channel in channels.keys { send(.state(state), channel) } }
    }

    func endChannels(_ code: ExitCode, _ reason: String) {
        lock.withLock {
            for channel in channels.keys { send(.finish(code, reason: reason), channel) }
            channels = [:]
        }
    }

    private func step() -> Bool {
        let now = Clock.now()
        lock.withLock {
            let due = pending.filter { $0.at <= now }
            pending.removeAll { $0.at <= now }
            for item in due { item.work() }
        }
        var waiting = pollfd(fd: socket.number, events: Int16(POLLIN), revents: 0)
        let next = lock.withLock { pending.map { $0.at }.min() }
        poll(&waiting, 1, Int32(next.map { max($0 - now, 0) + 1 } ?? -1))
        while true {
            switch socket.receive() {
            case .nothing: return true
            case .closed: return false
            case .frame(let body):
                guard let (channel, message) = try? SessionMessage.read(body) else { return false }
                lock.withLock { handle(message, channel) }
            }
        }
    }

    private func handle(_ message: SessionMessage, _ channel: UInt8) {
        if case .forbidden(let reason) = permits.judge(channel, message) {
            monitor.record(.forbidden(reason))
            kill()
            return
        }
        switch message {
        case .log(_, let line): monitor.record(.log(line))
        case .authenticated(let key, let user):
            // As the monitor has it: the signer says it first.
            guard case .authenticated(key, user)? = signerEnd.next() else {
                monitor.record(.forbidden("a login that its signer does not know of"))
                kill()
                return
            }
            monitor.record(.authenticated(key: key, user: user))
        case .open(let command, let terminal):
            monitor.record(.open(channel: channel, command, terminal: terminal))
            channels[channel] = (command, terminal)
            send(.state(FakeMonitor.state()), channel)
            if case .status = command { endChannel(channel, .done) }
            if command.isShell, !terminal { startShell(channel, command, type: nil, Shell.Size(columns: 0, rows: 0)) }
        case .terminal(let type, let columns, let rows):
            let size = Shell.Size(columns: columns, rows: rows)
            if let shell = shells[channel] { return shell.resize(size) }
            if let command = channels[channel]?.command { startShell(channel, command, type: type, size) }
        case .signal(let number): shells[channel]?.signal(Int32(number))
        case .passphrase(let secret):
            let text = secret.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
            monitor.record(.passphrase(text))
            wrong.remove(channel)
            pending.append((Clock.now() + monitor.tryTime, { [self] in tried(text, channel) }))
        case .inputEnded:
            monitor.record(.inputEnded(channel: channel))
            channels[channel]?.terminal = false
            if wrong.contains(channel) { endChannel(channel, .wrongPassphrase) }
        case .close:
            monitor.record(.close(channel: channel))
            shells[channel]?.hangUp()
            channels[channel] = nil
        }
    }

    /// Runs a shell on this machine, as the monitor does in an initrd.
    private func startShell(_ channel: UInt8, _ command: Command, type: String?, _ size: Shell.Size) {
        var line: String?
        if case .shellCommand(let text) = command { line = text }
        let environment = ["PATH=/usr/bin:/bin", "PS1=PROMPT ", "TERM=\(type ?? "")"]
        var ends: PassedDescriptors?
        do {
            let shell =
                type == nil
                ? try Shell(line, environment: environment, ends: &ends)
                : try Shell(line, environment: environment, size: size, ends: &ends)
            shells[channel] = shell
            guard let body = try? MonitorMessage.shellStarted.body(channel: channel) else { return }
            _ = socket.send(body, ends)
            awaitEnd(of: shell, channel)
        } catch { endChannel(channel, .internalError, "\(error)") }
    }

    private func awaitEnd(of shell: Shell, _ channel: UInt8) {
        guard let exited = ChildProcess.exited(shell.process) else {
            return pending.append((Clock.now() + 10, { [self] in awaitEnd(of: shell, channel) }))
        }
        shells[channel] = nil
        shell.hangUp()
        send(.shellEnded(status: UInt8(exited.status), signal: UInt8(exited.signal), reason: ""), channel)
    }

    private func tried(_ text: String, _ channel: UInt8) {
        permits.answered(channel)
        guard let asked = channels[channel] else { return }
        let opens = text == monitor.passphrase
        send(.tried([TryResult(name: "root", outcome: opens ? .opened : .wrong)], retryAfter: opens ? 0 : 1), channel)
        if opens {
            monitor.sendState(FakeMonitor.state(.open, continues: true))
            monitor.endChannels(.done, "")
        } else if let code = FakeSession.codes[text] {
            endChannel(channel, code, "As asked.")
        } else if asked.terminal {
            wrong.insert(channel)
            send(.state(FakeMonitor.state()), channel)
        } else {
            endChannel(channel, .wrongPassphrase)
        }
    }

    /// Passphrases that stand for an outcome.
    private static let codes: [String: ExitCode] = [
        "internal": .internalError, "partly": .partly, "missing": .deviceMissing, "late": .timedOut,
        "refused": .refused,
    ]

    private func endChannel(_ channel: UInt8, _ code: ExitCode, _ reason: String = "") {
        send(.finish(code, reason: reason), channel)
        channels[channel] = nil
    }

    private func send(_ message: MonitorMessage, _ channel: UInt8 = 0) {
        guard let body = try? message.body(channel: channel) else { return }
        // A session that is short of the processor reads late, and is to miss nothing.
        let end = Clock.now() + 60_000
        while true {
            // What did not fit waits in the socket's queue, and a full queue takes nothing more.
            let isSent = lock.withLock { socket.flush() && socket.send(body) }
            guard !isSent, socket.wantsToWrite, Clock.now() < end else { return }
            usleep(1000)
        }
    }
}

/// Starts a program with one argument and `descriptors` at 3, 4 and so on, as the monitor starts its children.
func spawn(_ path: String, _ argument: String, _ descriptors: [Int32]) throws -> Int32 {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    let high = descriptors.map { fcntl($0, F_DUPFD_CLOEXEC, 100) }
    defer { for descriptor in high { close(descriptor) } }
    for (index, descriptor) in high.enumerated() {
        posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(3 + index))
    }
    let words = strings(["postern", argument])
    let environment = strings(["OPENSSL_CONF=/dev/null", "OPENSSL_MODULES=/nonexistent", "MALLOC_ARENA_MAX=1"])
    defer { for word in words + environment { free(word) } }
    var id: pid_t = 0
    let code = posix_spawn(&id, path, &actions, nil, words, environment)
    guard code == 0 else { throw SystemError("posix_spawn(\(path))", code: code) }
    return id
}

/// A null-terminated list as C has it, to be freed.
func strings(_ texts: [String]) -> [UnsafeMutablePointer<CChar>?] {
    texts.map { strdup($0) } + [nil]
}
