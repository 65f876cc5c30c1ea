internal import Config
internal import Linux
internal import Plan
internal import Records
internal import Wire

/// What each command does once its channel is open.
extension Monitor {
    func start(_ command: Command, _ opened: Watching, of session: SessionRecord) {
        var watching = opened
        if case .unlockOnly(let names) = command { watching.only = names }
        let channel = watching.channel
        let now = Clock.now()
        let whole = plan.machineState(now: now)
        let own = state(whole, for: session, plan.held(now: now), now)
        send(.state(own.asking(only: watching.only)), to: session, channel: channel)
        switch command {
        // The session writes the state that it was just sent, and the text of help by itself.
        case .status, .help: endChannel(channel, of: session, .done, "")
        case .unlock: watch(watching, of: session)
        case .unlockOnly(let names):
            if let reason = objection(to: names, whole) { return endChannel(channel, of: session, .usage, reason) }
            watch(watching, of: session)
        case .goOn:
            guard ending == nil else { return watch(watching, of: session) }
            // It hears how it ends with all others.
            session.watching.append(watching)
            if let reason = plan.goOnNow(now: now) { return endChannel(channel, of: session, .refused, reason) }
            record(
                .notice, "told to go on by \(session.who)", [.event("continue-asked")] + session.fields
            )
        case .entries: askForEntries(nil, channel, of: session)
        case .reboot: leave(.restart, channel, of: session)
        case .rebootInto(let entry): askForEntries(entry, channel, of: session)
        case .powerOff: leave(.powerOff, channel, of: session)
        case .shell: openShell(nil, watching, of: session)
        case .shellCommand(let line): openShell(line, watching, of: session)
        case .log(let follow):
            sendLog(from: 1, to: channel, of: session)
            guard follow, ending == nil else { return endChannel(channel, of: session, .done, "") }
            session.following.append(Following(channel: channel, next: records.lines.next))
        }
    }

    /// Shows a channel the state until it ends, which is now where the agent is ending.
    private func watch(_ watching: Watching, of session: SessionRecord) {
        guard let ending else { return session.watching.append(watching) }
        endChannel(watching.channel, of: session, ending.code, ending.power == nil ? "" : ending.reason)
    }

    /// Why volumes cannot be unlocked by these names, as a sentence, or `nil`. What was typed is not repeated: it may be a
    /// passphrase.
    private func objection(to names: [String], _ state: MachineState) -> String? {
        let known = state.volumes.filter { $0.state != .left }.map { $0.name }
        guard !names.allSatisfy({ known.contains($0) }) else { return nil }
        return "No such volume is opened here. There are: \(known.joined(separator: ", "))."
    }

    /// Ends the prompts for single volumes whose volumes are all open.
    func endServed() {
        guard ending == nil else { return }
        var open: Set<String>?
        for session in sessions {
            for watching in session.watching where !watching.only.isEmpty {
                let prompt = PromptAddress(session: session.number, channel: watching.channel)
                let names = open ?? openVolumes
                open = names
                guard watching.only.allSatisfy({ names.contains($0) }), !plan.isAnswering(prompt) else { continue }
                plan.closed(prompt)
                endChannel(watching.channel, of: session, .done, "")
            }
        }
    }

    /// Sends the lines of the log from that number on.
    private func sendLog(from first: Int, to channel: UInt8, of session: SessionRecord) {
        let lines = records.lines.lines(from: first)
        guard !lines.isEmpty else { return }
        send(.lines(Array(lines)), to: session, channel: channel)
    }

    /// Shows the lines that are new to those who follow the log. One that does not read is ended, as `send` does.
    func sendNewLines() {
        let next = records.lines.next
        for session in sessions {
            for following in session.following where following.next < next {
                // Sending may end the session, and with it all who follow there.
                guard let index = session.following.firstIndex(where: { $0.channel == following.channel }) else {
                    break
                }
                session.following[index].next = next
                sendLog(from: following.next, to: following.channel, of: session)
            }
        }
    }

    private var openVolumes: Set<String> {
        Set(plan.machineState(now: Clock.now()).volumes.filter { $0.state == .open }.map { $0.name })
    }
}
