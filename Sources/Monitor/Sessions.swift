internal import Admission
internal import CLinux
internal import Config
internal import ConfigFiles
internal import Linux
internal import Plan
internal import Wire

/// Connections and the sessions that serve them, and the console, which is served alike.
extension Monitor {
    /// How often the console is started again before it is given up.
    private static let mostConsoleStarts = 3
    /// A client that has vanished is forgotten after so many seconds.
    private static let keepAlive: Int32 = 60

    func accept(_ listener: Listener) {
        // A bounded number a turn, so that a flood of connections leaves time for the rest.
        for _ in 0..<8 {
            guard let connection = listener.accept() else { return }
            startSession(for: connection)
        }
    }

    private func startSession(for connection: Client) {
        guard let address = PeerAddress(bytes: connection.address) else { return }
        let peer = "\(address.description) port \(connection.port)"
        // Without one to spare it shares the last: a flood of strangers is not to refuse an owner.
        let slot = freeSlot ?? Role.connections - 1
        connection.keepAlive(seconds: Monitor.keepAlive)
        do throws(SystemError) {
            let pair = try FileDescriptor.socketPair()
            let between = try FileDescriptor.socketPair()
            let process = try ChildProcess.spawn(
                .session,
                descriptors: [pair.second.number, connection.number, between.first.number, keyList.descriptor]
                    .filter { $0 >= 0 })
            let session = SessionRecord(
                number: nextSession, process: process,
                socket: pair.takeFirst(),
                peer: peer, source: address.source, slot: slot)
            session.fields = [
                LogField("POSTERN_ADDRESS", address.description), .number("POSTERN_PORT", "\(connection.port)"),
            ]
            let own = PeerAddress(bytes: connection.ownAddress)?.description ?? ""
            session.connection = "\(address.description) \(connection.port) \(own) \(connection.ownPort)"
            nextSession += 1
            sessions.append(session)
            makeRoom()
            let setup = setup(for: address, slot)
            session.address = address
            send(.sessionSetup(setup), to: session, channel: 0)
            try startSigner(of: session, setup.rules, socket: between.second)
        } catch {
            logStranger(address.source, .error, peer, "no session: \(error.description)")
        }
    }

    private func setup(for address: PeerAddress, _ slot: UInt32) -> SessionSetup {
        let settings = configuration.settings
        return SessionSetup(
            confinement: confinement(as: .session, slot),
            rules: LoginRules(
                keys: keyList.inline, refusals: keyList.refusals(address, at: date),
                maxAuthTries: UInt32(clamping: settings.maxAuthTries)),
            keyExchange: settings.kexAlgorithms.map { $0.joined(separator: ",") },
            ciphers: settings.ciphers.map { $0.joined(separator: ",") },
            macs: settings.macs.map { $0.joined(separator: ",") },
            loginGraceTime: UInt32(clamping: settings.loginGraceTime),
            permitsShell: settings.permitShell && !options.rehearsal)
    }

    /// Seconds since 1970. A clock that begins there is not to revive a key.
    private var date: Int64 { max(Clock.date(), configuration.settings.imageTime ?? 0) }

    func confinement(as role: Role, _ connection: UInt32 = 0) -> Confinement {
        guard ChildProcess.isRoot else { return Confinement(root: nil, user: nil) }
        return Confinement(root: emptyFolder, user: role.user(connection))
    }

    /// Starts the prompt on the consoles, when there are any.
    func startConsole() {
        let askPassword = Systemd.askPasswordProgram(configuration.settings.console, rehearsal: options.rehearsal)
        terminals =
            askPassword == nil ? Consoles.terminals(configuration.settings.console, rehearsal: options.rehearsal) : []
        guard askPassword != nil || !terminals.isEmpty, consoleStarts < Monitor.mostConsoleStarts else { return }
        consoleStarts += 1
        do throws(SystemError) {
            let pair = try FileDescriptor.socketPair()
            let process = try ChildProcess.spawn(.console, descriptors: [pair.second.number])
            let session = SessionRecord(
                number: SessionRecord.console, process: process,
                socket: pair.takeFirst(),
                peer: "the console")
            session.isAuthenticated = true
            sessions.append(session)
            let setup = ConsoleSetup(
                confinement: confinement(as: .console), terminals: terminals, askPassword: askPassword)
            send(.consoleSetup(setup), to: session, channel: 0)
            showNetwork(session)
        } catch {
            record(.error, "no prompt on the console: \(error.description)")
        }
    }

    func readFrames(from session: SessionRecord, _ events: PollSet.Events, most: Int = Monitor.mostFrames) {
        guard !events.isEmpty else { return }
        if events.contains(.writable), !session.isClosed, !session.endpoint.flush() { closeSession(session) }
        for _ in 0..<most {
            guard !session.isClosed else { return }
            switch session.endpoint.receive() {
            case .nothing: return
            case .closed: closeSession(session)
            case .message(let frame): handle(frame.message, frame.channel, from: session)
            case .malformed(let error): endSession(session, why: error.description)
            }
        }
    }

