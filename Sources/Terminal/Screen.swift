public import Wire

/// What a person reads at one terminal, as the bytes to write to it.
///
/// The last line is the *live line*: the prompt, the progress of a try, or what is waited for. It always fits into one
/// row, so that CR and erase-line are enough to draw it anew. News go above it and stay. Nothing is ever echoed, so the
/// live line can be redrawn while somebody types.
public struct Screen {
    /// What is already on the screen about one volume.
    private struct Shown {
        var name: String
        var state: VolumeState
        var detail: String
    }

    private var columns = 80
    private let mayPrompt: Bool
    private let debians: Bool
    /// Whether it is still to say that there are other commands.
    private var saysMore: Bool
    private var state: MachineState?
    private var shown: [Shown] = []
    private var live = ""
    /// Whether a passphrase of this terminal is being tried, and what for when it was typed.
    private var submittedFor: [String]?
    /// The seconds of the last tick, and what is to be added for a try that began before or after the first one.
    private var seconds: UInt32 = 0
    private var offset = 0
    /// Until which second, counted as `seconds`, the brake holds the passphrase of this terminal; and when that ended.
    private var heldUntil: Int?
    private var heldFor = 0
    /// Whether a passphrase of this terminal was answered: the brake may hold the next.
    private var mayBeHeld = false
    private var isFinished = false
    /// How the machine can be reached, where that is shown.
    private var network: [NetworkFact] = []

    /// - Parameters:
    ///   - columns: the terminal's width; 0 when it is not known.
    ///   - prompt: whether this terminal may type a passphrase.
    ///   - debians: whether its prompt is in the words of Debian's cryptroot-unlock.
    ///   - saysMore: whether it says, once, that there are other commands.
    public init(columns: Int, prompt: Bool = true, debians: Bool = false, saysMore: Bool = false) {
        mayPrompt = prompt
        self.saysMore = saysMore
        self.debians = debians
        resize(columns: columns)
    }

    /// The terminal has another width from now on.
    public mutating func resize(columns: Int) {
        // Serial consoles say 0.
        self.columns = columns <= 0 ? 80 : max(columns, 20)
    }

    /// Whether the live line shows seconds: `tick` is to be called while this is true.
    public var wantsTicks: Bool {
        guard let state, !state.continues, !isFinished else { return false }
        return submittedFor != nil || (!isPrompting && state.volumes.contains { isBusy($0) })
    }

    /// Whether a line that is typed now is taken as a passphrase.
    public var isPrompting: Bool {
        guard mayPrompt, submittedFor == nil, let state, !state.continues, !isFinished else { return false }
        return state.volumes.contains { $0.asks }
    }

    /// The state has changed. The first call draws all of it, each later one only the news and the live line.
    public mutating func showState(_ new: MachineState) -> [UInt8] {
        guard let old = state else { return drawAll(new) }
        var lines: [String] = []
        if new.rehearsal, !old.rehearsal { lines.append(Words.rehearsal) }
        for volume in new.volumes where noteNews(of: volume) { lines.append(Words.news(volume)) }
        for notice in new.allNotices where !old.allNotices.contains(notice) { lines.append(Text.clean(notice)) }
        state = new
        setHold(new)
        setClock()
        return draw(news: lines)
    }

    /// How the machine can be reached, or why it cannot, has changed: all of it is shown.
    public mutating func network(_ facts: [NetworkFact]) -> [UInt8] {
        network = facts
        // It comes below the state, which the first `showState` draws.
        return state == nil ? [] : draw(news: facts.map(NetworkText.line))
    }

    /// Draws the whole state again, for a terminal that has lost some of it.
    public mutating func restart() -> [UInt8] {
        guard let state else { return [] }
        return drawAll(state)
    }

    private mutating func drawAll(_ state: MachineState) -> [UInt8] {
        guard !isFinished else { return [] }
        self.state = state
        setHold(state)
        setClock()
        shown = state.volumes.map { Shown(name: $0.name, state: $0.state, detail: $0.detail) }
        live = ""
        var bytes: [UInt8] = []
        for line in Table.lines(state, columns: columns, devices: false) { append(line, to: &bytes) }
        let more = saysMore ? [Words.more] : []
        saysMore = false
        return bytes + draw(news: more + network.map(NetworkText.line))
    }

