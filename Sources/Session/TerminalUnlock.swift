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
    private var ticker = Ticker()
    /// The newest picture, kept while the client has not read the ones before.
    private var unseen: MachineState?
    /// A line that was typed before there was a prompt.
    private var early: SecretBytes?
    private var isStarted = false

    /// How many bytes may wait for the client before pictures are left out.
    private static let backlog = 16 << 10

    /// - Throws: `SystemError` when there is no locked memory for a passphrase.
    init(_ channel: Channel, link: MonitorLink) throws(SystemError) {
        editor = try LineEditor()
        screen = Screen(columns: channel.terminal?.columns ?? 0)
        super.init(channel, .unlock, link: link)
    }

    override var wakeAt: Int64? { ticker.next }

    override func input(_ bytes: Span<UInt8>) {
        for index in bytes.indices where !channel.isOver {
            // While a passphrase is tried nothing is read ahead: it would be taken for the next one unseen.
            if isStarted, !screen.isPrompting {
                if bytes[index] == TerminalUnlock.interrupt || bytes[index] == TerminalUnlock.end { goAway() }
            } else if let event = editor.feed(bytes[index]) {
                act(on: event)
            }
        }
    }

    override func inputEnded() {
        goAway()
    }

    override func resized() {
        guard let terminal = channel.terminal else { return }
        screen.resize(columns: terminal.columns)
    }

    override func show(_ state: MachineState) {
        guard channel.queued < TerminalUnlock.backlog else {
            unseen = state
            return
        }
        unseen = nil
        isStarted = true
        draw(screen.show(state))
        if let line = early, screen.isPrompting { submitLine(line) }
        early = nil
    }

    override func show(_ results: [TryResult], retryAfter: UInt16) {
        draw(screen.tried(results, retryAfter: retryAfter))
    }

    override func showEnd(_ code: ExitCode, _ reason: String) {
        draw(screen.finish(code, reason: reason))
    }

    override func caughtUp() {
        if let state = unseen { show(state) }
    }

    override func wake(_ now: Int64) {
        // A line that the client has not read need not be drawn over.
        if let seconds = ticker.due(now: now), channel.queued == 0 { draw(screen.tick(seconds: seconds)) }
    }

    private func draw(_ bytes: [UInt8]) {
        channel.send(bytes)
        ticker.update(wanted: screen.wantsTicks, now: Clock.now())
    }

    private func act(on event: LineEditor.Event) {
        switch event {
        case .line(let line):
            if !isStarted {
                early = line
            } else if line.count == 0 {
                draw(screen.redraw())
            } else {
                submitLine(line)
            }
        case .interrupt, .end: goAway()
        case .tooLong: draw(screen.tooLong())
        }
    }

    private func submitLine(_ line: SecretBytes) {
        guard line.count > 0 else { return }
        submit(line)
        draw(screen.submitted())
        ticker.restart(now: Clock.now())
    }

    private func goAway() {
        channel.send(screen.clear())
        leave(.refused)
    }

    private static let interrupt: UInt8 = 0x03
    private static let end: UInt8 = 0x04
}
