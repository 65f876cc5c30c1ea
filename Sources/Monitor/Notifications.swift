internal import Config
internal import ConfigFiles
internal import Linux
internal import Notifier
internal import Notify
internal import Plan
internal import Wire

/// Who is told what happens, by `Notify` lines, and who is on the way.
final class Notifications {
    /// How long the boot waits for what is to be told, in milliseconds.
    private static let grace: Int64 = 3_000
    /// Lines of the log about one target that cannot be told.
    private static let mostComplaints = 8

    let host = Machine.hostName
    let outbox: Outbox
    private var herald: Herald
    private var courier: Courier?
    private var lane: Outbox.Lane?
    private var killAt: Int64?
    /// Until when the boot waits, once it is to go on.
    private var end: Int64?

    /// In a rehearsal nobody is told.
    init(_ configuration: Configuration, _ options: AgentOptions) {
        outbox = Outbox(options.rehearsal ? [] : configuration.settings.notify)
        herald = Herald(host: host)
    }

    var isOff: Bool { outbox.lanes.isEmpty }

    /// The notifier that is on its way.
    var process: StartedProcess? { courier?.process }

    /// Takes a line of the log.
    func heard(_ line: String, _ fields: [LogField]) {
        guard !isOff, let announcement = herald.heard(line, fields, at: Clock.date()) else { return }
        outbox.add(announcement)
    }

    /// A volume waits for its passphrase, which can be brought that way.
    func waits(_ way: String, now: Int64) {
        guard let announcement = herald.waits(way, at: Clock.date()) else { return }
        outbox.add(announcement)
        // It is news of the network, too.
        outbox.hurry(now: now)
    }

    /// The agent is about to end.
    func hurryToEnd(now: Int64) {
        end = now + Notifications.grace
        outbox.hurry(now: now, isLast: true)
    }

    /// Whether the end of the agent waits for what is to be told.
    func holds(now: Int64) -> Bool { now < end ?? 0 && (courier != nil || outbox.due != nil) }

    /// When `step` or `holds` is to be called although nothing has come, or `nil`.
    var deadline: Int64? {
        let next = courier == nil ? outbox.due : killAt
        return min(next ?? .max, end ?? .max) == .max ? nil : min(next ?? .max, end ?? .max)
    }

    /// Does what is due.
    ///
    /// - Returns: a line for the log, or `nil`.
    func step(now: Int64) -> String? {
        if let courier {
            guard let killAt, now >= killAt else { return nil }
            self.killAt = nil
            ChildProcess.kill(courier.process)
            return nil
        }
        guard let lane = outbox.next(now: now), let announcement = lane.announcements.first else { return nil }
        self.lane = lane
        do throws(SystemError) {
            courier = try Courier(Array(Errand.text(announcement, to: lane.target, host: host).utf8))
            killAt = courier?.deadline
            return nil
        } catch { return ended(error.description) }
    }

    /// The courier has ended.
    ///
    /// - Returns: a line for the log, or `nil` where it has said enough of that.
    func returned(_ status: Int32) -> String? {
        let failure = courier?.failure(status)
        courier = nil
        return ended(failure)
    }

    private func ended(_ failure: String?) -> String? {
        guard let lane, let announcement = lane.announcements.first else { return nil }
        outbox.ended(isSent: failure == nil, now: Clock.now())
        guard failure != lane.failure, lane.complaints < Notifications.mostComplaints || failure == nil else {
            return nil
        }
        lane.failure = failure ?? ""
        if failure != nil { lane.complaints += 1 }
        var line = failure == nil ? "told " : "not told yet: "
        line += lane.target.title
        // Not the text, which a reader of the log would take for what it tells of.
        line += failure == nil ? " of " : ": "
        line += failure ?? announcement.event
        return line
    }
}

extension Monitor {
    /// Looks whether there is what the notifiers need, once.
    func prepareNotifications() {
        guard !Courier.hasProgram, notifications.outbox.lanes.contains(where: { $0.target.address == nil }) else {
            return
        }
        notifications.outbox.leaveSecure()
        record(.warning, "Notify with https:// waits for the booted system: there is no curl in this initrd")
    }

    /// Tells what is to be told, one at a time.
    func notify() {
        guard !notifications.isOff else { return }
        let now = Clock.now()
        if ending == nil, let way, !plan.machineState(now: now).asking.isEmpty { notifications.waits(way, now: now) }
        if let line = notifications.step(now: now) { record(.info, line) }
    }

    /// How a passphrase can be brought, or `nil` while that is not known.
    private var way: String? {
        for fact in network?.reported ?? [] {
            switch fact.kind {
            case .reachable: return "ssh -p " + String(fact.number) + " root@" + fact.detail
            case .notListening: return "at its console"
            default: continue
            }
        }
        return nil
    }

    /// Keeps for the booted system what could not be told.
    func keepNotifications() {
        let left = notifications.outbox.left(host: notifications.host)
        guard !left.isEmpty else { return }
        do throws(SystemError) {
            try Files.makeFolder("/run/postern", mode: 0o755)
            try Files.replace(Outbox.file, with: left, mode: 0o600)
        } catch { record(.warning, "what could not be told is lost: " + error.description) }
    }
}
