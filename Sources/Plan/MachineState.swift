internal import Config
internal import Linux
public import Wire

/// The plan as every prompt shows it.
extension Plan {
    /// The state of the machine at this time.
    public func machineState(now: Int64) -> MachineState {
        MachineState(
            host: host, waiting: UInt32(clamping: (now - began) / 1000), rehearsal: rehearsal, continues: continues,
            volumes: volumes.indices.map { status(of: $0, now: now) }, notices: notices(now: now),
            warning: warning)
    }

    /// The volumes that the boot needs by themselves, and the LUKS UUIDs that they must have, where those are known.
    public var indispensable: [(name: String, uuid: String?)] {
        var found: [(name: String, uuid: String?)] = []
        for volume in volumes where volume.required && volume.isManaged && !volume.isDataset {
            found.append((volume.name, volume.entry.identity))
        }
        return found
    }

    /// The names of the volumes that were refused, or could not be read or opened.
    public var failed: String {
        joined(volumes.indices.filter { if case .failed = volumes[$0].state { true } else { false } })
    }

    func status(of index: Int, now: Int64) -> VolumeStatus {
        let volume = volumes[index]
        let (state, detail, since) = standing(of: index, now: now)
        return VolumeStatus(
            name: volume.name, device: volume.entry.device.description, state: state, detail: detail,
            asks: !continues && asks(index, now: now), required: volume.required,
            seconds: UInt32(clamping: since.map { (now - $0) / 1000 } ?? 0))
    }

    private func standing(of index: Int, now: Int64) -> (VolumeState, String, Int64?) {
        let volume = volumes[index]
        switch volume.state {
        case .open: return (.open, "", nil)
        case .failed(let failure): return (.failed, failure.reason, nil)
        case .left(let left): return (.left, left.reason, nil)
        case .waiting:
            return standingOfTasks(index) ?? (.deviceMissing, volume.whatIsMissing, nil)
        case .unread, .reading: return standingOfTasks(index) ?? (.checking, "", nil)
        case .locked: return standingOfTasks(index) ?? standingOfKeys(index, now: now)
        }
    }

    /// Where a closed volume stands by the jobs that try to open it, or `nil` where there are none.
    private func standingOfTasks(_ index: Int) -> (VolumeState, String, Int64?)? {
        if continues { return (.left, "the boot goes on without it", nil) }
        if isOverdue(index) { return (.failed, Plan.overdue, nil) }
        let tasks = tasks.filter { $0.opens == index }
        if let started = tasks.compactMap({ $0.started }).min() { return (.trying, "", started) }
        return tasks.isEmpty ? nil : (.queued, "", nil)
    }

    /// Where a locked volume stands that nobody tries to open.
    private func standingOfKeys(_ index: Int, now: Int64) -> (VolumeState, String, Int64?) {
        let volume = volumes[index]
        if let method = volume.method {
            guard question(of: index) != nil else {
                let detail = volume.question.isEmpty ? method : "it has its answer"
                return (volume.isDataset ? .queued : .unattended, detail, nil)
            }
            if volume.isDataset { return (.locked, "ZFS asks for its passphrase", nil) }
            return (.locked, "systemd asks for a passphrase; \(method) has not opened it", nil)
        }
        if isExhausted(index) { return (.failed, "\(volume.wrong) wrong passphrases, all that tries= allows", nil) }
        guard let source = volume.source else { return (.locked, "", nil) }
        if !volume.keyProblem.isEmpty { return (.locked, volume.keyProblem, nil) }
        let reason = sources[source].reason
        return (asks(index, now: now) ? .locked : .waitingForKey, reason, nil)
    }

    private func notices(now: Int64) -> [String] {
        var texts: [String] = []
        for (index, source) in sources.enumerated() {
            guard volumes.contains(where: { $0.source == index && $0.isClosed }) else { continue }
            switch source.state {
            case .problem, .ambiguous: texts.append(source.reason)
            case .missing where now >= lastProgress + source.grace: texts.append(source.reason)
            case .missing, .reading, .ready: break
            }
        }
        for members in arrays {
            // How many are open is left out: each volume's state says it, and a text that changes is news each time.
            guard openCount(members) < needed(members) else { continue }
            texts.append("\(members.rule.name) needs \(needed(members)) of its \(managed(members).count) members")
        }
        if satisfiedSince != nil, !continues, !isReady {
            let seconds = (wished.map { patience($0) }.max() ?? 0) / 1000
            texts.append("the boot can go on; it waits up to \(seconds) s for \(joined(wished))")
        }
        return texts
    }
}

extension Volume {
    /// What keeps a volume waiting whose device, or header, is not there.
    fileprivate var whatIsMissing: String {
        switch place {
        case .ambiguous(let paths): "\(paths.joined(separator: " and ")) both answer to it; neither is used"
        case .missing: ""
        case .at: headerPath.map { "its header \($0) is missing" } ?? ""
        }
    }
}

extension KeySource {
    /// What the key is called in messages.
    var title: String {
        guard let device else { return "key file \(path)" }
        return "key file \(path) on \(device.description)"
    }

    /// The same for the records, as crypttab has it.
    var field: LogField {
        LogField("POSTERN_KEY_FILE", device.map { "\(path):\($0.description)" } ?? path)
    }

    /// Why it is not there, as one sentence.
    var reason: String {
        switch state {
        case .missing where device != nil: "\(title): the key volume has not appeared"
        case .missing: "\(title): \(medium == nil ? "not read yet" : "it has not appeared")"
        case .ambiguous(let paths):
            "\(title): \(paths.joined(separator: " and ")) both answer to that name; neither is used"
        case .reading, .ready: ""
        case .problem(let text): text
        }
    }
}
