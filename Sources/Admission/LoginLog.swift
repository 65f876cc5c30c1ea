/// What the sessions of one authorized key cause to be logged, counted over all of them: whoever may only look at the status
/// could otherwise log in again and again, and push out of the log what the boot said before.
///
/// A key has `burst` lines, and one more every half a minute. How many more there were is one line a minute.
public struct LoginLog {
    /// Lines of one key at once: some failed tries, a monitoring system, and an owner who looks for the fault.
    public static let burst: Int64 = 100
    /// Milliseconds until there is one more.
    public static let refill: Int64 = 30_000
    /// Milliseconds between two sums.
    public static let window: Int64 = 60_000

    private struct Account {
        let key: Int
        /// When the lines that were written are paid for.
        var paidAt: Int64
        /// Lines that were left out since the last sum, and when that was.
        var leftOut = 0
        var since: Int64
    }

    private var accounts: [Account] = []

    public init() {}

    /// Whether a line of a session of the key may be written, which is then taken as written.
    public mutating func admits(_ key: Int, now: Int64) -> Bool {
        let index: Int
        if let known = accounts.firstIndex(where: { $0.key == key }) {
            index = known
        } else {
            index = accounts.count
            accounts.append(Account(key: key, paidAt: now, since: now))
        }
        let next = max(accounts[index].paidAt, now) + LoginLog.refill
        if next - now <= LoginLog.burst * LoginLog.refill {
            accounts[index].paidAt = next
            return true
        }
        if accounts[index].leftOut == 0 { accounts[index].since = now }
        accounts[index].leftOut += 1
        return false
    }

    /// The sums that are to be written now: keys, and how many of their lines were left out in how many seconds. `isLast`
    /// leaves nothing for later.
    public mutating func sums(now: Int64, isLast: Bool = false) -> [(key: Int, lines: Int, seconds: Int64)] {
        var sums: [(key: Int, lines: Int, seconds: Int64)] = []
        for index in accounts.indices
        where accounts[index].leftOut > 0 && (isLast || now >= accounts[index].since + LoginLog.window) {
            let account = accounts[index]
            sums.append((account.key, account.leftOut, (now - account.since) / 1000))
            accounts[index].leftOut = 0
        }
        return sums
    }

    /// When `sums` is to be asked next.
    public var deadline: Int64? {
        accounts.filter { $0.leftOut > 0 }.map { $0.since + LoginLog.window }.min()
    }
}
