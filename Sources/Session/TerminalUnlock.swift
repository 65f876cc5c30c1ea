internal import Linux
internal import SSH
internal import Terminal
internal import Wire

/// `unlock` at a terminal: the prompt, as often as it takes.
///
/// It ends in one of four ways. The boot goes on. Ctrl-C, or Ctrl-D on an empty line, leaves with exit code 6: nothing
/// more was unlocked by this login, by the wish of the person. The client's input ends, which is a pipe behind `ssh -tt`
/// and never a person: what it has sent last is submitted, finished or not, and its result has the exit code that it has
/// without a terminal. Or the connection is lost: a line that was not finished is forgotten.
final class TerminalUnlock: Conversation {
    private var editor: LineEditor
    private var screen: Screen
    private var ticker = Ticker()
    /// The newest state, and whether it is not shown while the client has not read the ones before.
    private var state: MachineState?
    private var isBehind = false
    /// The first line that was typed before there was a prompt.
    private var early: SecretBytes?
    private var isStarted = false
    /// How far the passphrases of this terminal have come.
    private var stage = Stage.none
    /// What the last one had about it.
    private var mark: TextMark?
    private var hasEnded = false

    private enum Stage {
        case none
        /// A line was over the limit, and no other one came.
        case tooLong
        case trying
        case answered
    }

    /// How many bytes may wait for the client before pictures are left out.
    private static let backlog = 16 << 10

    /// `command` is `unlock` in one of its forms. `debians` says that the prompt is in the words of Debian's
    /// cryptroot-unlock, and `isForced` that the key may do nothing else.
    ///
    /// - Throws: `SystemError` when there is no locked memory for a passphrase.
    init(
        _ channel: Channel, _ command: Command, debians: Bool, isForced: Bool, monitor: SessionEndpoint
    ) throws(SystemError) {
        editor = try LineEditor()
        screen = Screen(
            columns: channel.terminal?.columns ?? 0, debians: debians, saysMore: !debians && !isForced)
        super.init(channel, command, monitor: monitor)
    }

    override var wakeAt: Int64? { ticker.next }

    override func input(_ bytes: Span<UInt8>) {
        for index in bytes.indices where !channel.isOver {
            // While a passphrase is tried nothing is read ahead: it would be taken for the next one unseen.
            if stage == .trying {
                if bytes[index] == TerminalUnlock.interrupt || bytes[index] == TerminalUnlock.end { goAway() }
            } else if let event = editor.feed(bytes[index]) {
                act(on: event)
            }
        }
    }

    override func inputEnded() {
        guard !hasEnded else { return }
        hasEnded = true
        if stage != .trying {
            let event = editor.inputEnded()
            if case .end = event {} else { act(on: event) }
        }
        if isStarted { end() }
    }

    /// Nothing more comes: the last passphrase is all that is waited for.
    private func end() {
        if let line = early { submitLine(line) }
        switch stage {
        case .trying, .answered: sayInputEnded()
        case .tooLong: end(.usage)
        case .none:
            draw(screen.showLastLine(String(Report.emptyInput.dropLast())))
            end(.usage)
        }
    }

    override func resized() {
        guard let terminal = channel.terminal else { return }
        screen.resize(columns: terminal.columns)
    }

    override func showState(_ state: MachineState) {
        self.state = state
        isBehind = channel.queued >= TerminalUnlock.backlog
        guard !isBehind else { return }
        draw(screen.showState(state))
        if let line = early, screen.isPrompting { submitLine(line) }
        let isFirst = !isStarted
        isStarted = true
        if isFirst, hasEnded { end() }
    }

    override func showResults(_ results: [TryResult], retryAfter: UInt16) {
        stage = .answered
        draw(screen.tried(results, retryAfter: retryAfter, mark: mark))
    }

    override func showEnd(_ code: ExitCode, _ reason: String) {
        // The result has said why, where there is nothing to add.
        let isSaid = hasEnded && stage == .answered && code != .done && reason.isEmpty
        draw(isSaid ? screen.clear() : screen.showEnd(code, reason: reason, continues: goesOn(state)))
    }

    override func caughtUp() {
        if isBehind, let state { showState(state) }
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
            if line.count == 0 {
                if isStarted { draw(screen.redraw()) }
            } else if isStarted, screen.isPrompting {
                submitLine(line)
            } else {
                early = early ?? line
            }
        case .interrupt, .end: goAway()
        case .tooLong:
            if stage == .none { stage = .tooLong }
            draw(screen.tooLong())
        }
    }

    private func submitLine(_ line: SecretBytes) {
        early = nil
        mark = TextMark(of: line)
        stage = .trying
        submit(line)
        draw(screen.submitted())
        ticker.restart(now: Clock.now())
    }

    private func goAway() {
        channel.send(screen.showLeaving())
        end(.refused)
    }

    private static let interrupt: UInt8 = 0x03
    private static let end: UInt8 = 0x04
}
