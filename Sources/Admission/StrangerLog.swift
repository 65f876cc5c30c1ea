internal import Config
internal import Linux

/// What those who have not logged in cause to be logged, summed, so that nobody can fill the log or push out of it what
/// the boot said before.
///
/// The first event of a source is logged at once. What follows is one line a source every ten seconds. There are at most
/// `mostSources` at a time, and after a burst of `burst` lines there is one every half a minute in all; what goes beyond
/// either is summed for all addresses together, once a minute: at most some 4,500 lines a day, whoever comes.
public struct StrangerLog {
    /// Milliseconds between two lines of one source.
    public static let window: Int64 = 10_000
    /// Milliseconds between two lines of all other sources together.
    public static let commonWindow: Int64 = 60_000
    public static let mostSources = 16
    public static let burst: Int64 = 200
    private static let refill: Int64 = 30_000
    /// Different texts that a sum tells apart, and how much of each it shows, in bytes.
    static let mostTexts = 4
    static let longestText = 160

    private struct Sum {
        let source: [UInt8]
        var since: Int64
        var count = 0
        var texts: [(text: String, count: Int)] = []

        mutating func add(_ text: String, times: Int = 1) {
            count += times
            let text = printable(text, limit: longestText)
            if let index = texts.firstIndex(where: { $0.text.utf8.elementsEqual(text.utf8) }) {
                texts[index].count += times
            } else if texts.count < mostTexts {
                texts.append((text, times))
            }
        }

        /// Adds what another sum has counted.
        mutating func add(_ other: Sum) {
            let before = count
            for (text, times) in other.texts { add(text, times: times) }
            count = before + other.count
        }

        /// Returns the line that says what was counted, and counts from zero again.
        mutating func flush(_ title: String, now: Int64) -> String {
            var line = "\(title): \(count) more in \((now - since) / 1000) s"
            var left = count
            for (text, times) in texts {
                line += left == count ? ": \(text)" : "; \(text)"
                if times > 1 { line += " (\(times) times)" }
                left -= times
            }
            if left > 0 { line += "; and \(left) others" }
            since = now
            count = 0
            texts = []
            return line
        }
    }

    private var sums: [Sum] = []
    private var common: Sum?
    /// When the lines that were written are paid for.
    private var paidAt: Int64 = .min

    public init() {}

    /// Notes an event.
    ///
    /// - Returns: whether it is to be logged now, by itself.
    public mutating func note(_ text: String, from source: [UInt8], now: Int64) -> Bool {
        if let index = sums.firstIndex(where: { $0.source == source }) {
            sums[index].add(text)
            return false
        }
        guard sums.count < StrangerLog.mostSources, pay(now) else {
            common = common ?? Sum(source: [], since: now)
            common?.add(text)
            return false
        }
        sums.append(Sum(source: source, since: now))
        return true
    }

    /// The lines that are to be written now; `isLast` leaves nothing for later.
    public mutating func lines(now: Int64, isLast: Bool = false) -> [String] {
        var lines: [String] = []
        for index in sums.indices.reversed() where isLast || now >= sums[index].since + StrangerLog.window {
            if sums[index].count == 0 {
                sums.remove(at: index)
            } else if pay(now) {
                lines.append(sums[index].flush(StrangerLog.title(sums[index].source), now: now))
            } else {
                common = common ?? Sum(source: [], since: now)
                common?.add(sums.remove(at: index))
            }
        }
        if var sum = common, isLast || now >= sum.since + StrangerLog.commonWindow {
            lines.append(sum.flush("other addresses", now: now))
            common = nil
        }
        return lines
    }

    /// When `lines` is to be asked next.
    public var deadline: Int64? {
        let first = sums.map { $0.since + StrangerLog.window }.min()
        let last = common.map { $0.since + StrangerLog.commonWindow }
        guard let first, let last else { return first ?? last }
        return min(first, last)
    }

    /// Whether a line may be written, which is then taken as written.
    private mutating func pay(_ now: Int64) -> Bool {
        let next = max(paidAt, now) + StrangerLog.refill
        guard next - now <= StrangerLog.burst * StrangerLog.refill else { return false }
        paidAt = next
        return true
    }

    private static func title(_ source: [UInt8]) -> String {
        let bytes = source.count == 8 ? source + [UInt8](repeating: 0, count: 8) : source
        let address = PeerAddress(bytes: bytes)?.description ?? ""
        return source.count == 8 ? "\(address)/64" : address
    }
}
