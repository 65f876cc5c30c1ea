/// When to call `Screen.tick`: once a second for as long as the screen wants it. Times are milliseconds of one clock.
public struct Ticker {
    private var start: Int64?
    private var passed: UInt32 = 0

    public init() {}

    /// To be called after each change of the screen.
    public mutating func update(wanted: Bool, now: Int64) {
        if !wanted {
            start = nil
        } else if start == nil {
            restart(now: now)
        }
    }

    /// Counts from now: a passphrase was submitted.
    public mutating func restart(now: Int64) {
        start = now
        passed = 0
    }

    /// When to look at `due` next, or `nil` when nothing is to be shown.
    public var next: Int64? { start.map { $0 + (Int64(passed) + 1) * 1000 } }

    /// The seconds to show, when a new one has passed.
    public mutating func due(now: Int64) -> UInt32? {
        guard let start, let next, now >= next else { return nil }
        passed = UInt32(clamping: (now - start) / 1000)
        return passed
    }
}