    private func handle(_ message: SessionMessage, _ channel: UInt8, from session: SessionRecord) {
        if case .forbidden(let reason) = session.permits.judge(channel, message) {
            endSession(session, why: reason)
            return
        }
        switch message {
        case .log(let level, let line): write(level, line, of: session)
        case .authenticated(let key, _): login(session, Int(key))
        case .open(let command, let terminal): open(command, channel, terminal: terminal, session)
        case .passphrase(let secret):
            let requester = Requester(
                prompt: PromptAddress(session: session.number, channel: channel), key: session.key, who: session.who,
                fields: session.fields,
                terminal: session.watching.contains { $0.channel == channel && $0.terminal },
                only: session.watching.first { $0.channel == channel }?.only ?? [])
            plan.passphrase(secret, from: requester, now: Clock.now())
        case .inputEnded:
            for index in session.watching.indices where session.watching[index].channel == channel {
                session.watching[index].terminal = false
            }
            plan.inputEnded(PromptAddress(session: session.number, channel: channel))
        case .terminal(let type, let columns, let rows):
            setTerminal(type, Shell.Size(columns: columns, rows: rows), channel, of: session)
        case .signal(let number): shell(on: channel, of: session)?.shell?.signal(Int32(number))
        case .close:
            session.watching.removeAll { $0.channel == channel }
            session.following.removeAll { $0.channel == channel }
            hangUpShell(on: channel, of: session)
            forgetAsks(of: session, channel: channel)
            plan.closed(PromptAddress(session: session.number, channel: channel))
        }
    }

    private func login(_ session: SessionRecord, _ index: Int) {
        // What the session says counts for nothing here: its signer has verified the signature.
        guard let signer = signers.first(where: { $0.session == session.number }),
            let (key, user) = verified(by: signer), key == index, index < configuration.keys.count
        else {
            endSession(session, why: "a login with a key that did not sign")
            return
        }
        let authorized = configuration.keys[index]
        guard let address = session.address, authorized.admits(address: address), !authorized.isExpired(at: date) else {
            endSession(session, why: "a login with a key that may not")
            return
        }
        session.isAuthenticated = true
        session.key = index
        if session.givesWay {
            for process in [session.process, signer.process] { ChildProcess.giveWay(process, false) }
        }
        for process in [session.process, signer.process] { OutOfMemory.loggedIn.apply(to: process) }
        Sandbox.allowMostMemory(session.process)
        limitLogins()
        session.who = "\(keyList.titles[index]) from \(session.peer)"
        session.fields += [LogField("POSTERN_USER", user), LogField("POSTERN_KEY", authorized.fingerprint)]
        if usesFallbackKey { session.fields.append(LogField("POSTERN_HOST_KEY", "fallback")) }
        if !authorized.comment.isEmpty {
            session.fields.append(LogField("POSTERN_KEY_COMMENT", authorized.comment))
        }
        countLogin(authorized.fingerprint)
        guard loginLog.admits(index, now: Clock.now()) else { return }
        var text = "login of \(user) with \(session.who)"
        if usesFallbackKey { text += ", by the fallback host key" }
        record(.info, text, [.event("login")] + session.fields)
    }

    private func open(_ command: Command, _ channel: UInt8, terminal: Bool, _ session: SessionRecord) {
        if let key = session.key, let forced = configuration.keys[key].forcedCommand,
            Command.parse(forced) != .command(command)
        {
            endSession(session, why: "a command other than the one its key forces")
            return
        }
        session.unusedSince = nil
        // `limitSessions` may just have dismissed it.
        session.killAt = nil
        start(command, Watching(channel: channel, terminal: terminal), of: session)
        dismiss(session)
    }

    /// Ends a session that broke the rules, and only it.
    func endSession(_ session: SessionRecord, why: String) {
        guard !session.isClosed else { return }
        write(.warning, "its session was ended: \(why)", of: session)
        ChildProcess.kill(session.process)
        closeSession(session)
    }

    /// Reads nothing more from the session and sends it nothing more. Its exit follows.
    func closeSession(_ session: SessionRecord) {
        plan.closed(session: session.number)
        session.watching.removeAll()
        session.following.removeAll()
        forgetAsks(of: session)
        session.isClosed = true
        hangUpShell(on: nil, of: session)
        session.killAt = Clock.now() + Monitor.timeToExit
    }

    /// Removes the record of a session whose process has ended.
    func removeSession(_ session: SessionRecord, _ status: Int32) {
        if !session.isClosed { closeSession(session) }
        sessions.removeAll { $0 === session }
        if status > 128 {
            write(.warning, "its session was ended by signal \(status - 128)", of: session)
        }
        if session.number == SessionRecord.console, ending == nil, status != 0 { startConsole() }
    }
}
