import Network
import Testing

/// Which cards the agent brings up, and when.
@Suite struct SleepersTests {
    /// Asks in the steps that the sleepers ask for, until a card is woken: when that is.
    private func woken(isUdevBusy: Bool, awaitsUdev: Bool) -> Int64? {
        var sleepers = Sleepers()
        sleepers.look([3], now: 0)
        while let due = sleepers.due {
            if !sleepers.wake(isUdevBusy: isUdevBusy, now: due, awaitsUdev: { _ in awaitsUdev }).isEmpty { return due }
        }
        return nil
    }

    @Test(
        arguments: [
            (false, false, 2_000), (true, false, 2_000), (false, true, 30_000), (true, true, 300_000),
        ] as [(Bool, Bool, Int64)])
    func `a card sleeps two seconds, and longer while udevd has yet to rename it`(
        isUdevBusy: Bool, awaitsUdev: Bool, expected: Int64
    ) {
        #expect(woken(isUdevBusy: isUdevBusy, awaitsUdev: awaitsUdev) == expected)
    }

    @Test func `one that was renamed meanwhile is woken at the next look`() {
        var sleepers = Sleepers()
        sleepers.look([3], now: 0)
        #expect(sleepers.wake(isUdevBusy: true, now: 2_000) { _ in true } == [])
        #expect(sleepers.due == 2_250)
        #expect(sleepers.wake(isUdevBusy: true, now: 2_250) { _ in false } == [3])
        #expect(sleepers.due == nil)
    }

    @Test func `each has its own time, which another look does not change, and one that is up has none`() {
        var sleepers = Sleepers()
        sleepers.look([3], now: 0)
        sleepers.look([3, 4], now: 1_500)
        #expect(sleepers.wake(isUdevBusy: false, now: 2_000) { _ in false } == [3])
        #expect(sleepers.due == 3_500)
        sleepers.look([], now: 3_000)
        #expect(sleepers.due == nil)
        sleepers.look([4], now: 4_000)
        #expect(sleepers.due == 6_000)
    }
}
