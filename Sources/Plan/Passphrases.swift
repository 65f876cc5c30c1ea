internal import Config
internal import Linux
internal import Wire

/// Passphrases on their way: each waits for its turn, is tried on every volume that asks, and is answered.
extension Plan {
    /// The volumes that a passphrase typed now is tried on.
    func asking(now: Int64) -> [Int] {
        volumes.indices.filter { asks($0, now: now) }
    }

    /// Those of them that this one's passphrase is for.
    func asking(_ requester: Requester, now: Int64) -> [Int] {
        asking(now: now).filter { requester.isFor(volumes[$0].name) }
    }

    /// Whether all volumes that the passphrase was for by their names are open.
    private func isServed(_ requester: Requester) -> Bool {
        !requester.only.isEmpty && volumes.allSatisfy { $0.isOpen || !requester.isFor($0.name) }
    }

    func asks(_ index: Int, now: Int64) -> Bool {
        volumes[index].isLocked && wantsPassphrase(index, now: now)
    }

    /// Whether a passphrase is to open it once its header has been read.
    private func wantsPassphrase(_ index: Int, now: Int64) -> Bool {
        let volume = volumes[index]
        if volume.isWatched { return question(of: index) != nil }
        if isExhausted(index) || isOverdue(index) { return false }
        guard let source = volume.source else { return true }
        if !volume.keyProblem.isEmpty { return true }
        switch sources[source].state {
        case .problem, .ambiguous: return true
        case .reading, .ready: return false
        // The key volume may lie in a volume that is still locked, or be on its way.
        case .missing: return !anyLockedWithoutKey && now >= lastProgress + sources[source].grace
        }
    }

    /// Whether a volume waits that only a passphrase opens: a key volume may come to light in it.
    var anyLockedWithoutKey: Bool {
        volumes.indices.contains { index in
            let volume = volumes[index]
            if volume.isWatched, question(of: index) == nil { return false }
            return volume.isClosed && volume.source == nil && volume.device != nil && !isExhausted(index)
                && !isOverdue(index)
        }
    }

    /// Whether its activation is overdue.
    func isOverdue(_ index: Int) -> Bool {
        tasks.contains { $0.opens == index && $0.isOverdue }
    }

    /// Whether a header is being read, or a device looked at, of a volume that would ask, too.
    private func readsHeaders(now: Int64) -> Bool {
        volumes.indices.contains { index in
            let volume = volumes[index]
            guard volume.isClosed, wantsPassphrase(index, now: now) else { return false }
            return volume.isReading || isLooking && volume.place == .missing
        }
    }

    /// Whether a passphrase is held up by headers that are being read: begun now, it would pass their volumes by. A disk
    /// that hangs holds it up for no more than `headerGrace`.
    private func isHeldUp(_ attempt: Attempt, now: Int64) -> Bool {
        guard case .waiting(let since) = attempt.phase else { return false }
        return now < since + Plan.headerGrace && readsHeaders(now: now)
    }

    /// Whether one is held up that there is something to try on.
    func holdsUp(now: Int64) -> Bool {
        !asking(now: now).isEmpty && attempts.contains { isHeldUp($0, now: now) }
    }

    /// The passphrases that nothing holds but the brake, each by its key and when it may be tried.
    public func held(now: Int64) -> [Hold] {
        guard !asking(now: now).isEmpty else { return [] }
        return attempts.compactMap { attempt in
            guard let key = attempt.requester.key, attempt.isWaiting, !isHeldUp(attempt, now: now) else { return nil }
            let hold = Hold(key: key, until: brake.earliest(for: key))
            return hold.until > now ? hold : nil
        }
    }

    /// How long one without a terminal waits for something that its passphrase can be tried on, or for what else the
    /// boot needs, in milliseconds.
    var requesterPatience: Int64 { max(continueTimeout, Plan.keyGrace) }

    /// Lets the passphrases that may be tried now begin: one of ssh's and one of the console's at a time.
    mutating func startAttempts(now: Int64) {
        let console = attempts.firstIndex { $0.isWaiting && $0.requester.key == nil && !isHeldUp($0, now: now) }
        if let console, !attempts.contains(where: { $0.isRunning && $0.requester.key == nil }) {
            begin(console, now: now)
        }
        guard !attempts.contains(where: { $0.isRunning && $0.requester.key != nil }) else { return }
        var best: Int?
        for index in attempts.indices where attempts[index].isWaiting && !isHeldUp(attempts[index], now: now) {
            guard let key = attempts[index].requester.key, brake.earliest(for: key) <= now else { continue }
            if let other = best, let otherKey = attempts[other].requester.key,
                brake.lastServed(otherKey) <= brake.lastServed(key)
            {
                continue
            }
            best = index
        }
        if let best { begin(best, now: now) }
    }

