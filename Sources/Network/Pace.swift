/// When a report may be made: not of a state that passes by, and not so often that a link that comes and goes floods the
/// consoles. What was the state last is always said in the end.
///
/// Times are in milliseconds.
public struct Pace: Equatable, Sendable {
    /// How long good news wait for more of them, and bad news for better ones: a link that was just brought up has its
    /// address a moment later.
    public static let goodNews: Int64 = 300
    public static let badNews: Int64 = 3000
    /// Reports that may follow each other at once, and the time after which there may be one more.
    public static let burst = 6
    public static let interval: Int64 = 20_000

    private var left = Pace.burst
    private var counted: Int64 = 0
    /// Since when there is something to say, and whether it is good.
    private var since: Int64?
    private var isGood = false

    public init() {}

    /// The state is another one than was said last.
    public mutating func changed(isGood: Bool, now: Int64) {
        since = since ?? now
        self.isGood = isGood
    }

    /// The state is what was said last.
    public mutating func settled() { since = nil }

    /// When to say it, or `nil` when there is nothing to say.
    public var due: Int64? {
        guard let since else { return nil }
        let ripe = since + (isGood ? Pace.goodNews : Pace.badNews)
        return left > 0 ? ripe : max(ripe, counted + Pace.interval)
    }

    /// Whether to say it now; then it counts as said.
    public mutating func mayReport(now: Int64) -> Bool {
        guard let due, now >= due else { return false }
        while left < Pace.burst, now - counted >= Pace.interval {
            left += 1
            counted += Pace.interval
        }
        if left == Pace.burst { counted = now }
        left -= 1
        since = nil
        return true
    }
}
