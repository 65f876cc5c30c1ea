import Config
import Testing

@testable import Notify

/// The queue, its bound and its pauses, by a clock of the test's own.
@Suite struct OutboxTests {
    private let a: NotifyTarget
    private let b: NotifyTarget

    init() throws {
        a = try #require(NotifyTarget(.ntfy, url: "https://a.example/nas"))
        b = try #require(NotifyTarget(.json, url: "http://192.0.2.1/b"))
    }

    private func announcement(_ event: String, _ text: String = "x") -> Announcement {
        Announcement(event, text, at: 7)
    }

    @Test func `one is on its way at a time, each lane keeps its order, and a dead one does not hold up the other`()
        throws
    {
        let outbox = Outbox([a, b])
        #expect(outbox.due == nil && outbox.next(now: 0) == nil)
        outbox.add(announcement("one"))
        outbox.add(announcement("two"))
        var told: [String] = []
        var now: Int64 = 0
        while let due = outbox.due, told.count < 20 {
            now = max(now, due)
            let next = outbox.next(now: now)
            let delivery = try #require(next)
            #expect(outbox.next(now: now) == nil)
            let isDead = delivery.target == a && now < 5000
            if !isDead { told.append("\(delivery.target.form)" + delivery.announcements[0].event) }
            outbox.ended(isSent: !isDead, now: now)
        }
        #expect(told == ["jsonone", "jsontwo", "ntfyone", "ntfytwo"])
        #expect(outbox.lanes.allSatisfy { $0.announcements == [] })
    }

    @Test func `pauses double from a second to a minute, and news of the network end them`() throws {
        let outbox = Outbox([a])
        outbox.add(announcement("one"))
        var now: Int64 = 0
        var pauses: [Int64] = []
        for _ in 0..<8 {
            _ = outbox.next(now: now)
            outbox.ended(isSent: false, now: now)
            #expect(outbox.next(now: now) == nil)
            let due = try #require(outbox.due)
            pauses.append((due - now) / 1000)
            now = due
        }
        #expect(pauses == [1, 2, 4, 8, 16, 32, 60, 60])
        _ = outbox.next(now: now)
        outbox.ended(isSent: false, now: now)
        outbox.hurry(now: now + 5)
        #expect(outbox.due == now + 5)
    }

    @Test func `of an event the newest is told, but what is on its way stays; the oldest of too many go`() throws {
        let outbox = Outbox([a])
        outbox.add(announcement("wrong-passphrase", "3"))
        _ = outbox.next(now: 0)
        outbox.add(announcement("wrong-passphrase", "6"))
        outbox.add(announcement("wrong-passphrase", "12"))
        #expect(outbox.lanes[0].announcements.map(\.text) == ["3", "12"])
        for number in 0..<40 { outbox.add(announcement("event \(number)")) }
        #expect(outbox.lanes[0].announcements.count == Outbox.most + 1)
        #expect(
            outbox.lanes[0].announcements.first?.text == "3" && outbox.lanes[0].announcements.last?.event == "event 39")
    }

    @Test func `once the boot goes on nobody is told that it waits`() throws {
        var outbox = Outbox([a])
        outbox.add(announcement("waiting"))
        outbox.add(announcement("wrong-passphrase"))
        #expect(outbox.lanes[0].announcements.count == 2)
        outbox.add(announcement("boot-continues"))
        #expect(outbox.lanes[0].announcements.map(\.event) == ["wrong-passphrase", "boot-continues"])
        // Nor when it was just being told.
        outbox = Outbox([a])
        outbox.add(announcement("waiting"))
        _ = outbox.next(now: 0)
        outbox.add(announcement("boot-continues", "opened"))
        outbox.hurry(now: 1, isLast: true)
        let left = outbox.left(host: "nas")
        #expect(
            left == Array((Errand.text(announcement("boot-continues", "opened"), to: a, host: "nas") + "\0").utf8)
        )
    }

    @Test func `at the end each lane is tried at once, and after a failure no more`() throws {
        let outbox = Outbox([a, b])
        outbox.add(announcement("one"))
        for _ in 0..<2 {
            _ = outbox.next(now: 0)
            outbox.ended(isSent: false, now: 0)
        }
        outbox.add(announcement("two"))
        outbox.hurry(now: 10, isLast: true)
        for isSent in [false, true, true] {
            let next = outbox.next(now: 10)
            let delivery = try #require(next)
            #expect((delivery.target == b) == isSent)
            outbox.ended(isSent: isSent, now: 10)
        }
        #expect(outbox.due == nil && outbox.next(now: 99_999) == nil)
        #expect(outbox.lanes.map(\.announcements.count) == [2, 0])
    }

    @Test func `a lane that is left for the booted system is not tried`() {
        let outbox = Outbox([a])
        outbox.leaveSecure()
        outbox.add(announcement("one"))
        outbox.hurry(now: 1)
        outbox.hurry(now: 1, isLast: true)
        #expect(outbox.due == nil && outbox.next(now: 5) == nil && outbox.lanes[0].announcements.count == 1)
    }
}