    private mutating func begin(_ index: Int, now: Int64) {
        let targets = asking(attempts[index].requester, now: now)
        // Without a target it waits on; `answerWaiting` gives it up in time.
        guard !targets.isEmpty else { return }
        if let key = attempts[index].requester.key { brake.served(key, now: now) }
        attempts[index].phase = .running(left: targets)
        let (id, requester) = (attempts[index].id, attempts[index].requester)
        for volume in targets {
            _ = newJob(
                volumes[volume].isWatched
                    ? .answer(volume: volume, attempt: id, by: requester)
                    : .passphrase(volume: volume, attempt: id, by: requester))
        }
    }

    /// Starts derivations as memory and cores allow, in the order in which they were asked for.
    mutating func startTasks(now: Int64, room: () -> Schedule.Room) {
        for task in tasks where task.isQueued {
            guard let volume = task.opens else { continue }
            guard volumes[volume].isClosed, let order = volumes[volume].order(rehearsal: rehearsal) else {
                ended(task.job, .done(.failed(whyNot(volume))), now: now)
                continue
            }
            if case .answer(_, let attempt, _) = task.kind {
                answerQuestion(of: volume, task.job, attempt, now: now)
                continue
            }
            // What it costs is being read; or it is about to be open.
            guard case .locked(let facts) = volumes[volume].state, !isBeingActivated(volume) else { continue }
            guard schedule.admits(facts.memory) else { return }
            guard let work = work(of: task, order), let index = tasks.firstIndex(where: { $0.job == task.job }) else {
                ended(task.job, .done(.failed("no locked memory for its passphrase")), now: now)
                continue
            }
            let room = schedule.isIdle ? room() : Schedule.Room(freeMemory: 0, cores: 1)
            schedule.start(task.job, memory: facts.memory, room: room)
            tasks[index].state = .running(since: now)
            tasks[index].memory = facts.memory
            startJob(task.job, work)
        }
    }

    private func work(of task: Task, _ order: VolumeOrder) -> Job? {
        switch task.kind {
        case .inspect, .readKey, .answer: nil
        case .key(_, let source): .unlockWithKey(order, source: source)
        case .empty: (try? SecretBytes(capacity: 1)).map { .unlockWithPassphrase(order, $0) }
        case .passphrase(_, let id, _):
            attempts.first { $0.id == id }?.secret.map { .unlockWithPassphrase(order, $0) }
        }
    }

    /// Why a key that waited for its turn on a volume is not tried on it.
    private func whyNot(_ index: Int) -> String {
        switch volumes[index].state {
        case .failed(let failure): failure.reason
        case .left(let left): left.reason
        case .open: "it is open already"
        case .waiting, .unread, .reading, .locked: "its device has gone"
        }
    }

    mutating func passphraseTried(
        _ index: Int, _ attempt: Int, _ outcome: Task.Outcome, by requester: Requester, since: Int64?,
        now: Int64
    ) {
        let name = volumes[index].name
        switch outcome {
        case .opened:
            if let key = requester.key { brake.cleared(key) }
            opened(index, by: requester.who, requester.fields, since: since, now: now)
            answer(attempt, index, TryResult(name: name, outcome: .opened), now: now)
        case .alreadyOpen:
            wasOpen(index, now: now)
            answer(attempt, index, TryResult(name: name, outcome: .alreadyOpen), now: now)
        case .wrongKey:
            volumes[index].wrong += 1
            answer(attempt, index, TryResult(name: name, outcome: .wrong), now: now)
        case .failed(let reason):
            let event = event("try-failed", index, reason)
            actions.append(.log(.warning, "\(name): \(reason)", event + requester.fields))
            answer(attempt, index, TryResult(name: name, outcome: .failed, detail: reason), now: now)
        }
    }

