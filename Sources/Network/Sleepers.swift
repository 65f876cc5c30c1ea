/// Cards that are down, and when each is to be brought up.
///
/// Times are in milliseconds.
public struct Sleepers: Sendable {
    /// How long a card stays down before the agent brings it up, each time: the boot's scripts go first, and a bond takes
    /// only cards that are down.
    public static let sleep: Int64 = 2000
    /// How often, and how long at most, udevd is waited for, which renames a card only while it is down.
    public static let again: Int64 = 250
    public static let longest: Int64 = 30_000
    /// The same while udevd is at work: a card that is up it cannot rename, and systemd-networkd would never configure it.
    public static let longestBusy: Int64 = 300_000

    private var cards: [(link: Int32, since: Int64, due: Int64)] = []

    public init() {}

    /// When `wake` is to be called, or `nil`.
    public var due: Int64? { cards.map { $0.due }.min() }

    /// Takes the cards that are down now; one of before keeps its time.
    public mutating func look(_ down: [Int32], now: Int64) {
        cards = down.map { link in
            let known = cards.first { $0.link == link }
            return (link, known?.since ?? now, known?.due ?? now + Sleepers.sleep)
        }
    }

    /// Returns the cards whose time has come, and forgets them. `awaitsUdev` says whether udevd has yet to rename a card.
    public mutating func wake(isUdevBusy: Bool, now: Int64, awaitsUdev: (Int32) -> Bool) -> [Int32] {
        var woken: [Int32] = []
        for index in cards.indices where cards[index].due <= now {
            let longest = isUdevBusy ? Sleepers.longestBusy : Sleepers.longest
            if now < cards[index].since + longest, awaitsUdev(cards[index].link) {
                cards[index].due = now + Sleepers.again
            } else {
                woken.append(cards[index].link)
            }
        }
        cards.removeAll { woken.contains($0.link) }
        return woken
    }
}
