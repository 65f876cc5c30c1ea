internal import Admission
internal import CLinux
internal import Config
internal import ConfigFiles
internal import Linux
internal import Plan
internal import Wire

/// How many sessions there are, how long each may stay, and how much those of strangers have to say. None of it relies on
/// the session's own good will: a stranger may have taken it over.
extension Monitor {
    /// Sessions with a login at once. Each is a process; owners and their scripts need a few.
    private static let mostLogins = 64
    /// Milliseconds that a session has beyond `LoginGraceTime`, to tell its client by itself.
    private static let farewell: Int64 = 5_000
    /// Milliseconds that a process has to end once it has closed its socket.
    static let timeToExit: Int64 = 5_000

    /// Connections without a login that one source may have before its further ones give way to everybody else's: a key
    /// exchange takes some 20 ms of the processor, and many at once would slow down all logins.
    private static let fewConnections = 4

    /// Ends a connection without a login where `MaxStartups` has too many of them, of which the last session is one.
    func makeRoom() {
        let waiting = sessions.filter { isWaiting($0) }
        if let newest = waiting.last, waiting.count(where: { $0.source == newest.source }) > Monitor.fewConnections {
            newest.givesWay = true
            ChildProcess.giveWay(newest.process, true)
        }
        guard
            let place = configuration.settings.maxStartups.placeToClose(
                among: waiting.map { $0.source }, percent: Int(linux_percent()))
        else { return }
        endSession(waiting[place], why: "it made room for a newer connection")
    }

    /// Ends the oldest session of the key that has most of them, when there are too many.
    func limitLogins() {
        let loggedIn = sessions.filter { !$0.isClosed && $0.key != nil }
        let keys = loggedIn.map { session in
            let key = session.key ?? 0
            return [UInt8(truncatingIfNeeded: key >> 8), UInt8(truncatingIfNeeded: key)]
        }
        guard loggedIn.count > Monitor.mostLogins, let place = oldestOfMost(keys) else { return }
        endSession(loggedIn[place], why: "it made room for a newer login")
    }

    /// Whether nobody has logged in over it yet.
    private func isWaiting(_ session: SessionRecord) -> Bool {
        !session.isAuthenticated && !session.isClosed
    }

    /// When it is to have logged in, in milliseconds of `Clock`.
    private func loginDeadline(_ session: SessionRecord) -> Int64 {
        session.begun + Int64(configuration.settings.loginGraceTime) * 1000 + Monitor.farewell
    }

    private var unusedTimeout: Int64 { Int64(configuration.settings.unusedConnectionTimeout) * 1000 }

    /// When `limitSessions` is to be called next.
    var sessionDeadline: Int64? {
        var first: Int64?
        for session in sessions where session.killAt != nil || !session.isClosed {
            let own =
                session.killAt
                ?? (isWaiting(session) ? loginDeadline(session) : session.unusedSince.map { $0 + unusedTimeout })
            if let own { first = min(first ?? own, own) }
        }
        return first
    }

    /// Ends the sessions whose time is over.
    func limitSessions(now: Int64) {
        for session in sessions {
            if let moment = session.killAt {
                guard now >= moment else { continue }
                ChildProcess.kill(session.process)
                session.killAt = nil
            } else if session.isClosed || session.number == SessionRecord.console {
                continue
            } else if isWaiting(session) {
                if now >= loginDeadline(session) {
                    endSession(session, why: "no login within \(configuration.settings.loginGraceTime) seconds")
                }
            } else if !session.watching.isEmpty || !session.following.isEmpty || hasShell(session) {
                session.unusedSince = nil
            } else if let since = session.unusedSince {
                guard now >= since + unusedTimeout else { continue }
                let seconds = configuration.settings.unusedConnectionTimeout
                write(.info, "its connection was not used for \(seconds) seconds", of: session)
                send(.finish(.done, reason: ""), to: session, channel: 0)
                session.killAt = now + Monitor.timeToExit
            } else {
                session.unusedSince = now
            }
        }
    }

    // MARK: The log

    /// Logs what a session has to say, or what became of it.
    func write(_ level: LogLevel, _ line: String, of session: SessionRecord) {
        guard session.isAuthenticated else { return logStranger(session.source, level, session.peer, line) }
        if let key = session.key, !loginLog.admits(key, now: Clock.now()) { return }
        record(level, "\(session.peer): \(line)")
    }

    func logStranger(_ source: [UInt8], _ level: LogLevel, _ peer: String, _ line: String) {
        guard strangerLog.note(line, from: source, now: Clock.now()) else { return }
        record(level, "\(peer): \(line)")
    }

    /// Writes the sums that are due.
    func logStrangers(isLast: Bool = false) {
        let now = Clock.now()
        for line in strangerLog.lines(now: now, isLast: isLast) { record(.notice, line) }
        for (key, lines, seconds) in loginLog.sums(now: now, isLast: isLast) {
            record(.notice, "\(keyList.titles[key]): \(lines) more lines in \(seconds) s")
        }
    }
}
