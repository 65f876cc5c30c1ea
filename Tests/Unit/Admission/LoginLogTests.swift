import Testing

@testable import Admission

@Suite struct LoginLogTests {
    /// How many lines of the key `log` admits, of one at each of these moments.
    private func admitted(_ log: inout LoginLog, _ key: Int, _ moments: Range<Int64>) -> Int {
        var count = 0
        for now in moments where log.admits(key, now: now) { count += 1 }
        return count
    }

    @Test func `a key has its lines and the rest is summed`() {
        var log = LoginLog()
        let written = admitted(&log, 3, 0..<150)
        #expect(written == 100)
        // Another key has its own.
        let others = admitted(&log, 4, 150..<151)
        #expect(others == 1)
        #expect(log.deadline == 60_100)
        let early = log.sums(now: 60_099)
        #expect(early.isEmpty)
        let sums = log.sums(now: 61_100)
        #expect(sums.count == 1 && sums[0].key == 3 && sums[0].lines == 50 && sums[0].seconds == 61, "\(sums)")
        #expect(log.deadline == nil)
        let later = log.sums(now: 200_000)
        #expect(later.isEmpty)
    }

    @Test func `there is a line more every half a minute and not more than the first after a year`() {
        var log = LoginLog()
        let first = admitted(&log, 0, 0..<100)
        // The first is paid for after half a minute, and the next after another one.
        let early = admitted(&log, 0, 29_000..<30_000)
        let one = admitted(&log, 0, 30_000..<59_000)
        let year: Int64 = 365 * 86_400_000
        let last = admitted(&log, 0, year..<(year + 500))
        #expect([first, early, one, last] == [100, 0, 1, 100])
    }

    @Test func `at the end nothing is kept back`() {
        var log = LoginLog()
        _ = admitted(&log, 9, 0..<101)
        let sums = log.sums(now: 200, isLast: true)
        #expect(sums.count == 1 && sums[0].lines == 1)
    }
}
