internal import Linux
internal import SSH
internal import Terminal
internal import Wire

/// `unlock` at a terminal: the prompt, as often as it takes.
///
/// Leaving it with Ctrl-C, or Ctrl-D on an empty line, has exit code 6: nothing was unlocked by this login, by the
/// wish of the person.
final class TerminalUnlock: Conversation {
    private var editor: LineEditor
    private var screen: Screen
    /// The newest picture, kept while the client has not read the one before.
    private var unseen: MachineState?
    private var last: MachineState?
    /// When the passphrase was submitted that is being tried.
    private var submitted: Int64?
    private var nextTick: Int64?

    /// How many bytes may wait for the client before pictures are left out.
    private static let backlog = 16 << 10
    /// Milliseconds from one look at the clock to the next.
    private static let second: Int64 = 1000

    /// - Throws: `SystemError` when there is no locked memory for a passphrase.
    init(_ channel: Channel, link: MonitorLink) throws(SystemError) {
        editor = try LineEditor()
        screen = Screen(columns: channel.terminal?.columns ?? 80)
        super.init(channel, .unlock, link: link)
    }

    override var wakeAt: Int64? { nextTick }

    override func input(_ bytes: Span<UInt8>) {
        for index in bytes.indices where !channel.isOver {
            // While a passphrase is tried nothing is read ahead: it would be taken for the next one unseen.
            if submitted != nil, bytes[index] != 0x03 { continue }
            if let event = editor.feed(bytes[index]) { act(on: event) }
        }
    }

    override func inputEnded() {
        goAway()
    }

    override func show(_ state: MachineState) {
        last = state
        guard channel.queued < TerminalUnlock.backlog else {
            unseen = state
            return
        }
        unseen = nil
        channel.send(screen.show(state))
    }

    override func show(_ results: [TryResult], retryAfter: UInt16) {
        submitted = nil
        nextTick = nil
        channel.send(screen.tried(results, retryAfter: retryAfter))
    }

    override func showEnd(_ code: ExitCode, _ reason: String) {
        nextTick = nil
        channel.send(screen.finish(code, reason: reason))
    }

    override func caughtUp() {
        if let state = unseen { show(state) }
    }

    override func wake(_ now: Int64) {
        guard let tick = nextTick, now >= tick, let submitted else { return }
        nextTick = now + TerminalUnlock.second
        // A picture that the client has not read need not be drawn over.
        guard channel.queued == 0 else { return }
        channel.send(screen.tick(seconds: UInt32(clamping: (now - submitted) / TerminalUnlock.second)))
    }

    private func act(on event: LineEditor.Event) {
        switch event {
        case .line(let secret):
            guard secret.count > 0 else { return promptAgain() }
            let now = Clock.now()
            submitted = now
            nextTick = now + TerminalUnlock.second
            submit(secret)
            channel.send(screen.submitted())
        case .interrupt, .end: goAway()
        case .tooLong:
            channel.say("\nA passphrase has at most \(Limits.passphrase) bytes.\n")
            promptAgain()
        }
    }

    private func promptAgain() {
        if let last { show(last) }
    }

    private func goAway() {
        channel.say("\n")
        leave(.refused)
    }
}