    /// Enter was pressed and the line given to the monitor.
    public mutating func submitted() -> [UInt8] {
        submittedFor = state?.asking.map { Text.clean($0.name) } ?? []
        seconds = 0
        heldUntil = nil
        heldFor = 0
        setClock()
        guard mayBeHeld else { return redraw() }
        // Whether it is tried at once the monitor says next.
        live = ""
        return isFinished ? [] : [0x0D, 0x0A]
    }

    /// Leaves the live line as it is and draws it anew below: after an empty line, or when kernel messages garbled it.
    public mutating func redraw() -> [UInt8] {
        drawBelow(news: [])
    }

    /// The line was over the limit and is dropped.
    public mutating func tooLong() -> [UInt8] {
        drawBelow(news: [Words.tooLong])
    }

    /// Time goes on while a key is derived: `seconds` have passed since `wantsTicks` became true. See `Ticker`.
    public mutating func tick(seconds: UInt32) -> [UInt8] {
        guard wantsTicks else { return [] }
        self.seconds = seconds
        return draw(news: [])
    }

    /// What became of the passphrase that was submitted here.
    ///
    /// `mark` is what the passphrase had about it.
    public mutating func tried(_ results: [TryResult], retryAfter: UInt16, mark: TextMark? = nil) -> [UInt8] {
        submittedFor = nil
        mayBeHeld = true
        var lines: [String] = []
        let isWrong = results.contains { $0.outcome == .wrong || $0.outcome == .failed }
        if isWrong, results.allSatisfy({ $0.outcome == .wrong }) {
            lines = Words.results(results)
        } else {
            for result in results where noteNews(of: result) { lines.append(Words.result(result)) }
        }
        if results.isEmpty { lines.append(Words.nothingAsks) }
        if let mark, Report.isWrong(results) { lines.append(Words.mark(mark)) }
        if retryAfter > 0, isWrong { lines.append(Words.retry(after: retryAfter)) }
        setClock()
        return draw(news: lines)
    }

    /// The dialogue is over: the cursor stands at the start of an empty line, and nothing is drawn any more.
    ///
    /// `continues` says whether the boot goes on when all is done.
    public mutating func showEnd(_ code: ExitCode, reason: String, continues: Bool = true) -> [UInt8] {
        let lines = Words.end(
            code, reason: reason, rehearsal: state?.rehearsal ?? false, continues: continues)
        defer { isFinished = true }
        return isFinished ? [] : draw(news: lines, live: "")
    }

    /// The person leaves the dialogue, with a last line that says so.
    public mutating func showLeaving() -> [UInt8] {
        defer { isFinished = true }
        return isFinished ? [] : draw(news: [submittedFor == nil ? Words.left : Words.leftTrying], live: "")
    }

    /// The dialogue is over before it began, for this reason.
    public mutating func showLastLine(_ line: String) -> [UInt8] {
        defer { isFinished = true }
        return isFinished ? [] : draw(news: [line], live: "")
    }

    /// Takes the live line away, for whoever uses the terminal next.
    public mutating func clear() -> [UInt8] {
        guard !live.isEmpty else { return [] }
        live = ""
        return Screen.eraseLine
    }

    // MARK: - News

    /// Whether the volume's state is news to the reader, and notes it as read.
    ///
    /// Its turn and its tries are not: the live line shows them.
    private mutating func noteNews(of volume: VolumeStatus) -> Bool {
        if isBusy(volume) || volume.state == .checking { return false }
        guard let index = shown.firstIndex(where: { $0.name == volume.name }) else {
            shown.append(Shown(name: volume.name, state: volume.state, detail: volume.detail))
            return true
        }
        let old = shown[index]
        shown[index].state = volume.state
        shown[index].detail = volume.detail
        if old.state == volume.state { return volume.state != .open && old.detail != volume.detail }
        // A try that left the volume as it was has its own result line.
        let wasBusy = old.state == .queued || old.state == .trying
        return !(wasBusy && volume.state == .locked && volume.detail.isEmpty)
    }

