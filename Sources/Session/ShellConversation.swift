internal import Linux
internal import SSH
internal import Terminal
internal import Wire

/// `shell`: the monitor runs one, and this carries bytes between it and the client, and nothing else.
///
/// What the client has not read is left in the shell's terminal or pipes; what the shell has not read is left with libssh, and
/// the client's window closes.
final class ShellConversation: Conversation {
    /// The master of the shell's terminal; or the other ends of its standard input, output and error.
    private var ends: PassedDescriptors?
    /// Of the client's input, what the shell has not taken.
    private var untaken: [UInt8] = []
    /// Whether the client's input has ended, and whether the shell has been told.
    private var hasEnded = false
    private var isEndTold = false
    private var outcome: Outcome?
    private var host = ""

    private struct Outcome {
        let status: UInt8
        let signal: UInt8
        let reason: String
    }

    /// How many bytes may wait for the client before no more are read from the shell.
    private static let backlog = 64 << 10
    /// How many are read at once.
    private static let piece = 16 << 10
    /// Ctrl-D, at which a terminal ends what is typed.
    private static let endOfInput: UInt8 = 0x04

    override init(_ channel: Channel, _ command: Command, monitor: SessionEndpoint) {
        super.init(channel, command, monitor: monitor)
        resized()
    }

    private var hasTerminal: Bool { channel.terminal != nil }

    // MARK: What the client does

    override func resized() {
        guard let terminal = channel.terminal else { return }
        let type = channel.terminalType
        tell(
            .terminal(
                type: ShellTerminal.isType(type) ? type : ShellTerminal.plain,
                columns: UInt16(clamping: terminal.columns), rows: UInt16(clamping: terminal.rows)))
    }

    override func signalled(_ name: String) {
        if let number = ShellSignal.number(of: name) { tell(.signal(number)) }
    }

    override func input(_ bytes: Span<UInt8>) {
        for index in bytes.indices { untaken.append(bytes[index]) }
        writeInput()
        channel.holdsInput = !untaken.isEmpty
    }

    override func inputEnded() {
        hasEnded = true
        writeInput()
    }

    // MARK: What the monitor says

    override func showState(_ state: MachineState) { host = state.host }

    override func showEnd(_ code: ExitCode, _ reason: String) {
        channel.say(Report.end(code, reason: reason, rehearsal: false, continues: false).err, asError: true)
    }

    override func shellStarted() {
        guard let passed = takeDescriptors(), passed.numbers.count == (hasTerminal ? 1 : 3) else {
            channel.say("The shell did not come through.\n", asError: true)
            return end(.internalError)
        }
        ends = passed
        if hasTerminal, command == .shell { channel.say(Report.shellBanner(host)) }
    }

    override func shellEnded(_ status: UInt8, _ signal: UInt8, _ reason: String) {
        outcome = Outcome(status: status, signal: signal, reason: reason)
    }

    // MARK: The shell

    /// The places of what it prints among the ends.
    private var outputs: Range<Int> { hasTerminal ? 0..<1 : 1..<3 }

    override func wait(in set: inout PollSet) {
        guard let ends else { return }
        let reads = channel.queued < ShellConversation.backlog
        for (place, number) in ends.numbers.enumerated() where number >= 0 {
            var events: PollSet.Events = []
            if reads, outputs.contains(place) { events.insert(.readable) }
            if place == 0, !untaken.isEmpty { events.insert(.writable) }
            // One from which nothing is wanted would say that its other end is gone, again and again.
            if !events.isEmpty { set.add(number, events) }
        }
    }

    override func carry() {
        guard !channel.isOver else { return }
        writeInput()
        while untaken.isEmpty, channel.held > 0 {
            untaken = channel.takeHeld()
            writeInput()
        }
        channel.holdsInput = !untaken.isEmpty
        let isDry = readOutput()
        guard let outcome, isDry else { return }
        if !outcome.reason.isEmpty { channel.say((hasTerminal ? "\n" : "") + outcome.reason + "\n", asError: true) }
        let name = ShellSignal.name(of: outcome.signal) ?? ""
        ends = nil
        channel.exit(status: outcome.status, signal: name)
    }

    /// Queues what the shell has printed for the client, as far as it may wait.
    ///
    /// - Returns: whether that is all.
    private func readOutput() -> Bool {
        guard let ends else { return true }
        for place in outputs {
            while ends.isOpen(place) {
                guard channel.queued < ShellConversation.backlog else { return false }
                guard let bytes = ends.read(place, most: ShellConversation.piece) else { break }
                if bytes.isEmpty { ends.close(place) }
                channel.send(bytes, asError: place == 2)
            }
        }
        return true
    }

    /// Hands the shell what it takes of the client's input, and then its end.
    private func writeInput() {
        guard let ends else { return }
        while !untaken.isEmpty, ends.isOpen(0) {
            guard let count = ends.write(0, untaken) else {
                // Of a terminal the reading end is the same one.
                if !hasTerminal { ends.close(0) }
                untaken = []
                break
            }
            guard count > 0 else { return }
            untaken.removeFirst(count)
        }
        if !ends.isOpen(0) { untaken = [] }
        guard hasEnded, !isEndTold, untaken.isEmpty, channel.held == 0 else { return }
        isEndTold = true
        if hasTerminal { untaken = [ShellConversation.endOfInput] } else { ends.close(0) }
    }
}
