internal import Config
internal import Linux
internal import Wire

/// An array of postern.conf and the volumes it holds.
struct Members {
    let rule: ArrayRule
    let volumes: [Int]
}

/// When the boot goes on.
extension Plan {
    func openCount(_ members: Members) -> Int {
        members.volumes.count { volumes[$0].isOpen }
    }

    /// The array's members but those that turned out to be the native opener's.
    func managed(_ members: Members) -> [Int] {
        members.volumes.filter { volumes[$0].isManaged }
    }

    /// How many of an array's members the boot needs. A quorum of more than there are is all of them.
    func needed(_ members: Members) -> Int {
        let count = managed(members).count
        return switch members.rule.policy {
        case .all: count
        case .quorum(let number): min(number, count)
        case .any: min(1, count)
        }
    }

    /// Whether the boot waits without limit for something that this volume is part of.
    func isNeeded(_ index: Int) -> Bool {
        guard volumes[index].isManaged, !volumes[index].isOpen else { return false }
        if volumes[index].required { return true }
        return arrays.contains { $0.volumes.contains(index) && openCount($0) < needed($0) }
    }

    /// Whether all that the boot needs is open.
    var isSatisfied: Bool {
        !volumes.indices.contains { isNeeded($0) }
    }

    /// The volumes that the boot would like to have but does not need, and that may still open.
    var wished: [Int] {
        volumes.indices.filter {
            volumes[$0].isClosed && !isNeeded($0) && !isExhausted($0) && !isOverdue($0)
        }
    }

    /// Whether as many wrong passphrases came as `tries=` of crypttab(5) allows. What the boot cannot go on without is
    /// never given up.
    func isExhausted(_ index: Int) -> Bool {
        // systemd counts by itself.
        guard let tries = volumes[index].entry.options.tries, tries > 0, !volumes[index].isWatched else { return false }
        return volumes[index].wrong >= tries && !isNeeded(index)
    }

    /// How long the boot waits for a volume it does not need, in milliseconds: `timeout=` of crypttab(5), or
    /// `ContinueTimeout`.
    func patience(_ index: Int) -> Int64 {
        guard let seconds = volumes[index].entry.options.timeout, seconds > 0 else { return continueTimeout }
        return Int64(seconds) * 1000
    }

    /// Tells the boot to go on once the policy is met, and the time for the rest is over.
    mutating func decide(now: Int64) {
        guard !volumes.indices.contains(where: { isNeeded($0) && !volumes[$0].isDataset }) else {
            satisfiedSince = nil
            return
        }
        let wished = wished
        let since = satisfiedSince ?? now
        let isOver = wished.allSatisfy { now >= since + patience($0) }
        if satisfiedSince == nil, !isOver {
            let event = [
                LogField.event("boot-can-continue"), .list("POSTERN_VOLUMES", wished.map { volumes[$0].name }),
            ]
            actions.append(.log(.notice, "the boot can go on; waiting for \(joined(wished))", event))
        }
        satisfiedSince = since
        guard isOver, !isWorthWaiting(now: now) else { return }
        if isSatisfied { goOn(now: now) } else { makeReady(now: now) }
    }

    /// Has the boot go on now, without what it does not need.
    ///
    /// - Returns: why it cannot, as a sentence, or `nil` when it does.
    public mutating func goOnNow(now: Int64) -> String? {
        guard !continues, !isStopped else { return "The agent is ending already." }
        let needed = volumes.indices.filter { isNeeded($0) && (isReady || !volumes[$0].isDataset) }
        guard needed.isEmpty else { return "The boot cannot do without: \(joined(needed))." }
        if isSatisfied { goOn(now: now) } else { makeReady(now: now) }
        return nil
    }

    /// A passphrase that is about to be tried, a key that is being derived and a volume that is being activated are worth
    /// some seconds more, though not a disk that hangs.
    private func isWorthWaiting(now: Int64) -> Bool {
        guard now < lastWait else { return false }
        return holdsUp(now: now)
            || tasks.contains { task in
                guard let volume = task.opens, !task.isQueued, !task.isOverdue else { return false }
                return volumes[volume].isClosed || task.activates
            }
    }

    /// When the boot goes on though keys are still being derived.
    private var lastWait: Int64 {
        (satisfiedSince ?? 0) + (wished.map { patience($0) }.max() ?? 0) + Plan.derivationGrace
    }

    /// Whether the boot waits for a device that is not there.
    func missing(now: Int64) -> Bool {
        volumes.indices.contains { index in
            guard isNeeded(index) else { return false }
            switch status(of: index, now: now).state {
            case .deviceMissing, .waitingForKey, .unattended: return true
            case .checking, .locked, .queued, .trying, .open, .failed, .left: return false
            }
        }
    }

    /// What the boot waits for, for a person, as a sentence or more.
    func obstacles(now: Int64) -> String {
        var texts: [String] = []
        for index in volumes.indices where isNeeded(index) {
            let status = status(of: index, now: now)
            switch status.state {
            case .deviceMissing where status.detail.isEmpty:
                texts.append("\(status.name): device \(status.device) is missing")
            case .deviceMissing: texts.append("\(status.name): \(status.detail)")
            case .queued where !status.detail.isEmpty: texts.append("\(status.name): \(status.detail)")
            case .failed, .waitingForKey: texts.append("\(status.name): \(status.detail)")
            case .unattended: texts.append("\(status.name): systemd opens it by \(status.detail)")
            case .checking, .locked, .queued, .trying, .open, .left: break
            }
        }
        return texts.isEmpty ? "" : texts.joined(separator: "; ") + "."
    }

    /// When `next` has something to do without anything else happening, or `nil`. It lies after `now`.
    ///
    /// A time that has passed since `next` was last asked is not lost: it is due at once.
    public func deadline(now: Int64) -> Int64? {
        guard !continues, !isStopped else { return nil }
        var times: [Int64] = []
        for attempt in attempts {
            switch attempt.phase {
            case .running: break
            case .waiting(let since):
                if let key = attempt.requester.key { times.append(brake.earliest(for: key)) }
                times.append(since + requesterPatience)
                times.append(since + Plan.headerGrace)
            case .answered(let since): if !attempt.requester.terminal { times.append(since + requesterPatience) }
            }
        }
        for task in tasks {
            if let end = task.end { times.append(end) }
        }
        for source in sources { times.append(lastProgress + source.grace) }
        if volumes.contains(where: { $0.isWatched && $0.isClosed }) { times.append(lastProgress + Plan.longestAbsence) }
        if let satisfiedSince {
            for index in wished { times.append(satisfiedSince + patience(index)) }
            times.append(lastWait)
        }
        return times.filter { $0 > lastNext }.min().map { max($0, now + 1) }
    }
}
