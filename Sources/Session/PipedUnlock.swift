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
    private var isRehearsal = false
    private var isAnswered = false

    /// - Throws: `SystemError` when there is no locked memory for a passphrase.
    init(_ channel: Channel, patience: Int64?, link: MonitorLink) throws(SystemError) {
        reader = try PassphraseInput()
        deadline = patience.map { Clock.now() + $0 }
        super.init(channel, .unlock, link: link)
    }

    override var wakeAt: Int64? { deadline }

    override func input(_ bytes: Span<UInt8>) {
        act(on: reader.take(bytes))
    }

    override func inputEnded() {
        act(on: reader.end())
    }

    override func wake(_ now: Int64) {
        guard let deadline, now >= deadline else { return }
        self.deadline = nil
        channel.say("No passphrase came on standard input.\n", asError: true)
        leave(.timedOut)
    }

    override func show(_ state: MachineState) {
        isRehearsal = state.rehearsal
    }

    override func show(_ results: [TryResult], retryAfter: UInt16) {
        say(Report.results(results, retryAfter: retryAfter, rehearsal: isRehearsal))
        isAnswered = true
    }

    override func showEnd(_ code: ExitCode, _ reason: String) {
        deadline = nil
        // The result has said why, where there is nothing to add.
        if isAnswered, code != .done, reason.isEmpty { return }
        say(Report.finish(code, reason: reason, rehearsal: isRehearsal))
    }

    private func say(_ texts: (out: String, err: String)) {
        channel.say(texts.out)
        channel.say(texts.err, asError: true)
    }

    private func act(on outcome: PassphraseInput.Outcome?) {
        guard let outcome else { return }
        deadline = nil
        switch outcome {
        case .passphrase(let secret): submit(secret)
        case .empty:
            channel.say("The passphrase on standard input is empty.\n", asError: true)
            leave(.usage)
        case .tooLong:
            channel.say("A passphrase has at most \(Limits.passphrase) bytes.\n", asError: true)
            leave(.usage)
        }
    }
}
