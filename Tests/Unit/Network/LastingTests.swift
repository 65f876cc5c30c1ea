import Network
import Testing
import Wire

@Suite struct NetworkLastingTests {
    private let card = NetworkFact(.noDriver, detail: "PCI 1")
    private let other = NetworkFact(.noDriver, detail: "PCI 2")

    @Test func `a driver that comes in time was never missing`() {
        var lasting = Lasting()
        #expect(lasting.look([card], isUdevBusy: false, now: 1000) == [])
        #expect(lasting.due == 1000 + Lasting.patience)
        #expect(lasting.look([card], isUdevBusy: false, now: 999 + Lasting.patience) == [])
        #expect(lasting.look([], isUdevBusy: false, now: 1000 + Lasting.patience) == [])
        #expect(lasting.due == nil)
        // Gone again, it is missing since then.
        #expect(lasting.look([card], isUdevBusy: false, now: 50_000) == [])
        #expect(lasting.due == 50_000 + Lasting.patience)
    }

    @Test func `each thing has its own time`() {
        var lasting = Lasting()
        _ = lasting.look([card], isUdevBusy: false, now: 0)
        #expect(lasting.look([card, other], isUdevBusy: false, now: Lasting.patience) == [card])
        #expect(lasting.due == 2 * Lasting.patience)
        #expect(lasting.look([card, other], isUdevBusy: false, now: 2 * Lasting.patience) == [card, other])
        #expect(lasting.due == nil)
    }

    @Test func `while udev is at work nothing is missing for a minute`() {
        var lasting = Lasting()
        _ = lasting.look([card], isUdevBusy: true, now: 0)
        #expect(lasting.due == Lasting.patience)
        #expect(lasting.look([card], isUdevBusy: true, now: 20_000) == [])
        #expect(lasting.due == 20_000 + Lasting.again)
        #expect(lasting.look([card], isUdevBusy: false, now: 21_000) == [card])
        #expect(lasting.look([card], isUdevBusy: true, now: 22_000) == [])
        #expect(lasting.look([card], isUdevBusy: true, now: Lasting.longest) == [card])
        #expect(lasting.due == nil)
    }
}
