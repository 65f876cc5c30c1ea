import Admission
import Testing

/// What log can have written to the log.
@Suite struct StrangerLogTests {
    private let home: [UInt8] = [192, 0, 2, 7]
    private let network: [UInt8] = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 1]

    @Test func `the first event is logged at once and the others are summed`() {
        var log = StrangerLog()
        #expect(log.deadline == nil)
        #expect(log.note("left", from: home, now: 0) == true)
        #expect(log.note("left", from: network, now: 4000) == true)
        for moment in 1...50 { #expect(log.note("left", from: home, now: Int64(moment * 10)) == false) }
        #expect(log.note("refused", from: home, now: 9999) == false)
        #expect(log.deadline == 10_000)
        #expect(log.lines(now: 9999) == [])
        #expect(log.lines(now: 10_000) == ["192.0.2.7: 51 more in 10 s: left (50 times); refused"])
        #expect(log.note("left", from: network, now: 10_001) == false)
        #expect(log.lines(now: 14_000) == ["2001:db8:0:1::/64: 1 more in 10 s: left"])
        // Who is quiet for ten seconds is forgotten.
        #expect(log.lines(now: 24_000) == [])
        #expect(log.deadline == nil)
        #expect(log.note("left", from: home, now: 24_001) == true)
    }

    @Test func `a sum is bounded`() throws {
        var log = StrangerLog()
        _ = log.note("first", from: home, now: 0)
        for number in 0..<100 {
            _ = log.note("\u{1B}[\(number)" + String(repeating: "x", count: 1000), from: home, now: 1)
        }
        let line = try #require(log.lines(now: 10_000).first)
        #expect(line.hasPrefix("192.0.2.7: 100 more in 10 s: \\x1b[0xxx"))
        #expect(line.hasSuffix("xxx...; and 96 others"))
        #expect(line.utf8.count < 800)
    }

    @Test func `of many sources a few are named`() {
        var log = StrangerLog()
        var now = 0
        for number in 0..<100 where log.note("left", from: [10, 0, 0, UInt8(number)], now: 0) { now += 1 }
        #expect(now == StrangerLog.mostSources)
        #expect(log.lines(now: 10_000) == [])
        #expect(log.lines(now: 60_000) == ["other addresses: 84 more in 60 s: left (84 times)"])
    }

    /// A day of ten events a second, each from another network.
    @Test func `a day of log fills no log`() {
        var log = StrangerLog()
        var lines = 0
        var counted = 0
        for event in 0..<864_000 {
            let now = Int64(event) * 100
            let source = (0..<8).map { UInt8(truncatingIfNeeded: event >> ($0 * 8)) }
            if log.note("left", from: source, now: now) {
                lines += 1
                counted += 1
            }
            for line in log.lines(now: now) {
                lines += 1
                counted += line.split(separator: " ").compactMap { Int($0) }.first ?? 0
            }
        }
        for line in log.lines(now: 86_400_000, isLast: true) {
            counted += line.split(separator: " ").compactMap { Int($0) }.first ?? 0
        }
        #expect((200...4600).contains(lines), "\(lines)")
        #expect(counted == 864_000)
    }

    @Test func `at the end nothing is left`() {
        var log = StrangerLog()
        _ = log.note("left", from: home, now: 0)
        _ = log.note("left", from: home, now: 1500)
        #expect(log.lines(now: 2000, isLast: true) == ["192.0.2.7: 1 more in 2 s: left"])
        #expect(log.lines(now: 2000, isLast: true) == [])
    }
}
