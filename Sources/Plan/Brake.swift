/// A passphrase of `key` that the brake holds until a time.
public struct Hold: Equatable, Sendable {
    let key: Int
    let until: Int64

    /// The seconds, rounded up, until the first of `holds` ends: of those of `key`, where it has any.
    ///
    /// - Returns: the seconds, or 0 where nothing is held.
    public static func seconds(_ holds: [Hold], for key: Int, now: Int64) -> UInt32 {
        let own = holds.filter { $0.key == key }
        let first = (own.isEmpty ? holds : own).map { $0.until }.min()
        return UInt32(clamping: first.map { ($0 - now + 999) / 1000 } ?? 0)
    }
}

/// What slows guessing down: a delay per key that doubles with each wrong passphrase, and one try a second for all
/// keys together, in turn.
///
/// Times are milliseconds of `Clock`. The console stands outside of it: who types there holds the machine.
public struct Brake: Sendable {
    /// The delay after the first wrong passphrase, in milliseconds.
    public static let firstDelay: Int64 = 1_000
    /// The longest delay: an owner who mistyped often still gets in within half a minute.
    public static let longestDelay: Int64 = 30_000
    /// The least time between two tries, whoever made them.
    public static let interval: Int64 = 1_000

    private struct Entry: Sendable {
        let key: Int
        var failures = 0
        var notBefore: Int64 = 0
        var lastServed: Int64 = .min
    }

    private var entries: [Entry] = []
    private var lastTry: Int64?

    public init() {}

    /// When the next passphrase of `key` may be tried.
    public func earliest(for key: Int) -> Int64 {
        let own = entries.first { $0.key == key }?.notBefore ?? 0
        guard let lastTry else { return own }
        return max(own, lastTry + Brake.interval)
    }

    /// When `key` was last served, so that the one that waited longest comes first.
    public func lastServed(_ key: Int) -> Int64 {
        entries.first { $0.key == key }?.lastServed ?? .min
    }

    /// A passphrase of `key` is tried now.
    public mutating func served(_ key: Int, now: Int64) {
        lastTry = now
        entries[index(of: key)].lastServed = now
    }

    /// It opened nothing.
    ///
    /// - Returns: the delay until its next one is tried, in milliseconds.
    public mutating func failed(_ key: Int, now: Int64) -> Int64 {
        let index = index(of: key)
        // Past six doublings the delay is at its longest, and the shift stays small.
        let delay = min(Brake.firstDelay << Int64(min(entries[index].failures, 6)), Brake.longestDelay)
        entries[index].failures += 1
        entries[index].notBefore = now + delay
        return delay
    }

    /// It opened a volume that waited: the owner of `key` knows a passphrase.
    public mutating func cleared(_ key: Int) {
        let index = index(of: key)
        entries[index].failures = 0
        entries[index].notBefore = 0
    }

    private mutating func index(of key: Int) -> Int {
        if let found = entries.firstIndex(where: { $0.key == key }) { return found }
        entries.append(Entry(key: key))
        return entries.count - 1
    }
}
