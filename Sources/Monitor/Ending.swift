internal import Linux
internal import Plan
internal import Wire

/// The agent's last seconds: every prompt is told, and given time to tell its person.
struct Ending {
    /// How long sessions and the console have to end by themselves, in milliseconds: a client is waited for three
    /// seconds.
    static let grace: Int64 = 5_000
    /// How long children have to end when all is told, in milliseconds: one that activates a volume may wait ten seconds
    /// for udevd.
    static let reapGrace: Int64 = 15_000
    /// How long udev's links are waited for, in milliseconds.
    static let linkGrace: Int64 = 10_000

    /// How long a login that had begun may still take, in milliseconds, so that its owner hears how it ended. Strangers
    /// can hold up the boot for as long, and no longer.
    static let loginGrace: Int64 = 1_500

    let code: ExitCode
    let deadline: Int64
    let loginDeadline: Int64
    /// What the boot goes on without.
    let without: [String]
    /// The sentence that every prompt is told, or nothing.
    let reason: String
    /// How the machine goes, where the boot does not go on.
    let power: Power?
}

extension Monitor {
    func goOn(without: [String]) {
        let missing = without.isEmpty ? "" : "Without \(without.joined(separator: ", "))."
        let seconds = Clock.seconds(Clock.now() - plan.began)
        record(
            .notice, missing.isEmpty ? "the boot goes on" : "the boot goes on. \(missing)",
            [.event("boot-continues"), .list("POSTERN_WITHOUT", without), .number("POSTERN_SECONDS", seconds)])
        endAgent(.done, reason: missing, without: without)
    }

    /// Tells every prompt how it ends, and takes no new ones.
    func endAgent(_ code: ExitCode, reason: String, without: [String] = [], power: Power? = nil) {
        let now = Clock.now()
        ending = Ending(
            code: code, deadline: now + Ending.grace, loginDeadline: now + Ending.loginGrace, without: without,
            reason: reason, power: power)
        plan.stop()
        notifications.hurryToEnd(now: now)
        listeners.removeAll()
        probes.removeAll()
        removeMissingDevices()
        informSystemd()
        for worker in workers {
            if case .job(let job, _) = worker.kind, plan.isActivating(job) { continue }
            worker.isDone = true
            stopWorker(worker)
        }
        if code == .done { sendState() }
        sendNewLines()
        endShells(code == .done ? "The boot continues." : reason)
        endAsks(now: now)
        for session in sessions {
            for following in session.following { endChannel(following.channel, of: session, .done, "") }
            for watching in session.watching { endChannel(watching.channel, of: session, code, reason) }
            // Ends sessions without a prompt too, such as an idle ControlMaster.
            if session.isAuthenticated { dismiss(session) }
        }
    }

    /// Tells a session to end once its channels have ended.
    func dismiss(_ session: SessionRecord) {
        guard let ending, session.number != SessionRecord.console else { return }
        send(.finish(ending.code, reason: ""), to: session, channel: 0)
    }

    /// Whether all sessions have ended and the owners were told, or the time for that is over; kills late logins.
    func isOver(_ ending: Ending, now: Int64) -> Bool {
        if now >= ending.loginDeadline {
            for session in sessions where !session.isAuthenticated { ChildProcess.kill(session.process) }
        }
        return sessions.isEmpty && !notifications.holds(now: now) || now >= ending.deadline
    }

    /// When that is to be looked at again, in milliseconds of `Clock`.
    func nextLook(_ ending: Ending, now: Int64) -> Int64 {
        let next = now < ending.loginDeadline ? ending.loginDeadline : ending.deadline
        return notifications.holds(now: now) ? min(notifications.deadline ?? next, next) : next
    }

    /// Leaves nothing behind, and says how the boot goes on.
    func shutDownAgent(_ signals: Int32) -> Int32 {
        for session in sessions { ChildProcess.kill(session.process) }
        for signer in signers { ChildProcess.kill(signer.process) }
        for shell in shells { shell.shell?.killSession() }
        if let notifier = notifications.process { ChildProcess.kill(notifier) }
        if let program = unsealing?.process { ChildProcess.kill(program) }
        for process in reapChildren(signals) { ChildProcess.kill(process) }
        keys.removeAll()
        unsealed = nil
        logStrangers(isLast: true)
        if let power = ending?.power { leaveMachine(power, signals) }
        keepNotifications()
        if !options.rehearsal { Consoles.forget(terminals) }
        log.restore()
        if let emptyFolder { Files.removeFolder(emptyFolder) }
        guard let ending, ending.code == .done else { return Int32(ExitCode.internalError.rawValue) }
        if !options.rehearsal {
            waitForLinks()
            writeSkips(ending.without)
        }
        return 0
    }

    /// Waits for the children to end, within a bound: one whose disk hangs cannot be killed, and the boot does not wait
    /// for it.
    ///
    /// - Returns: those that are there still.
    private func reapChildren(_ signals: Int32) -> [StartedProcess] {
        let deadline = Clock.now() + Ending.reapGrace
        var left = children
        var set = PollSet()
        set.add(signals, .readable)
        while true {
            while let exited = ChildProcess.nextExited() { left.removeAll { $0.id == exited.id } }
            let now = Clock.now()
            guard !left.isEmpty, now < deadline else { break }
            set.wait(milliseconds: deadline - now)
            var isAsked = false
            Signals.drain(signals, isAskedToEnd: &isAsked)
        }
        if !left.isEmpty { record(.warning, "\(left.count) processes hang, and are left behind") }
        return left
    }

    /// Waits for udev's links to the mappings: the boot mounts the root by them, and udevd makes them late.
    func waitForLinks() {
        guard Files.exists("/run/udev/control") else { return }
        var links: [String] = []
        for volume in plan.machineState(now: Clock.now()).volumes
        where volume.state == .open && !plan.isDataset(volume.name) {
            links.append("/dev/mapper/\(volume.name)")
            // udev escapes other characters in the link's name.
            if volume.name.utf8.allSatisfy({ isPlain($0) }) { links.append("/dev/disk/by-id/dm-name-\(volume.name)") }
        }
        guard var watch = try? PathWatch(links) else { return }
        let deadline = Clock.now() + Ending.linkGrace
        var set = PollSet()
        set.add(watch.number, .readable)
        var missing = links
        while true {
            for (path, isThere) in watch.changes() {
                missing.removeAll { $0 == path }
                if !isThere { missing.append(path) }
            }
            let now = Clock.now()
            guard !missing.isEmpty, now < deadline else { break }
            set.wait(milliseconds: deadline - now)
        }
        for link in missing { record(.warning, "udevd has not made \(link)") }
    }

    private func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
        case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "+"): true
        default: false
        }
    }

    /// The native opener passes over the volumes named here.
    func writeSkips(_ names: [String]) {
        guard !names.isEmpty else { return }
        do throws(SystemError) {
            try Files.makeFolder("/run/postern", mode: 0o755)
            try Files.makeFolder("/run/postern/skip", mode: 0o755)
            for name in names { try Files.write("", to: "/run/postern/skip/\(name)", mode: 0o644) }
        } catch {
            record(.error, "the native opener may ask for what is missing: \(error.description)")
        }
    }
}
