internal import Linux
internal import Plan
internal import Wire

/// Workers: what they are started for, and what they report.
extension Monitor {
    /// Probes at a time: a disk that hangs must not hold up the others for long.
    private static let mostProbes = 4
    /// How long a probe counts as one of them, in milliseconds: a dead disk has many devices, and their probes hang.
    private static let probePatience: Int64 = 10_000

    func startJob(_ job: Int, _ work: Job) {
        switch work {
        case .inspect(let order): startWorker(.inspect(order), .job(job, source: nil))
        case .readKey(let order, let source): startWorker(.readKey(order), .job(job, source: source))
        case .unlockWithPassphrase(let order, let secret): startWorker(.unlock(order, secret), .job(job, source: nil))
        case .unlockWithKey(let order, let source):
            guard source < keys.count, let key = keys[source] else {
                plan.ended(job, .done(.failed("its key is not there any more")), now: Clock.now())
                return
            }
            startWorker(.unlock(order, key), .job(job, source: nil))
        }
    }

    /// - Returns: why none was started, or `nil`.
    @discardableResult
    func startWorker(_ order: WorkerOrder, _ kind: WorkerRecord.Kind) -> String? {
        do throws(SystemError) {
            let pair = try FileDescriptor.socketPair()
            let process = try ChildProcess.spawn(.worker, descriptors: [pair.second.number])
            let worker = WorkerRecord(process: process, socket: pair.takeFirst(), kind: kind)
            workers.append(worker)
            send(order, to: worker)
            return nil
        } catch {
            let reason = "no worker: \(error.description)"
            record(.error, reason)
            if case .job(let job, _) = kind { plan.ended(job, .done(.failed(reason)), now: Clock.now()) }
            return reason
        }
    }

    /// Sends to a worker; one that does not take it is ended.
    private func send(_ order: WorkerOrder, to worker: WorkerRecord) {
        guard case .sent = worker.endpoint.send(order) else { return ChildProcess.kill(worker.process) }
    }

    func killWorker(of job: Int) {
        for worker in workers {
            guard case .job(job, _) = worker.kind else { continue }
            worker.isDone = true
            stopWorker(worker)
        }
    }

    /// Ends a worker. One that reads a key file ends by itself when its socket closes, for killed it could leave the
    /// key volume's device read-only.
    func stopWorker(_ worker: WorkerRecord) {
        if case .job(_, .some) = worker.kind {
            worker.endpoint.shutDown()
        } else {
            ChildProcess.kill(worker.process)
        }
    }

    /// When a probe that hangs stops to hold up those that wait, or `nil`.
    func probeDeadline(now: Int64) -> Int64? {
        guard !probes.isEmpty else { return nil }
        return workers.filter { $0.probes != nil }.map { $0.started + Monitor.probePatience }.filter { $0 > now }.min()
    }

    /// Whether devices are being looked at or wait for that. One whose probe hangs does not count.
    var isLooking: Bool {
        let now = Clock.now()
        return workers.contains { $0.probes != nil && !$0.isDone && now < $0.started + Monitor.probePatience }
            || probes.contains { path in !workers.contains { $0.probes == path } }
    }

    /// Looks at the devices that wait for it, a few at a time.
    func startProbes() {
        guard ending == nil else { return }
        // One at a time of a device, so that the last answer is the newest.
        while let index = probes.firstIndex(where: { path in !workers.contains { $0.probes == path } }) {
            let now = Clock.now()
            let young = workers.count { $0.probes != nil && now < $0.started + Monitor.probePatience }
            guard young < Monitor.mostProbes else { return }
            let path = probes.remove(at: index)
            startWorker(.probe(device: path), .probe(path))
        }
    }

    /// The device has gone: what a worker still says of it is out of date.
    func forgetProbe(of path: String) {
        probes.removeAll { $0 == path }
        for worker in workers where worker.probes == path { worker.isDone = true }
    }

    /// Frames taken from one child a turn: it must not keep the loop from the others.
    static let mostFrames = 16

    func readFrames(from worker: WorkerRecord, _ events: PollSet.Events, most: Int = Monitor.mostFrames) {
        guard !events.isEmpty, !worker.isClosed else { return }
        if events.contains(.writable) { worker.endpoint.flush() }
        for _ in 0..<most {
            switch worker.endpoint.receive() {
            case .nothing: return
            case .closed:
                // If it sent no answer, its exit status counts as one, and follows.
                worker.isClosed = true
                return
            case .message(let report): handle(report, from: worker)
            case .malformed(let error):
                record(.error, "worker: \(error.description)")
                ChildProcess.kill(worker.process)
                worker.isClosed = true
                return
            }
        }
    }

    private func handle(_ report: WorkerReport, from worker: WorkerRecord) {
        if case .log(let level, let line) = report {
            record(level, line)
            return
        }
        let now = Clock.now()
        switch worker.kind {
        case .probe(let path):
            if case .probed(let tags) = report, !worker.isDone {
                plan.probed(path, tags, now: now)
                // A symlink to the device has no event of its own.
                for link in plan.watchedPaths where link != path && Files.resolved(link) == path {
                    plan.path(link, isThere: true, now: now)
                }
            }
            worker.isDone = true
        case .closing: break
        case .entries(let ask): entriesAnswered(worker, ask, report)
        case .job(let job, let source):
            switch report {
            case .requestsActivation:
                let isPermitted = !worker.isDone && plan.permitActivation(job, now: now)
                send(.activationPermitted(isPermitted), to: worker)
            case .inspected(let facts): endJob(of: worker, job, .inspected(facts))
            case .done(let outcome): endJob(of: worker, job, .done(outcome))
            case .key(let key):
                guard let source, !worker.isDone else { return }
                while keys.count <= source { keys.append(nil) }
                keys[source] = key
                endJob(of: worker, job, .keyRead)
            case .probed, .log, .entries, .entryChosen: break
            }
        }
    }

    private func endJob(of worker: WorkerRecord, _ job: Int, _ report: JobReport) {
        guard !worker.isDone else { return }
        worker.isDone = true
        plan.ended(job, report, now: Clock.now())
    }

    /// All processes that were started and have not ended, as far as this one knows.
    var children: [StartedProcess] {
        sessions.map { $0.process } + signers.map { $0.process } + workers.map { $0.process }
            + shells.compactMap { $0.shell?.process } + [notifications.process, unsealing?.process].compactMap { $0 }
    }

    /// Removes the record of a child that has ended, after its last frames were read.
    func handleExit(of exited: ExitedProcess) {
        // Mark it first: a frame read below may make the monitor kill it.
        for child in children where child.id == exited.id { child.wasReaped() }
        if let worker = workers.first(where: { $0.process.id == exited.id }) {
            // What it said last may still be in its socket.
            readFrames(from: worker, .readable, most: .max)
            if case .job(let job, _) = worker.kind { endJob(of: worker, job, .died(exited.status)) }
            workers.removeAll { $0 === worker }
            if case .entries(let ask) = worker.kind { entriesEnded(worker, ask) }
        } else if let session = sessions.first(where: { $0.process.id == exited.id }) {
            readFrames(from: session, .readable, most: .max)
            removeSession(session, exited.status)
        } else if let signer = signers.first(where: { $0.process.id == exited.id }) {
            removeSigner(signer, exited.status)
        } else if let shell = shells.first(where: { $0.shell?.process.id == exited.id }) {
            removeShell(shell, exited)
        } else if unsealing?.process?.id == exited.id {
            unsealing?.ended(exited.status)
        } else if notifications.process?.id == exited.id, let line = notifications.returned(exited.status) {
            record(.info, line)
        }
    }
}
