internal import Linux
internal import Wire

/// A question about the boot loader's entries that a worker is to answer.
final class EntriesAsk {
    let session: SessionRecord
    /// Where the answer goes, or `nil` when that channel is gone.
    var channel: UInt8?
    /// The entry to start next, or `nil` where the entries are to be shown.
    let entry: String?
    /// When it is answered in any case, in milliseconds of `Clock`.
    let deadline = Clock.now() + EntriesAsk.patience

    /// How long the firmware has to answer, in milliseconds. One that hangs holds up whoever asks it next, too.
    private static let patience: Int64 = 10_000

    init(_ session: SessionRecord, _ channel: UInt8, entry: String?) {
        self.session = session
        self.channel = channel
        self.entry = entry
    }
}

/// The commands `entries` and `reboot ENTRY`.
extension Monitor {
    /// Questions that wait at once.
    private static let mostAsks = 32

    /// Shows the entries of the boot loader, or with `entry` restarts the machine into that one.
    func askForEntries(_ entry: String?, _ channel: UInt8, of session: SessionRecord) {
        if entry != nil, let reason = reasonToStay { return endChannel(channel, of: session, .refused, reason) }
        guard asks.count < Monitor.mostAsks else {
            return endChannel(channel, of: session, .refused, "Too many ask for the boot loader's entries.")
        }
        asks.append(EntriesAsk(session, channel, entry: entry))
        if ending == nil { startAsk() } else { endAsks(now: Clock.now()) }
    }

    /// Has a worker look, one at a time: what they read and write is the firmware's alone.
    private func startAsk() {
        guard ending == nil, let ask = asks.first else { return }
        let isBusy = workers.contains { if case .entries = $0.kind { true } else { false } }
        guard !isBusy else { return }
        let order = ask.entry.map { WorkerOrder.chooseEntry($0) } ?? .readEntries(rehearsal: options.rehearsal)
        if let reason = startWorker(order, .entries(ask)) { answer(ask, .done(.failed(reason))) }
    }

    func entriesAnswered(_ worker: WorkerRecord, _ ask: EntriesAsk, _ report: WorkerReport) {
        guard !worker.isDone else { return }
        worker.isDone = true
        answer(ask, report)
    }

    /// The worker is gone, and the next one may ask.
    func entriesEnded(_ worker: WorkerRecord, _ ask: EntriesAsk) {
        entriesAnswered(worker, ask, .done(.failed("the worker has ended")))
        startAsk()
    }

    private func answer(_ ask: EntriesAsk, _ report: WorkerReport) {
        asks.removeAll { $0 === ask }
        var code = ExitCode.done
        var reason = ""
        switch report {
        case .entries(let entries):
            if ask.entry == nil {
                if let channel = ask.channel { send(.entries(entries), to: ask.session, channel: channel) }
            } else {
                // What was typed is not repeated, as for volumes.
                code = .usage
                reason = "The boot loader has no such entry. There are: "
                reason += entries.map { $0.id }.joined(separator: ", ")
                reason += "."
            }
        case .entryChosen where ask.entry != nil: return leave(into: ask)
        case .done(.failed(let why)):
            code = .refused
            reason = ask.entry == nil ? Monitor.notShown : Monitor.notChosen
            reason += why
            reason += "."
        default: code = .internalError
        }
        if let channel = ask.channel { endChannel(channel, of: ask.session, code, reason) }
    }

    private static let notShown = "The boot loader's entries cannot be shown: "
    private static let notChosen = "No entry can be chosen: "

    private func leave(into ask: EntriesAsk) {
        guard let entry = ask.entry else { return }
        var fields = ask.session.fields
        fields.append(.event("boot-entry-chosen"))
        fields.append(LogField("POSTERN_ENTRY", entry))
        record(.notice, "the boot loader is to start " + entry + " next, as asked for by " + ask.session.who, fields)
        // Without a channel it is for the session, which ends as all do.
        leave(.restart, into: entry, ask.channel ?? 0, of: ask.session)
    }

    /// Nobody hears the answer any more. What was begun goes on.
    func forgetAsks(of session: SessionRecord, channel: UInt8? = nil) {
        for ask in asks where ask.session === session && (channel == nil || ask.channel == channel) {
            ask.channel = nil
        }
    }

    /// Answers those whose time is over, or all when the agent ends.
    func endAsks(now: Int64) {
        for ask in asks where ending != nil || now >= ask.deadline {
            for worker in workers {
                guard case .entries(let own) = worker.kind, own === ask else { continue }
                worker.isDone = true
                stopWorker(worker)
            }
            answer(ask, .done(.failed(ending != nil ? "the agent is ending" : "the firmware does not answer")))
        }
    }
}
