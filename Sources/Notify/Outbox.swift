public import Config

/// What is yet to be told, and to whom: a lane for each `Notify` line, in which one announcement comes after the other.
public final class Outbox {
    /// Announcements that wait in a lane. One more, and the oldest is dropped.
    public static let most = 16
    /// The pauses after announcements that were not sent, in milliseconds: the first one, which doubles, and the longest.
    private static let firstPause: Int64 = 1000
    private static let longestPause: Int64 = 60_000

    /// One target, and what it is to be told.
    public final class Lane {
        public let target: NotifyTarget
        public fileprivate(set) var announcements: [Announcement] = []
        /// When the first of them may be tried, in milliseconds of `Clock`; `nil` where it is tried no more.
        fileprivate var due: Int64? = 0
        fileprivate var pause = Outbox.firstPause
        /// Why it was not told last, and how often the log has said so.
        public var failure = ""
        public var complaints = 0

        fileprivate init(_ target: NotifyTarget) { self.target = target }
    }

    public let lanes: [Lane]
    /// The lane whose first announcement is on its way.
    private var busy: Lane?
    /// Whether each lane has one try more, and no second one after a failure.
    private var isLast = false

    public init(_ targets: [NotifyTarget]) {
        lanes = targets.map { Lane($0) }
    }

    /// Adds an announcement for everybody. It takes the place of those of the same event that nobody was told yet; once the boot
    /// goes on or the machine goes, nobody need hear any more that it waits.
    public func add(_ announcement: Announcement) {
        for lane in lanes {
            var kept: [Announcement] = []
            for (place, old) in lane.announcements.enumerated() {
                let isNewer = old.event == announcement.event
                let isPast = old.event == "waiting" && announcement.event != "wrong-passphrase"
                if place == 0 && lane === busy || !isNewer && !isPast { kept.append(old) }
            }
            if kept.count > Outbox.most { kept.remove(at: 1) }
            kept.append(announcement)
            lane.announcements = kept
        }
    }

    /// The lane whose first announcement is to be sent now, one at a time: its end is to be reported by `ended`.
    public func next(now: Int64) -> Lane? {
        guard busy == nil else { return nil }
        // The one that has waited longest, so that one lane does not hold up the others.
        for lane in lanes {
            guard let due = lane.due, due <= now, !lane.announcements.isEmpty, due < busy?.due ?? .max else { continue }
            busy = lane
        }
        return busy
    }

    /// The announcement that was on its way has been sent, or not.
    public func ended(isSent: Bool, now: Int64) {
        guard let lane = busy else { return }
        busy = nil
        if isSent {
            lane.announcements.removeFirst()
            lane.pause = Outbox.firstPause
            lane.due = now
        } else if isLast {
            lane.due = nil
        } else {
            lane.due = now + lane.pause
            lane.pause = min(lane.pause * 2, Outbox.longestPause)
        }
    }

    /// Leaves what takes curl for the booted system.
    public func leaveSecure() {
        for lane in lanes where lane.target.address == nil { lane.due = nil }
    }

    /// There is news of the network, or the end is near: everybody is tried at once. At the end nobody is tried again.
    public func hurry(now: Int64, isLast: Bool = false) {
        self.isLast = isLast
        for lane in lanes {
            guard let due = lane.due else { continue }
            lane.due = min(due, now)
            lane.pause = Outbox.firstPause
        }
    }

    /// When something can be sent next, or `nil`.
    public var due: Int64? {
        var first: Int64?
        for lane in lanes where !lane.announcements.isEmpty {
            if let due = lane.due, due < first ?? .max { first = due }
        }
        return first
    }

    // MARK: What the initrd leaves to the booted system

    /// Where it lies. URLs may hold secrets: it is root's alone.
    public static let file = "/run/postern/notify-pending"
    /// The largest such file, in bytes.
    public static let largestFile = 1 << 20

    /// The errands of what was not sent, each with a zero behind it. That the machine waits is not true any more then.
    public func left(host: String) -> [UInt8] {
        var bytes: [UInt8] = []
        for lane in lanes {
            for announcement in lane.announcements where announcement.event != "waiting" {
                bytes += Array(Errand.text(announcement, to: lane.target, host: host).utf8) + [0]
            }
        }
        return bytes
    }
}