    /// Notes what became of a passphrase on one volume, and answers its prompt after the last.
    mutating func answer(_ id: Int, _ volume: Int, _ result: TryResult, now: Int64) {
        guard let index = attempts.firstIndex(where: { $0.id == id }),
            case .running(var left) = attempts[index].phase, left.contains(volume)
        else { return }
        left.removeAll { $0 == volume }
        attempts[index].results.append(result)
        attempts[index].phase = .running(left: left)
        guard left.isEmpty else { return }
        attempts[index].secret = nil
        let attempt = attempts[index]
        let delay = countAgainstKey(attempt, now: now)
        if !attempt.isGone {
            actions.append(
                .tried(attempt.requester.prompt, attempt.results, retryAfter: UInt16(clamping: delay / 1000)))
        }
        attempts[index].phase = .answered(since: now)
        if attempt.isGone { attempts.remove(at: index) }
    }

    /// Tells the brake and the log of a passphrase that opened nothing.
    ///
    /// - Returns: the delay until the key's next one, in milliseconds.
    private mutating func countAgainstKey(_ attempt: Attempt, now: Int64) -> Int64 {
        passphrases.count(attempt.results)
        let outcomes = attempt.results.map { $0.outcome }
        guard !outcomes.contains(.opened), outcomes.contains(.wrong) else { return 0 }
        let wrong = attempt.results.filter { $0.outcome == .wrong }.map { $0.name }
        let event = [LogField.event("wrong-passphrase"), .list("POSTERN_VOLUMES", wrong)]
        actions.append(
            .log(.notice, "wrong passphrase from \(attempt.requester.who)", event + attempt.requester.fields))
        return attempt.requester.key.map { brake.failed($0, now: now) } ?? 0
    }

    /// Ends each channel without a terminal with its exit code, as soon as the outcome of its passphrase is certain.
    mutating func answerWaiting(now: Int64) {
        for attempt in attempts where !attempt.isRunning {
            guard let (code, reason) = verdict(attempt, now: now) else { continue }
            if attempt.requester.terminal, let index = attempts.firstIndex(where: { $0.id == attempt.id }) {
                attempts[index].secret = nil
                attempts[index].phase = .answered(since: now)
                actions.append(.tried(attempt.requester.prompt, [], retryAfter: 0))
            } else {
                attempts.removeAll { $0.id == attempt.id }
                actions.append(.finish(attempt.requester.prompt, code, reason: reason))
            }
        }
    }

    /// The exit code of an attempt that is not running, or `nil` if undecided.
    private func verdict(_ attempt: Attempt, now: Int64) -> (ExitCode, String)? {
        switch attempt.phase {
        case .running: return nil
        case .waiting(let since):
            guard asking(attempt.requester, now: now).isEmpty, !isHeldUp(attempt, now: now) else { return nil }
            // At a terminal the prompt was taken back meanwhile.
            if attempt.requester.terminal || isServed(attempt.requester) { return (.done, "") }
            guard !isSatisfied, now >= since + requesterPatience else { return nil }
            return (shortfall(now: now), "Nothing waits for a passphrase. \(obstacles(now: now))")
        case .answered(let since):
            if attempt.requester.terminal { return nil }
            let outcomes = attempt.results.map { $0.outcome }
            guard outcomes.isEmpty || outcomes.contains(where: { $0 == .opened || $0 == .alreadyOpen }) else {
                if outcomes.contains(.wrong) { return (.wrongPassphrase, "") }
                return missing(now: now) ? (.deviceMissing, obstacles(now: now)) : (.internalError, "")
            }
            if isServed(attempt.requester) { return (.done, "") }
            let still = asking(attempt.requester, now: now)
            if still.contains(where: { isNeeded($0) || !attempt.requester.only.isEmpty }) {
                return (.partly, "Still locked: \(joined(still)).")
            }
            // A volume whose turn with a key file is still to come may be opened by that.
            let isTrying = tasks.contains { $0.opens.map(isOverdue) == false }
            guard !isSatisfied, now >= since + requesterPatience, !isTrying else { return nil }
            return (shortfall(now: now), obstacles(now: now))
        }
    }

    /// The exit code when the boot still waits and this passphrase can do no more.
    private func shortfall(now: Int64) -> ExitCode {
        if missing(now: now) { return .deviceMissing }
        return volumes.contains { $0.isOpen } ? .partly : .internalError
    }

    /// Whether a passphrase of that prompt is on its way, so that its answer is still to come.
    public func isAnswering(_ prompt: PromptAddress) -> Bool {
        attempts.contains { $0.requester.prompt == prompt && !($0.isAnswered && $0.requester.terminal) }
    }

    func joined(_ indices: [Int]) -> String {
        indices.map { volumes[$0].name }.joined(separator: ", ")
    }
}
