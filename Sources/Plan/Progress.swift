internal import Config
internal import Linux
internal import Wire

/// How volumes and key files come along: devices appear, headers and key files are read, keys are tried.
extension Plan {
    /// A device is there, has changed, or has gone: what depends on it is looked at again.
    ///
    /// `isFirst` says that nothing was known yet of what it carries.
    mutating func deviceChanged(_ path: String, isFirst: Bool = false, now: Int64) {
        for index in volumes.indices where volumes[index].isManaged && !volumes[index].isDataset {
            let before = (volumes[index].place, volumes[index].headerIsThere)
            volumes[index].place = devices.place(of: volumes[index].entry.device, type: volumes[index].type)
            if let header = volumes[index].headerPath {
                volumes[index].headerIsThere = devices.place(of: .path(header)) != .missing
            }
            let isSame = before.0 == volumes[index].place && before.1 == volumes[index].headerIsThere
            // Its own device may have a new header. A failed volume that is named by path may be on the changed device
            // under another name, such as a symlink's target, or a member of an array that is now complete.
            guard !isSame || volumes[index].device == path || volumes[index].isFailedPath else { continue }
            guard !volumes[index].isOpen else { continue }
            // A header behind a path may be read before the first probe of its device. That probe brings nothing new,
            // and must not take back the prompt or delay a passphrase.
            if isSame, isFirst, volumes[index].isLocked { continue }
            if !isSame {
                lastProgress = now
                // Another disk may stand there now.
                volumes[index].keyTried = false
                volumes[index].keyProblem = ""
                volumes[index].emptyTried = false
                volumes[index].complaint = ""
            }
            readAgain(index)
        }
        for index in sources.indices { placeSource(index, changed: path, now: now) }
    }

    /// Has the header of a volume that is not open read anew.
    mutating func readAgain(_ index: Int) {
        if volumes[index].nameIsTaken {
            // A key that could not be tried for that has another turn.
            volumes[index].keyTried = false
            volumes[index].keyProblem = ""
            volumes[index].emptyTried = false
        }
        if case .reading(let job, _) = volumes[index].state { drop(job) }
        volumes[index].state = volumes[index].device == nil ? .waiting : .unread(deaths: 0)
    }

    /// A mapping has gone, or has another name: what waited for a name may have it now.
    mutating func lookForNames() {
        for index in volumes.indices where volumes[index].nameIsTaken { readAgain(index) }
    }

    private mutating func placeSource(_ index: Int, changed path: String, now: Int64) {
        guard sources[index].device == nil || !rehearsal else { return }
        let place = devices.place(of: sources[index].device ?? .path(sources[index].path))
        let isSame = place == sources[index].place
        sources[index].place = place
        guard !isSame || place == .at(path) else { return }
        if !isSame, case .at = place { lastProgress = now }
        switch (place, sources[index].state) {
        // A key that is read, or being read, needs no key volume.
        case (_, .ready): break
        case (.ambiguous(let paths), let state):
            if case .reading(let job) = state { drop(job) }
            sources[index].state = .ambiguous(paths)
        case (_, .reading): sources[index].isChanged = true
        // A change of the volume itself, such as a stick put in again, is another chance.
        case (.missing, _), (.at, _): sources[index].state = .missing
        }
    }

    /// Starts to read the header of a volume whose device is there; tries the empty passphrase and the key file if it has been
    /// read.
    mutating func prepare(_ index: Int, now: Int64) {
        guard let order = volumes[index].order(rehearsal: rehearsal) else { return }
        if case .unread(let deaths) = volumes[index].state {
            let job = newJob(.inspect(volume: index), .running(since: now))
            volumes[index].state = .reading(job: job, deaths: deaths)
            startJob(job, .inspect(order))
        }
        guard volumes[index].isLocked, !volumes[index].isWatched else { return }
        if volumes[index].entry.options.tryEmptyPassword, !volumes[index].emptyTried {
            volumes[index].emptyTried = true
            _ = newJob(.empty(volume: index))
        }
        if let source = volumes[index].source, sources[source].state == .ready, !volumes[index].keyTried,
            !tasks.contains(where: { $0.triesKey(on: index) })
        {
            volumes[index].keyTried = true
            _ = newJob(.key(volume: index, source: source))
        }
    }

