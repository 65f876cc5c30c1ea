internal import Config
internal import Wire

/// An array of postern.conf and the volumes it holds.
struct Members {
    let rule: ArrayRule
    let volumes: [Int]

    /// How many of them the boot needs. A quorum of more than there are is all of them.
    var needed: Int {
        switch rule.policy {
        case .all: volumes.count
        case .quorum(let number): min(number, volumes.count)
        case .any: min(1, volumes.count)
        }
    }
}

/// When the boot goes on.
extension Plan {
    func openCount(_ members: Members) -> Int {
        members.volumes.count { volumes[$0].phase == .open }
    }

    /// Whether the boot waits without limit for something that this volume is part of.
    func isNeeded(_ index: Int) -> Bool {
        guard volumes[index].isOurs, volumes[index].phase != .open else { return false }
        if volumes[index].required { return true }
        return arrays.contains { $0.volumes.contains(index) && openCount($0) < $0.needed }
    }

    /// Whether all that the boot needs is open.
    var isSatisfied: Bool {
        !volumes.indices.contains { isNeeded($0) }
    }

    /// The volumes that the boot would like to have but does not need, and that may still open.
    var wished: [Int] {
        volumes.indices.filter { volumes[$0].phase == .closed && !isNeeded($0) }
    }

    /// How long the boot waits for a volume it does not need, in milliseconds: `timeout=` of crypttab(5), or
    /// `ContinueTimeout`.
    func patience(_ index: Int) -> Int64 {
        guard let seconds = volumes[index].entry.options.timeout, seconds > 0 else { return continueTimeout }
        return Int64(seconds) * 1000
    }

    /// Tells the boot to go on once the policy is met, and the time for the rest is over.
    mutating func decide(now: Int64) {
        guard isSatisfied else {
            satisfiedSince = nil
            return
        }
        let wished = wished
        guard let since = satisfiedSince else {
            satisfiedSince = now
            if wished.isEmpty {
                goOn(now: now)
            } else {
                actions.append(.log(.notice, "the boot can go on; waiting for \(joined(wished))"))
            }
            return
        }
        // A key that is being derived for one of them is worth its few seconds more.
        guard !tasks.contains(where: { $0.opens != nil && $0.started != nil }) else { return }
        if wished.allSatisfy({ now >= since + patience($0) }) { goOn(now: now) }
    }

    /// Whether the boot waits for a device that is not there.
    func missing(now: Int64) -> Bool {
        volumes.indices.contains { index in
            guard isNeeded(index) else { return false }
            return picture(of: index, now: now).state == .deviceMissing
                || picture(of: index, now: now).state == .waitingForKey
        }
    }

    /// What the boot waits for, for a person, as a sentence or more.
    func obstacles(now: Int64) -> String {
        var texts: [String] = []
        for index in volumes.indices where isNeeded(index) {
            let status = picture(of: index, now: now)
            switch status.state {
            case .deviceMissing: texts.append("\(status.name): device \(status.device) is missing")
            case .failed, .waitingForKey: texts.append("\(status.name): \(status.detail)")
            case .locked, .queued, .trying, .open, .left: break
            }
        }
        return texts.isEmpty ? "" : texts.joined(separator: "; ") + "."
    }

    /// When `next` has something to do without anything else happening, or `nil`.
    public func deadline(now: Int64) -> Int64? {
        guard !continues else { return nil }
        var times: [Int64] = []
        for attempt in attempts {
            switch attempt.phase {
            case .running: break
            case .waiting(let since):
                if let key = attempt.asker.key { times.append(brake.earliest(for: key)) }
                times.append(since + continueTimeout)
            case .answered(let since): times.append(since + continueTimeout)
            }
        }
        for source in sources { times.append(lastProgress + source.grace) }
        if let satisfiedSince {
            for index in wished { times.append(satisfiedSince + patience(index)) }
        }
        return times.filter { $0 > now }.min()
    }
}
