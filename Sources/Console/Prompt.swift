internal import Linux
internal import Terminal
internal import Wire

/// The dialogue at one terminal.
final class Prompt {

    let device: TerminalDevice
    private var screen: Screen
    private var editor: LineEditor
    private var ticker = Ticker()
    private let room: SecretBytes
    private var isRehearsal = false

    /// - Throws: `SystemError` when there is no locked memory for the line.
    init(_ device: TerminalDevice) throws(SystemError) {
        self.device = device
        editor = try LineEditor()
        room = try SecretBytes(capacity: 256)
        screen = Screen(columns: device.columns)
        // Whatever stands on the terminal's last line stays.
        device.write([0x0D, 0x0A])
    }

    /// When `tick` is to be called next, or `nil`.
    func wakes(now: Int64) -> Int64? {
        guard let tick = ticker.next, let device = device.wakes(now: now) else {
            return ticker.next ?? device.wakes(now: now)
        }
        return min(tick, device)
    }

    func update(_ state: MachineState) {
        if state.rehearsal, !isRehearsal {
            // There it is somebody's own terminal, where Ctrl-C ends the program.
            isRehearsal = true
            device.makeRaw(interrupts: true)
        }
        draw { $0.showState(state) }
    }

    func network(_ facts: [NetworkFact]) {
        draw { $0.network(facts) }
    }

    /// The passphrase that was typed here is the next to be tried.
    func submitted() {
        ticker.restart(now: Clock.now())
        draw { $0.submitted() }
    }

    func tried(_ results: [TryResult], retryAfter: UInt16) {
        draw { $0.tried(results, retryAfter: retryAfter) }
    }

    func showEnd(_ code: ExitCode, reason: String) {
        draw { $0.showEnd(code, reason: reason) }
    }

    /// Takes the prompt away, for whoever asks next.
    func clear() {
        draw { $0.clear() }
    }

    func redraw() {
        draw { $0.redraw() }
    }

    func tick(now: Int64) {
        guard let seconds = ticker.due(now: now) else { return }
        // An old count of seconds is of no use to a terminal that takes nothing.
        guard !device.wantsToWrite(now: now), device.wakes(now: now) == nil else { return }
        draw { $0.tick(seconds: seconds) }
    }

    /// The terminal takes bytes again.
    func write() {
        device.flush()
        guard device.hasLost, !device.isGone else { return }
        device.recover()
        draw { [0x0D, 0x0A] + $0.restart() }
    }

    /// Reads what was typed, and gives every whole passphrase to `take`.
    ///
    /// - Returns: whether there may be more.
    func read(_ submit: (SecretBytes) -> Void) -> Bool {
        defer { room.removeAll() }
        guard device.read(into: room) else {
            device.makeRaw(interrupts: isRehearsal)
            return false
        }
        // The bytes stay in locked memory: one at a time goes to the editor.
        for index in 0..<room.count {
            let byte = unsafe room.withUnsafeBytes { unsafe $0[index] }
            guard let event = editor.feed(byte) else { continue }
            device.makeRaw(interrupts: isRehearsal)
            switch event {
            case .line(let line) where line.count > 0: submit(line)
            case .tooLong: draw { $0.tooLong() }
            // Nothing here ends the prompt: kernel messages may have garbled it, so it is drawn anew.
            case .line, .interrupt, .end: redraw()
            }
        }
        return true
    }

    private func draw(_ change: (inout Screen) -> [UInt8]) {
        screen.resize(columns: device.columns)
        device.write(change(&screen))
        ticker.update(wanted: screen.wantsTicks, now: Clock.now())
    }
}