    /// Whether a result is news: the state may have come first.
    private mutating func noteNews(of result: TryResult) -> Bool {
        let isOpen = result.outcome == .opened || result.outcome == .alreadyOpen
        if isOpen, let index = state?.volumes.firstIndex(where: { $0.name == result.name }) {
            // The prompt drawn below must not name it any more.
            state?.volumes[index].state = .open
            state?.volumes[index].asks = false
        }
        guard isOpen || result.outcome == .failed else { return true }
        let now: VolumeState = isOpen ? .open : .failed
        guard let index = shown.firstIndex(where: { $0.name == result.name }) else { return true }
        let isKnown = shown[index].state == now && (isOpen || shown[index].detail == result.detail)
        // A failed try may leave the volume locked, and the state may say so already.
        let isSettled = state?.volumes.contains {
            $0.name == result.name && !isBusy($0) && $0.state != .failed
        }
        if isOpen || isSettled == false {
            shown[index].state = now
            if !isOpen { shown[index].detail = result.detail }
        }
        return !isKnown
    }

    private func isBusy(_ volume: VolumeStatus) -> Bool {
        volume.state == .trying || volume.state == .queued
    }

    // MARK: - Drawing

    private static let eraseLine: [UInt8] = [0x0D, 0x1B, UInt8(ascii: "["), UInt8(ascii: "K")]

    /// Leaves the live line as it is, and writes the news and the live line on new lines.
    private mutating func drawBelow(news: [String]) -> [UInt8] {
        guard !isFinished else { return [] }
        live = ""
        return [0x0D, 0x0A] + draw(news: news)
    }

    /// Writes the news above the live line, and the live line where it changed.
    private mutating func draw(news: [String]) -> [UInt8] {
        isFinished ? [] : draw(news: news, live: liveLine())
    }

    private mutating func draw(news: [String], live next: String) -> [UInt8] {
        guard !news.isEmpty || next != live else { return [] }
        var bytes = live.isEmpty ? [] : Screen.eraseLine
        for line in news {
            for part in Text.wrapped(line, columns: columns, indent: 2) { append(part, to: &bytes) }
        }
        bytes += Array(next.utf8)
        live = next
        return bytes
    }

    private func append(_ line: String, to bytes: inout [UInt8]) {
        bytes += Array(line.utf8)
        bytes += [0x0D, 0x0A]
    }

    private func liveLine() -> String {
        guard let state, !state.continues else { return "" }
        // The last column stays free: some terminals wrap as soon as it is written.
        let width = columns - 1
        if isPrompting {
            return Words.prompt(state.asking.map { Text.clean($0.name) }, columns: width, debians: debians)
        }
        let busy = state.volumes.filter { isBusy($0) }
        // The state may say what opened before the answer does.
        let tried = submittedFor?.filter { name in
            !state.volumes.contains { $0.state == .open && Text.clean($0.name) == name }
        }
        if busy.isEmpty, let tried, !tried.isEmpty {
            if let heldUntil { return Text.shortened(Words.held(max(heldUntil - Int(seconds), 1)), to: width) }
            return Words.progress(tried, queued: false, seconds: elapsed, columns: width)
        }
        guard !busy.isEmpty else { return Words.waiting(state, columns: width) }
        let isQueued = busy.allSatisfy { $0.state == .queued }
        return Words.progress(
            busy.map { Text.clean($0.name) }, queued: isQueued, seconds: elapsed, columns: width)
    }

    private var elapsed: UInt32 { UInt32(clamping: Int(seconds) + offset) }

    /// Counts from when this terminal's passphrase was submitted, else from when the oldest running try began.
    private mutating func setClock() {
        if !wantsTicks { seconds = 0 }
        let busy = state?.volumes.filter { isBusy($0) } ?? []
        offset = submittedFor == nil ? Int(busy.map { $0.seconds }.max() ?? 0) - Int(seconds) : -heldFor
    }

    private mutating func setHold(_ new: MachineState) {
        if heldUntil != nil { heldFor = Int(seconds) }
        heldUntil = new.wait > 0 ? Int(seconds) + Int(new.wait) : nil
    }
}
