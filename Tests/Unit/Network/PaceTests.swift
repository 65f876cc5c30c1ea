import Network
import Testing

@Suite struct NetworkPaceTests {
    @Test func `news waits for better ones`() {
        var pace = Pace()
        #expect(pace.due == nil)
        pace.changed(isGood: false, now: 1000)
        #expect(pace.due == 1000 + Pace.badNews)
        expect(&pace, false, at: 1999)
        pace.changed(isGood: true, now: 2000)
        #expect(pace.due == 1000 + Pace.goodNews)
        expect(&pace, true, at: 2000)
        #expect(pace.due == nil)
        expect(&pace, false, at: 99_999)
    }

    @Test func `a state that passes by is not said`() {
        var pace = Pace()
        pace.changed(isGood: false, now: 0)
        pace.settled()
        #expect(pace.due == nil)
        expect(&pace, false, at: 99_999)
    }

    /// A link that comes and goes for an hour.
    @Test func `a flapping link does not flood and its last state is said`() {
        var pace = Pace()
        var said: [Int64] = []
        var shown: Bool?
        let hour: Int64 = 3_600_000
        for now in stride(from: Int64(0), through: hour, by: 100) {
            let isUp = now / 4000 % 2 == 0 && now < hour - 60_000
            if isUp == shown { pace.settled() } else { pace.changed(isGood: isUp, now: now) }
            guard pace.mayReport(now: now) else { continue }
            shown = isUp
            said.append(now)
        }
        #expect(said.count > Pace.burst)
        #expect(said.count <= Pace.burst + Int(hour / Pace.interval) + 1)
        #expect(shown == false)
    }

    @Test func `after some quiet there is the whole burst again`() {
        var pace = Pace()
        func burst(from start: Int64) -> Int {
            (0..<20).count { _ in
                pace.changed(isGood: true, now: start)
                return pace.mayReport(now: start + Pace.goodNews)
            }
        }
        let counts = [burst(from: 0), burst(from: Pace.interval), burst(from: 3_600_000)]
        #expect(counts == [Pace.burst, 1, Pace.burst])
        #expect(pace.due == 3_600_000 + Pace.goodNews + Pace.interval)
    }
}

private func expect(
    _ pace: inout Pace, _ reports: Bool, at now: Int64, sourceLocation: SourceLocation = #_sourceLocation
) {
    let isReporting = pace.mayReport(now: now)
    #expect(isReporting == reports, sourceLocation: sourceLocation)
}
