internal import Config
internal import Wire

/// How volumes and key files come along: devices appear, headers and key files are read, keys are tried.
extension Plan {
    /// A device is there, has changed, or has gone: what depends on it is looked at again.
    mutating func deviceChanged(_ path: String, now: Int64) {
        for index in volumes.indices where volumes[index].isOurs {
            let before = (volumes[index].place, volumes[index].headerIsThere)
            volumes[index].place = devices.place(of: volumes[index].entry.device, type: volumes[index].type)
            if let header = volumes[index].headerPath {
                volumes[index].headerIsThere = devices.place(of: .path(header)) != .missing
            }
            let isSame = before.0 == volumes[index].place && before.1 == volumes[index].headerIsThere
            // Its own device may have been written to, such as a header that was just restored.
            guard !isSame || volumes[index].device == path else { continue }
            guard volumes[index].phase != .open else { continue }
            if !isSame { lastProgress = now }
            if case .failed = volumes[index].phase { volumes[index].phase = .closed }
            volumes[index].facts = nil
            volumes[index].inspecting = nil
        }
        for index in sources.indices { placeSource(index, changed: path, now: now) }
    }

    private mutating func placeSource(_ index: Int, changed path: String, now: Int64) {
        guard let device = sources[index].device, keyFolder == nil, !rehearsal else { return }
        let place = devices.place(of: device)
        switch (place, sources[index].state) {
        case (.missing, .ready), (.missing, .reading): break
        case (.missing, _): sources[index].state = .missing
        case (.ambiguous(let paths), let state):
            if state != .ready { sources[index].state = .ambiguous(paths) }
        case (.at, .missing), (.at, .ambiguous):
            sources[index].state = .missing
            lastProgress = now
        case (.at(let found), .problem):
            // A change of the volume itself, such as a stick put in again, is another chance.
            if found == path { sources[index].state = .missing }
        case (.at, .ready), (.at, .reading): break
        }
    }

    /// Starts to read the header of a volume whose device is there, and tries what needs nobody.
    mutating func prepare(_ index: Int) {
        guard volumes[index].phase == .closed, let order = volumes[index].order(rehearsal: rehearsal) else { return }
        guard volumes[index].facts != nil else {
            guard volumes[index].inspecting == nil else { return }
            let job = newJob(.inspect(volume: index))
            volumes[index].inspecting = job
            start(job, .inspect(order))
            return
        }
        if volumes[index].entry.options.tryEmptyPassword, !volumes[index].emptyTried {
            volumes[index].emptyTried = true
            _ = newJob(.empty(volume: index))
        }
        if let source = volumes[index].source, sources[source].state == .ready, !volumes[index].keyTried {
            volumes[index].keyTried = true
            _ = newJob(.key(volume: index, source: source))
        }
    }

    /// Reads a key file that can be read and that somebody waits for.
    mutating func prepareSource(_ index: Int) {
        let source = sources[index]
        let isWanted = volumes.contains { $0.source == index && $0.phase == .closed }
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
        }
        let job = newJob(.readKey(source: index))
        sources[index].state = .reading(job: job)
        start(job, .readKey(order, source: index))
    }

    mutating func inspected(_ index: Int, _ job: Int, _ report: JobReport, now: Int64) {
        guard volumes[index].inspecting == job else { return }
        volumes[index].inspecting = nil
        switch report {
        case .inspected(let facts):
            if facts.active {
                opened(index, by: nil, now: now)
            } else if let token = facts.tokens.first(where: { $0 == "clevis" }), !volumes[index].isTaken {
                volumes[index].phase = .left("its header has a \(token) binding")
            }
            volumes[index].facts = facts
        case .keyRead: break
        case .done(.failed(let reason)): volumes[index].phase = .failed(reason)
        case .done: volumes[index].phase = .failed("its header could not be read")
        case .died(let status): volumes[index].phase = .failed(Plan.died(status))
        }
        if case .failed(let reason) = volumes[index].phase {
            actions.append(.log(.warning, "\(volumes[index].name): \(reason)"))
        }
    }

    mutating func keyRead(_ index: Int, _ report: JobReport, now: Int64) {
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
        if case .problem(let reason) = sources[index].state { actions.append(.log(.warning, reason)) }
    }

    mutating func keyTried(_ index: Int, _ source: Int, _ job: Int, _ outcome: JobOutcome, now: Int64) {
        release(index, job)
        switch outcome {
        case .opened: opened(index, by: sources[source].title, now: now)
        case .alreadyOpen: if volumes[index].phase == .closed { opened(index, by: nil, now: now) }
        case .wrongKey: volumes[index].keyProblem = "\(sources[source].title) does not open it"
        case .failed(let reason): volumes[index].keyProblem = reason
        }
        if !volumes[index].keyProblem.isEmpty {
            actions.append(.log(.warning, "\(volumes[index].name): \(volumes[index].keyProblem)"))
        }
    }

    /// The volume is open; whoever still tries it need not.
    mutating func opened(_ index: Int, by whom: String?, now: Int64) {
        guard volumes[index].phase != .open else { return }
        volumes[index].phase = .open
        volumes[index].activating = nil
        lastProgress = now
        let name = volumes[index].name
        actions.append(.log(.notice, whom.map { "\(name): opened by \($0)" } ?? "\(name): is open already"))
        for task in tasks where task.opens == index {
            tasks.removeAll { $0.job == task.job }
            schedule.end(task.job)
            if task.started != nil { actions.append(.kill(job: task.job)) }
            if case .passphrase(_, let attempt) = task.kind {
                answer(attempt, index, TryResult(name: name, outcome: .alreadyOpen), now: now)
            }
        }
    }

    mutating func release(_ index: Int, _ job: Int) {
        if volumes[index].activating == job { volumes[index].activating = nil }
    }

    func outcome(of report: JobReport) -> JobOutcome {
        switch report {
        case .done(let outcome): outcome
        case .died(let status): .failed(Plan.died(status))
        case .inspected, .keyRead: .failed("its worker gave the wrong answer")
        }
    }

    static func died(_ status: Int32) -> String {
        status > 128
            ? "its worker was ended by signal \(status - 128)" : "its worker ended early with status \(status)"
    }

    mutating func start(_ job: Int, _ work: Job) {
        actions.append(.start(job: job, work))
    }
}
