internal import Linux
internal import SSH
internal import Terminal
internal import Wire

/// `unlock` without a terminal: one passphrase from standard input, one try, results on standard output and errors on
/// standard error.
final class PipedUnlock: Conversation {
    private var reader: PassphraseInput
    /// When the passphrase has to have come.
    private var deadline: Int64?
    /// When to say what is waited for, in case a person sits there.
    private var hintAt: Int64?
    /// The newest state.
    private var state: MachineState?
    /// Whether the monitor has the passphrase, and has not answered.
    private var isTrying = false
    private var isAnswered = false
    /// Whether it was said that the brake holds it.
    private var isHeld = false
    /// What the passphrase had about it.
    private var mark: TextMark?
    /// Whether the words of Debian's cryptroot-unlock are still to be said.
    private var asksAsDebian: Bool

    /// Milliseconds without any input after which that is said.
    private static let silence: Int64 = 1000

    /// `command` is `unlock` in one of its forms. `debians` says that scripts may wait for what Debian's cryptroot-unlock
    /// prints.
    ///
    /// - Throws: `SystemError` when there is no locked memory for a passphrase.
    init(
        _ channel: Channel, _ command: Command, patience: Int64?, debians: Bool, monitor: SessionEndpoint
    ) throws(SystemError) {
        reader = try PassphraseInput()
        let now = Clock.now()
        deadline = patience.map { now + $0 }
        hintAt = now + PipedUnlock.silence
        asksAsDebian = debians
        super.init(channel, command, monitor: monitor)
    }

    override var wakeAt: Int64? {
        guard let hintAt else { return deadline }
        return min(hintAt, deadline ?? hintAt)
    }

    override func input(_ bytes: Span<UInt8>) {
        hintAt = nil
        act(on: reader.add(bytes))
    }

    override func inputEnded() {
        hintAt = nil
        act(on: reader.end())
    }

    override func wake(_ now: Int64) {
        if let hintAt, now >= hintAt {
            self.hintAt = nil
            channel.say(Report.awaited, asError: true)
        }
        guard let deadline, now >= deadline else { return }
        self.deadline = nil
        channel.say(Report.noInput, asError: true)
        end(.timedOut)
    }

    override func showState(_ state: MachineState) {
        if self.state == nil { channel.say(Report.warning(state), asError: true) }
        self.state = state
        if asksAsDebian, !isTrying, !isAnswered {
            let prompt = Report.debianPrompt(state)
            asksAsDebian = prompt.isEmpty
            channel.say(prompt)
        }
        guard isTrying else { return }
        if !isHeld { channel.say(Report.held(state), asError: true) }
        isHeld = state.wait > 0
    }

    override func showResults(_ results: [TryResult], retryAfter: UInt16) {
        say(Report.results(results, retryAfter: retryAfter, rehearsal: state?.rehearsal ?? false))
        channel.say(Report.mark(mark, results), asError: true)
        isTrying = false
        isAnswered = true
    }

    override func showEnd(_ code: ExitCode, _ reason: String) {
        (deadline, hintAt) = (nil, nil)
        // The result has said why, where there is nothing to add.
        if isAnswered, code != .done || !goesOn(state), reason.isEmpty { return }
        say(
            Report.end(
                code, reason: reason, rehearsal: state?.rehearsal ?? false, continues: goesOn(state)))
    }

    private func say(_ texts: (out: String, err: String)) {
        channel.say(texts.out)
        channel.say(texts.err, asError: true)
    }

    private func act(on outcome: PassphraseInput.Outcome?) {
        guard let outcome else { return }
        deadline = nil
        switch outcome {
        case .passphrase(let secret):
            mark = TextMark(of: secret)
            isTrying = true
            submit(secret)
        case .empty:
            channel.say(Report.emptyInput, asError: true)
            end(.usage)
        case .tooLong:
            channel.say(Report.longInput, asError: true)
            end(.usage)
        }
    }
}