    /// Reads a key file that can be read and that somebody waits for.
    mutating func prepareSource(_ index: Int, now: Int64) {
        let source = sources[index]
        let isWanted = volumes.contains { $0.source == index && $0.isClosed }
        guard isWanted else {
            if source.state == .ready {
                sources[index].state = .missing
                actions.append(.forgetKey(source: index))
            }
            return
        }
        guard source.state == .missing else { return }
        var order = KeyOrder(device: nil, folder: nil, path: source.path, offset: source.offset, size: source.size)
        if let device = source.device {
            if rehearsal {
                guard let keyFolder else {
                    sources[index].state = .problem(
                        "\(source.title): a rehearsal mounts nothing; name a folder in its place with --key-volume")
                    return
                }
                order.folder = keyFolder
            } else {
                guard case .at(let path) = devices.place(of: device) else { return }
                order.device = path
            }
        } else if source.medium != nil, source.place == .missing {
            return
        }
        let job = newJob(.readKey(source: index), .running(since: now))
        sources[index].state = .reading(job: job)
        sources[index].isChanged = false
        startJob(job, .readKey(order, source: index))
    }

    mutating func inspected(_ index: Int, by job: Int, _ report: JobReport, now: Int64) {
        // It may have been opened meanwhile.
        guard case .reading(job, let deaths) = volumes[index].state else { return }
        switch report {
        case .inspected(let facts):
            volumes[index].state = .locked(facts)
            if facts.taken.isEmpty { volumes[index].complaint = "" }
            if facts.active {
                // If a worker is activating it, it will report.
                wasOpen(index, now: now)
            } else if volumes[index].isAbandoned {
                takeOver(index, now: now)
            } else if !volumes[index].isClaimed,
                let reason = volumes[index].entry.reasonLeft(tokens: facts.tokens, for: system)
            {
                leaveToNativeOpener(index, .notice, reason)
            } else if !facts.taken.isEmpty, !isBeingActivated(index) {
                // What is being activated has no table for a moment, and its worker tells how that ends.
                fail(index, Volume.Failure(reason: facts.taken, facts: facts, nameIsTaken: true))
            }
            leaveTwins(of: index, on: facts.device)
        case .done(.failed(let reason)): fail(index, Volume.Failure(reason: reason))
        case .keyRead, .done: fail(index, Volume.Failure(reason: "its header could not be read"))
        case .died(let status):
            guard deaths + 1 < Plan.mostDeaths else {
                fail(index, Volume.Failure(reason: Plan.died(status)))
                return
            }
            volumes[index].state = .unread(deaths: deaths + 1)
            actions.append(.log(.warning, "\(volumes[index].name): \(Plan.died(status)); once more"))
        }
    }

    mutating func leaveToNativeOpener(
        _ index: Int, _ level: LogLevel, _ reason: String, isTwin: Bool = false
    ) {
        volumes[index].state = .left(
            Volume.Left(reason: reason, facts: volumes[index].facts, isTwin: isTwin))
        actions.append(
            .log(level, "\(volumes[index].name): left, \(reason)", event("volume-left", index, reason)))
    }

    /// Of two lines that name one device and one header, the first is kept, or the one that is open: a device is opened
    /// once, and the boot would wait for ever for the other.
    private mutating func leaveTwins(of index: Int, on device: String) {
        guard !device.isEmpty else { return }
        let header = volumes[index].headerPath
        let same = volumes.indices.filter {
            volumes[$0].isManaged && volumes[$0].facts?.device == device && volumes[$0].headerPath == header
        }
        guard let kept = same.first(where: { isOpening($0) }) ?? same.first else { return }
        for twin in same where twin != kept && !isOpening(twin) {
            let reason = "its device is that of \(volumes[kept].name), which holds"
            leaveToNativeOpener(twin, .warning, reason, isTwin: true)
        }
    }

    private func isOpening(_ index: Int) -> Bool {
        volumes[index].isOpen || isBeingActivated(index)
    }

    private mutating func fail(_ index: Int, _ failure: Volume.Failure) {
        // Whether it is open cannot be seen either: the boot does not wait for that.
        if volumes[index].isWatched, !failure.nameIsTaken {
            return leaveToNativeOpener(index, .warning, failure.reason)
        }
        volumes[index].state = .failed(failure)
        guard volumes[index].complaint != failure.reason else { return }
        volumes[index].complaint = failure.reason
        actions.append(
            .log(
                .warning, "\(volumes[index].name): \(failure.reason)",
                event("volume-failed", index, failure.reason)))
    }

    mutating func keyRead(_ index: Int, _ report: JobReport) {
        switch report {
        case .keyRead: sources[index].state = .ready
        case .done(.failed(let reason)): sources[index].state = .problem(reason)
        case .died(let status): sources[index].state = .problem("\(sources[index].title): \(Plan.died(status))")
        case .inspected, .done: sources[index].state = .problem("\(sources[index].title) could not be read")
        }
        for volume in volumes.indices where volumes[volume].source == index {
            volumes[volume].keyTried = false
            volumes[volume].keyProblem = ""
        }
        guard case .problem(let reason) = sources[index].state else { return }
        let event = LogField.event("key-file-failed")
        actions.append(.log(.warning, reason, [event, sources[index].field, LogField("POSTERN_REASON", reason)]))
        // Its device has changed meanwhile: read it again.
        if sources[index].isChanged { sources[index].state = .missing }
    }

