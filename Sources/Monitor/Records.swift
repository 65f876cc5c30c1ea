internal import Linux
internal import Plan
internal import Records
internal import Wire

/// What the agent keeps of a boot beside the log: the newest lines in memory, and two files that the new root inherits.
struct RecordKeeper {
    /// Events, a JSON object in each line. It has the addresses of clients, so it is root's alone.
    static let events = LineFile("/run/postern/events.jsonl", mode: 0o600, limit: 1 << 20)
    /// For Prometheus. Everybody may read it, for node_exporter runs as a user of its own; a fingerprint of a public key and
    /// the name of a volume are no secrets.
    static let metrics = "/run/postern/postern.prom"

    /// What the command `log` shows.
    var lines = RecentLines()
    /// As they are now, and as they were last written, both without the time that passes by itself.
    var metrics = Metrics()
    var written: Metrics?
    /// Whether the log has been told that a file could not be written.
    var hasFailed = false
}

extension Monitor {
    /// Logs a line, and keeps it for the command `log`. Where its fields name an event, the file of events has it, too.
    func record(_ level: LogLevel, _ text: String, _ fields: [LogField] = []) {
        log.write(level.rawValue, text, fields)
        let moment = Moment(date: Clock.date(), uptime: Clock.now())
        records.lines.add(Event.text(text, at: moment))
        notifications.heard(text, fields)
        guard !options.rehearsal, let line = Event.json(level, text, fields, at: moment) else { return }
        do throws(SystemError) {
            try Files.makeFolder("/run/postern", mode: 0o755)
            try RecordKeeper.events.append(Array(line.utf8))
        } catch { complain(error) }
    }

    /// A /run that is full or read-only harms nothing else: the log says so once.
    private func complain(_ error: SystemError) {
        guard !records.hasFailed else { return }
        records.hasFailed = true
        record(.warning, "the booted system will lack records of this boot: \(error.description)")
    }

    /// The agent begins to wait.
    func recordWaiting() {
        let names = plan.machineState(now: Clock.now()).volumes.filter { $0.state != .left }.map { $0.name }
        record(
            .info, "waits for \(names.isEmpty ? "no volume" : names.joined(separator: ", "))",
            [.event("waiting"), .list("POSTERN_VOLUMES", names)])
    }

    /// Counts a login, also one that the log leaves out.
    func countLogin(_ fingerprint: String) { records.metrics.countLogin(fingerprint) }

    /// Brings the file for Prometheus up to date.
    func writeMetrics() {
        guard !options.rehearsal else { return }
        let now = Clock.now()
        let state = plan.machineState(now: now)
        records.metrics.continues = state.continues
        records.metrics.right = plan.passphrases.right
        records.metrics.wrong = plan.passphrases.wrong
        records.metrics.failed = plan.passphrases.failed
        records.metrics.volumes = state.volumes.map { Metrics.Volume($0.name, $0.state) }
        records.metrics.arrays = plan.membersMissing.map { Metrics.Count($0.array, $0.count) }
        var metrics = records.metrics
        guard metrics != records.written else { return }
        records.written = metrics
        metrics.waiting = now - plan.began
        do throws(SystemError) {
            try Files.makeFolder("/run/postern", mode: 0o755)
            try Files.replace(RecordKeeper.metrics, with: Array(metrics.text.utf8), mode: 0o644)
        } catch { complain(error) }
    }
}
