import CSession
import Linux
import Wire

/// The monitor's end: it judges all that the session says, and answers.
final class MonitorEnd {
    private var socket: FrameSocket?
    private var permits = PermitTable()
    private var open: [UInt8: Bool] = [:]
    /// The shells' ends of what their sessions have, by channel.
    private var shells: [UInt8: PassedDescriptors] = [:]
    private let signer: SignerEnd
    /// Whether a passphrase has opened the volume.
    private(set) var hasOpened = false
    /// Whether a shell has had something to print.
    private(set) var hasEchoed = false
    /// Whether it answers by itself.
    private let answers: Bool

    init(_ descriptor: consuming FileDescriptor, signer: SignerEnd, answers: Bool) {
        socket = FrameSocket(descriptor, largestFrame: Limits.frameFromSession, largestQueue: 1 << 20)
        self.signer = signer
        self.answers = answers
    }

    func send(_ message: MonitorMessage, _ channel: UInt8 = 0, _ descriptors: PassedDescriptors? = nil) {
        guard let body = try? message.body(channel: channel) else { fatalError("it cannot be sent") }
        _ = socket?.send(body, descriptors)
    }

    func close() { socket = nil }

    /// Takes what the session has sent.
    ///
    /// - Returns: whether there was anything.
    func pump() -> Bool {
        var moved = false
        while let socket, case .frame(let body) = socket.receive() {
            guard let (channel, message) = try? SessionMessage.read(body) else { fatalError("no message") }
            trace("session: channel \(channel) \(message)")
            if case .forbidden(let reason) = permits.judge(channel, message) { fatalError(reason) }
            handle(message, channel)
            moved = true
        }
        if socket?.wantsToWrite == true { _ = socket?.flush() }
        for shell in shells.values { moved = echo(shell) || moved }
        return moved
    }

    private func handle(_ message: SessionMessage, _ channel: UInt8) {
        switch message {
        case .log(_, let line): checkPlain(line)
        case .authenticated(let key, let user):
            guard signer.login == Int(key) else { fatalError("a login that the signer does not know: key \(key)") }
            checkPlain(user)
        case .open(let command, let terminal):
            open[channel] = terminal
            guard answers else { break }
            send(.state(state(1)), channel)
            start(command, channel, terminal)
        case .passphrase(let secret):
            let first = secret.withUnsafeBytes { $0.first ?? 0 }
            guard answers else { break }
            permits.answered(channel)
            let outcome: TryResult.Outcome = first & 1 == 1 ? .opened : first & 2 == 2 ? .wrong : .failed
            hasOpened = hasOpened || outcome == .opened
            send(.tried([TryResult(name: "root", outcome: outcome, detail: "d")], retryAfter: 1), channel)
            if open[channel] == false || outcome == .opened { endChannel(channel, .done) }
        case .inputEnded:
            // The channel may be finished: the session did not know.
            guard open[channel] == true, answers else { break }
            endChannel(channel, .wrongPassphrase)
        case .terminal(let type, _, _): checkPlain(type)
        case .signal(let number): if !(1..<32).contains(number) { fatalError("no signal: \(number)") }
        case .close:
            open[channel] = nil
            shells[channel] = nil
        }
    }

    /// What the monitor does for each command.
    private func start(_ command: Command, _ channel: UInt8, _ terminal: Bool) {
        switch command {
        case .unlock, .unlockOnly, .help: break
        case .status: endChannel(channel, .done)
        case .log(let follow):
            send(.lines(["2026-11-28 one", "two\u{1b}[2J"]), channel)
            if !follow { endChannel(channel, .done) }
        case .entries: sendEntries(channel)
        case .goOn: send(.finish(.refused, reason: "The boot cannot do without: root."), channel)
        case .reboot, .rebootInto, .powerOff: endChannel(channel, .done)
        case .shell, .shellCommand: startShell(channel, terminal ? 1 : 3)
        }
    }

    private func sendEntries(_ channel: UInt8) {
        send(
            .entries([BootEntry(id: "a.conf", isCurrent: true), BootEntry(id: "b\u{9b}\"\\.conf", isNext: true)]),
            channel)
        endChannel(channel, .done)
    }

