public import Wire

/// What is missing of the machine's network cards, once that has lasted: udev loads the drivers one after the other, and
/// the agent starts beside it.
///
/// Times are in milliseconds.
public struct Lasting: Sendable {
    /// How long something must be missing, and how long where udev is still at work.
    public static let patience: Int64 = 5000
    public static let longest: Int64 = 60_000
    /// How often it is looked again whether udev is at work.
    public static let again: Int64 = 1000

    private var seen: [(fact: NetworkFact, since: Int64)] = []
    /// When to look again although nothing has changed, or `nil`.
    public private(set) var due: Int64?

    public init() {}

    /// Takes what is missing now, and returns what of it has lasted.
    public mutating func look(_ missing: [NetworkFact], isUdevBusy: Bool, now: Int64) -> [NetworkFact] {
        seen = missing.map { fact in (fact, seen.first { $0.fact == fact }?.since ?? now) }
        due = nil
        return seen.compactMap { fact, since in
            let end = since + (isUdevBusy ? Lasting.longest : Lasting.patience)
            if now >= end { return fact }
            // While udev is at work it may be done long before the end.
            let next = isUdevBusy ? max(since + Lasting.patience, now + Lasting.again) : end
            due = min(due ?? next, next)
            return nil
        }
    }
}
