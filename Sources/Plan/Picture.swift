internal import Config
public import Wire

/// The plan as every prompt shows it.
extension Plan {
    /// The whole picture at this time.
    public func picture(now: Int64) -> MachineState {
        MachineState(
            host: host, waiting: UInt32(clamping: (now - began) / 1000), rehearsal: rehearsal, continues: continues,
            volumes: volumes.indices.map { picture(of: $0, now: now) }, notices: notices(now: now))
    }

    /// The volumes that the boot needs by themselves, and the LUKS UUIDs that they must have, where those are known.
    public var indispensable: [(name: String, uuid: String?)] {
        var found: [(name: String, uuid: String?)] = []
        for volume in volumes where volume.required && volume.isOurs {
            found.append((volume.name, volume.entry.identity))
        }
        return found
    }

    /// The names of the volumes that were refused, or could not be read or opened.
    public var failed: String {
        joined(volumes.indices.filter { if case .failed = volumes[$0].phase { true } else { false } })
    }

    func picture(of index: Int, now: Int64) -> VolumeStatus {
        let volume = volumes[index]
        let (state, detail, since) = standing(of: index, now: now)
        return VolumeStatus(
            name: volume.name, device: volume.entry.device.description, state: state, detail: detail,
            asks: !continues && asks(index, now: now), required: volume.required,
            seconds: UInt32(clamping: since.map { (now - $0) / 1000 } ?? 0))
    }

    private func standing(of index: Int, now: Int64) -> (VolumeState, String, Int64?) {
        let volume = volumes[index]
        switch volume.phase {
        case .open: return (.open, "", nil)
        case .failed(let reason): return (.failed, reason, nil)
        case .left(let reason): return (.left, reason, nil)
        case .closed: break
        }
        if continues { return (.left, "the boot goes on without it", nil) }
        if hangs(index) { return (.failed, Plan.hanging, nil) }
        let tasks = tasks.filter { $0.opens == index }
        if let started = tasks.compactMap({ $0.started }).min() { return (.trying, "", started) }
        if !tasks.isEmpty { return (.queued, "", nil) }
        if case .ambiguous(let paths) = volume.place {
            return (.deviceMissing, "\(paths.joined(separator: " and ")) both answer to it; neither is used", nil)
        }
        if volume.place == .missing { return (.deviceMissing, "", nil) }
        if let header = volume.headerPath, !volume.headerIsThere {
            return (.deviceMissing, "its header \(header) is missing", nil)
        }
        if volume.facts == nil { return (.checking, "", nil) }
        if isExhausted(index) { return (.failed, "\(volume.wrong) wrong passphrases, all that tries= allows", nil) }
        guard let source = volume.source else { return (.locked, "", nil) }
        if !volume.keyProblem.isEmpty { return (.locked, volume.keyProblem, nil) }
        let reason = sources[source].reason
        return (asks(index, now: now) ? .locked : .waitingForKey, reason, nil)
    }

    private func notices(now: Int64) -> [String] {
        var texts: [String] = []
        for (index, source) in sources.enumerated() {
            guard volumes.contains(where: { $0.source == index && $0.phase == .closed }) else { continue }
            switch source.state {
            case .problem, .ambiguous: texts.append(source.reason)
            case .missing where now >= lastProgress + source.grace: texts.append(source.reason)
            case .missing, .reading, .ready: break
            }
        }
        for members in arrays {
            // How many are open is left out: each volume's state says it, and a text that changes is news each time.
            guard openCount(members) < needed(members) else { continue }
            texts.append("\(members.rule.name) needs \(needed(members)) of its \(ours(members).count) members")
        }
        if satisfiedSince != nil, !continues {
            let seconds = (wished.map { patience($0) }.max() ?? 0) / 1000
            texts.append("the boot can go on; it waits up to \(seconds) s for \(joined(wished))")
        }
        return texts
    }
}

extension KeySource {
    /// What the key is called in messages.
    var title: String {
        guard let device else { return "key file \(path)" }
        return "key file \(path) on \(device.description)"
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