    private func startShell(_ channel: UInt8, _ count: Int) {
        var (theirs, ours): ([Int32], [Int32]) = ([], [])
        for _ in 0..<count {
            var ends: [Int32] = [-1, -1]
            guard fuzz_socket_pair(&ends) else { fatalError("no sockets") }
            theirs.append(ends[0])
            ours.append(ends[1])
        }
        shells[channel] = PassedDescriptors(owning: ours)
        send(.shellStarted, channel, PassedDescriptors(owning: theirs))
    }

    /// A shell that prints what it reads, on its standard error, too, if it has one.
    ///
    /// - Returns: whether there was anything.
    private func echo(_ shell: PassedDescriptors) -> Bool {
        guard shell.isOpen(0), let bytes = shell.read(0, most: 4096) else { return false }
        if bytes.isEmpty {
            shell.close(0)
            return true
        }
        hasEchoed = true
        for place in shell.numbers.indices.dropFirst(shell.numbers.count == 1 ? 0 : 1) { _ = shell.write(place, bytes) }
        return true
    }

    private func endChannel(_ channel: UInt8, _ code: ExitCode) {
        send(.finish(code, reason: ""), channel)
        open[channel] = nil
        shells[channel] = nil
    }

    /// What the monitor does of its own accord.
    func act(_ what: UInt8, _ channel: UInt8) {
        switch what & 15 {
        case 0, 1: send(.state(state(Int(what >> 3) + 1)), channel)
        case 2:
            permits.answered(channel)
            let results = (0...what >> 3).map { number in
                TryResult(name: "v\(number)", outcome: .init(rawValue: number & 3) ?? .wrong, detail: "\u{1b}[2J")
            }
            send(.tried(results, retryAfter: UInt16(what)), channel)
        case 3: send(.finish(ExitCode(rawValue: what >> 3 & 7) ?? .done, reason: "Why\r\n\u{7}not."), channel)
        case 4: send(.finish(.done, reason: "The boot goes on."), 0)
        case 5: send(.state(state(Limits.items)), channel)
        case 6: for _ in 0...what { send(.state(state(8)), channel) }
        case 7: close()
        case 8: send(.lines((0...what >> 4).map { "line \($0)\u{1b}]0;x\u{7}" }), channel)
        case 9: sendEntries(channel)
        // With one descriptor or three, whatever the channel has; or with none.
        case 10: startShell(channel, what >> 4 & 1 == 0 ? 1 : 3)
        case 11: send(.shellStarted, channel)
        case 12:
            send(
                .shellEnded(status: what, signal: what >> 4, reason: what & 16 == 0 ? "" : "The boot continues."),
                channel)
        case 13:
            if let shell = shells[channel] {
                _ = shell.write(shell.numbers.count - 1, Array(repeating: what, count: 9000))
            }
        case 14: shells[channel]?.close(Int(what >> 4) % (shells[channel]?.numbers.count ?? 1))
        default: shells[channel] = nil
        }
    }

    private func state(_ count: Int) -> MachineState {
        var volumes: [VolumeStatus] = []
        for number in 0..<count {
            let state = VolumeState(rawValue: UInt8(number % 9)) ?? .locked
            volumes.append(
                VolumeStatus(
                    name: number == 0 ? "root" : "v\(number)\u{1b}]0;x\u{7}", device: "UUID=\(number)",
                    state: number == 0 ? .locked : state, detail: "é\u{9b}2J", asks: number % 9 == 0, required: true,
                    seconds: UInt32(number)))
        }
        return MachineState(
            host: "fuzz", waiting: 1, rehearsal: count == 2, continues: count == 3, wait: UInt32(count % 5),
            volumes: volumes, notices: ["One."])
    }
}

/// What reaches a log or another process has no control characters.
private func checkPlain(_ text: String) {
    let isPlain = text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7f }
    guard isPlain else { fatalError("it is not plain: \(text.debugDescription)") }
}
