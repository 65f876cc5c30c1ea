internal import Config
internal import ConfigFiles
internal import Linux
internal import Wire

/// A shell that a login has asked for.
final class ShellRecord {
    /// The number of its session, and the channel there.
    let session: Int
    let channel: UInt8
    /// What it runs, or `nil` for what its owner types.
    let command: String?
    /// Of the login, for the log.
    let who: String
    let fields: [LogField]
    let began = Clock.now()
    /// Nothing before its terminal is known, if it has one.
    var shell: Shell?
    /// Whether somebody is at its channel.
    var isHeard = true

    init(_ session: SessionRecord, _ channel: UInt8, _ command: String?) {
        self.session = session.number
        self.channel = channel
        self.command = command
        who = session.who
        fields = session.fields
    }
}

/// `shell`: the initrd's own, as root. It is this process that starts one, for a key that the signer has vouched for; the
/// session only carries its bytes, and gets the descriptors for that.
extension Monitor {
    /// The status of one that the boot, or its end, has cut off: 128 and SIGHUP, as its shell would say it.
    private static let cutOff: UInt8 = 129

    func openShell(_ command: String?, _ watching: Watching, of session: SessionRecord) {
        if let reason = objectionToShell(of: session) {
            return endChannel(watching.channel, of: session, .refused, reason)
        }
        let record = ShellRecord(session, watching.channel, command)
        shells.append(record)
        // One with a terminal waits to be told of it.
        if !watching.terminal { startShell(record, type: nil, Shell.Size(columns: 0, rows: 0), of: session) }
    }

    /// Why there is to be no shell, as a sentence, or `nil`.
    private func objectionToShell(of session: SessionRecord) -> String? {
        guard configuration.settings.permitShell, session.key != nil else {
            return "No shell is permitted here: postern.conf has no line \"PermitShell yes\"."
        }
        guard !options.rehearsal else { return "This is a rehearsal: no shell is run." }
        guard ending == nil else { return "The agent is ending already." }
        guard shells.count < Shell.most else { return "There are too many shells already." }
        return Files.exists(Shell.path) ? nil : "This initrd has no /bin/sh."
    }

    func shell(on channel: UInt8, of session: SessionRecord) -> ShellRecord? {
        shells.first { $0.isHeard && $0.channel == channel && $0.session == session.number }
    }

    func hasShell(_ session: SessionRecord) -> Bool {
        shells.contains { $0.isHeard && $0.session == session.number }
    }

    /// The terminal of a channel is known, or has another size.
    func setTerminal(_ type: String, _ size: Shell.Size, _ channel: UInt8, of session: SessionRecord) {
        guard let record = shell(on: channel, of: session) else { return }
        switch record.shell {
        case .some(let shell): shell.resize(size)
        case .none: startShell(record, type: type, size, of: session)
        }
    }

    private func startShell(_ record: ShellRecord, type: String?, _ size: Shell.Size, of session: SessionRecord) {
        var environment = [
            "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root",
            "SSH_CONNECTION=" + session.connection,
        ]
        if let type { environment.append("TERM=" + type) }
        var ends: PassedDescriptors?
        do throws(SystemError) {
            if type == nil {
                record.shell = try Shell(record.command, environment: environment, ends: &ends)
            } else {
                record.shell = try Shell(record.command, environment: environment, size: size, ends: &ends)
            }
        } catch {
            shells.removeAll { $0 === record }
            self.record(.error, "no shell: " + error.description)
            return endChannel(record.channel, of: session, .internalError, "No shell: " + error.description + ".")
        }
        self.record(
            .notice, (record.command == nil ? "a shell" : "a command in a shell") + " was started by " + record.who,
            [.event("shell-opened")] + record.fields)
        send(.shellStarted, to: session, channel: record.channel, ends)
    }

    /// Nobody is at the channel any more, or at any channel of the session: what ran there is told that its terminal is gone.
    func hangUpShell(on channel: UInt8?, of session: SessionRecord) {
        for record in shells where record.isHeard && record.session == session.number {
            if let channel, record.channel != channel { continue }
            record.isHeard = false
            switch record.shell {
            case .some(let shell): shell.hangUp()
            case .none: shells.removeAll { $0 === record }
            }
        }
    }

    /// A shell has ended. What it has left in the background is told that its terminal is gone.
    func removeShell(_ record: ShellRecord, _ exited: ExitedProcess) {
        shells.removeAll { $0 === record }
        if ending == nil { record.shell?.hangUp() } else { record.shell?.killSession() }
        self.record(
            .notice, "the shell of " + record.who + " ended with \(exited.status)",
            [
                .event("shell-ended"), .number("POSTERN_STATUS", "\(exited.status)"),
                .number("POSTERN_SECONDS", Clock.seconds(Clock.now() - record.began)),
            ] + record.fields)
        guard record.isHeard, let session = sessions.first(where: { $0.number == record.session }) else { return }
        send(
            .shellEnded(
                status: UInt8(truncatingIfNeeded: exited.status), signal: UInt8(truncatingIfNeeded: exited.signal),
                reason: ""),
            to: session, channel: record.channel)
    }

    /// The agent ends, and so do the shells: each is told, and then its client. What does not heed it is killed when all
    /// others have ended.
    func endShells(_ reason: String) {
        for record in shells {
            record.shell?.hangUp()
            guard record.isHeard, let session = sessions.first(where: { $0.number == record.session }) else { continue }
            record.isHeard = false
            send(
                .shellEnded(status: Monitor.cutOff, signal: 0, reason: reason), to: session, channel: record.channel)
        }
    }
}
