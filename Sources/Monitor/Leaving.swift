internal import Linux
internal import Plan
internal import Wire

/// The end of this boot: the machine restarts, or is powered off.
extension Monitor {
    /// How long systemd has to end this process once it was told to restart the machine, in milliseconds. It waits as long
    /// for a unit that does not end.
    private static let systemdGrace: Int64 = 90_000
    /// How long volumes have to close, in milliseconds.
    private static let closingGrace: Int64 = 15_000

    /// Tells all who wait that the machine goes, and ends the agent.
    func leave(_ power: Power, into entry: String? = nil, _ channel: UInt8, of session: SessionRecord) {
        if let reason = reasonToStay { return endChannel(channel, of: session, .refused, reason) }
        let sentence = entry.map { power.sentence + " into " + $0 } ?? power.sentence
        record(
            .notice, "\(sentence), asked for by \(session.who)",
            [power.event] + session.fields)
        endChannel(channel, of: session, .done, "\(sentence).")
        endAgent(.refused, reason: "\(sentence), asked for by \(session.who).", power: power)
    }

    /// Why the machine does not go now, as a sentence, or `nil`.
    var reasonToStay: String? {
        if options.rehearsal { return "This is a rehearsal: the machine stays on." }
        return ending == nil ? nil : "The agent is ending already."
    }

    /// Closes what was opened, and ends this boot. It returns where systemd ends this process, and where the machine cannot go.
    func leaveMachine(_ power: Power, _ signals: Int32) {
        if isUnderSystemd, power.askSystemd() {
            // It ends the units in their order, this process among them, and then closes what is open.
            var set = PollSet()
            set.add(signals, .readable)
            let deadline = Clock.now() + Monitor.systemdGrace
            var isAsked = false
            while !isAsked, Clock.now() < deadline {
                set.wait(milliseconds: deadline - Clock.now())
                Signals.drain(signals, isAskedToEnd: &isAsked)
            }
            if isAsked { return }
            record(.warning, "systemd does not end this boot; the kernel does now")
        }
        closeVolumes()
        let reason = power.perform()
        record(.error, "the machine stays on: \(reason.description)")
    }

    /// Has a worker close the volumes, the last one first. What is in use stays open: nothing is written to it any more.
    private func closeVolumes() {
        let open = plan.machineState(now: Clock.now()).volumes.filter {
            $0.state == .open && !plan.isDataset($0.name)
        }
        guard !open.isEmpty else { return }
        do throws(SystemError) {
            let pair = try FileDescriptor.socketPair()
            let process = try ChildProcess.spawn(.worker, descriptors: [pair.second.number])
            let worker = WorkerRecord(process: process, socket: pair.takeFirst(), kind: .closing)
            _ = worker.endpoint.send(.close(open.reversed().map { $0.name }))
            let deadline = Clock.now() + Monitor.closingGrace
            var set = PollSet()
            set.add(worker.endpoint.number, .readable)
            while Clock.now() < deadline {
                set.wait(milliseconds: deadline - Clock.now())
                switch worker.endpoint.receive() {
                case .message(.log(let level, let line)): record(level, line)
                case .nothing: continue
                case .message, .closed, .malformed: return ChildProcess.kill(process)
                }
            }
            ChildProcess.kill(process)
        } catch {
            record(.warning, "the volumes stay open: \(error.description)")
        }
    }
}

/// How this boot ends before there is a root.
extension Power {
    var sentence: String {
        switch self {
        case .restart: "The machine restarts"
        case .powerOff: "The machine is powered off"
        }
    }

    var event: LogField {
        switch self {
        case .restart: .event("reboot-asked")
        case .powerOff: .event("poweroff-asked")
        }
    }
}