    mutating func keyTried(_ index: Int, _ source: Int, _ outcome: Task.Outcome, since: Int64?, now: Int64) {
        var event = "try-failed"
        switch outcome {
        case .opened: opened(index, by: sources[source].title, [sources[source].field], since: since, now: now)
        case .alreadyOpen:
            wasOpen(index, now: now)
            // Who is about to activate it may fail: then the key has another turn.
            if volumes[index].isClosed { volumes[index].keyTried = false }
        case .wrongKey:
            volumes[index].keyProblem = "\(sources[source].title) does not open it"
            event = "wrong-key-file"
        case .failed(let reason): volumes[index].keyProblem = reason
        }
        let problem = volumes[index].keyProblem
        guard !problem.isEmpty else { return }
        actions.append(
            .log(
                .warning, "\(volumes[index].name): \(problem)",
                self.event(event, index, problem) + [sources[source].field]))
    }

    mutating func emptyTried(_ index: Int, _ outcome: Task.Outcome, since: Int64?, now: Int64) {
        switch outcome {
        case .opened: opened(index, by: "an empty passphrase", since: since, now: now)
        case .alreadyOpen: wasOpen(index, now: now)
        case .wrongKey: break
        case .failed(let reason):
            actions.append(.log(.warning, "\(volumes[index].name): \(reason)", event("try-failed", index, reason)))
        }
    }

    /// A worker found the mapping. If another worker is making it, wait for that one's report.
    mutating func wasOpen(_ index: Int, now: Int64) {
        if volumes[index].isWatched { return openedNatively(index, now: now) }
        if !isBeingActivated(index) { opened(index, by: nil, now: now) }
    }

    /// The volume is open; whoever still tries it need not. `since` is when a worker began with the key.
    mutating func opened(_ index: Int, by whom: String?, _ fields: [LogField] = [], since: Int64? = nil, now: Int64) {
        guard !volumes[index].isOpen else { return }
        volumes[index].state = .open(volumes[index].facts)
        lastProgress = now
        let name = volumes[index].name
        var text = whom.map { "\(name): opened by \($0)" } ?? "\(name): is open already"
        var event = event("volume-open", index)
        if let since {
            let seconds = Clock.seconds(now - since)
            text += " in " + seconds + " s"
            event.append(.number("POSTERN_SECONDS", seconds))
        }
        actions.append(.log(.notice, text, event + fields))
        for task in tasks where task.opens == index {
            tasks.removeAll { $0.job == task.job }
            schedule.end(task.job)
            if !task.isQueued, !task.isNative { actions.append(.kill(job: task.job)) }
            if let attempt = task.attempt {
                answer(attempt, index, TryResult(name: name, outcome: .alreadyOpen), now: now)
            }
        }
    }

    /// What a job that opens `volume` came to, or `nil` when it is to be done once more.
    mutating func outcome(of report: JobReport, _ task: Task, _ volume: Int) -> Task.Outcome? {
        switch report {
        case .done(.notPermitted):
            guard case .refused = task.state else { return .failed("its worker gave the wrong answer") }
            // Its key is right, but another job may activate: it is this one's turn only if that one fails.
            switch volumes[volume].state {
            case .open: return .alreadyOpen
            case .failed(let failure): return .failed(failure.reason)
            case .left(let left): return .failed(left.reason)
            case .waiting, .unread, .reading, .locked:
                // Nobody is kept waiting for what is overdue; a key file has the time.
                if case .passphrase = task.kind, isOverdue(volume) { return .failed(Plan.overdue) }
                if isStopped { return .failed("the agent ends") }
                _ = newJob(task.kind)
                return nil
            }
        case .done(.opened): return .opened
        case .done(.alreadyOpen): return .alreadyOpen
        case .done(.wrongKey): return .wrongKey
        case .done(.failed(let reason)): return .failed(reason)
        case .died(let status):
            let memory = task.memory >> 10
            // Probably the OOM killer, but hardly for less than 64 MiB.
            guard status == 137, memory >= 64 else { return .failed(Plan.died(status)) }
            return .failed("\(Plan.died(status)); its key derivation takes \(memory) MiB of memory")
        case .inspected, .keyRead: return .failed("its worker gave the wrong answer")
        }
    }

    /// What is said of a volume whose activation is overdue.
    static let overdue = "its activation has not ended after \(longestActivation / 1000) seconds"

    static func died(_ status: Int32) -> String {
        status > 128
            ? "its worker was ended by signal \(status - 128)" : "its worker ended early with status \(status)"
    }

    mutating func startJob(_ job: Int, _ work: Job) {
        actions.append(.start(job: job, work))
    }
}
