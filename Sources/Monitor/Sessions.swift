internal import CLinux
internal import Config
internal import Linux
internal import Plan
internal import Wire

/// Connections and the sessions that serve them, and the console, which is served alike.
extension Monitor {
    /// How often the console is started again before it is given up.
    private static let mostConsoleStarts = 3
    /// A client that has vanished is forgotten after so many seconds.
    private static let keepAlive: Int32 = 60
    /// The user and group of sessions and the console: no one else's on any distribution.
    static let confinedUser: UInt32 = 65533

    func accept(_ listener: Listener) {
        // A bounded number a turn, so that a flood of connections leaves time for the rest.
        for _ in 0..<8 {
            guard let connection = listener.accept() else { return }
            serve(connection)
        }
    }

    private func serve(_ connection: Client) {
        guard let address = PeerAddress(bytes: connection.address) else { return }
        let peer = "\(address.description) port \(connection.port)"
        guard admitsAnother() else {
            log.write(LogLevel.warning.rawValue, "refused \(peer): too many connections that have not logged in")
            return
        }
        connection.keepAlive(seconds: Monitor.keepAlive)
        do throws(SystemError) {
            let pair = try FileDescriptor.socketPair()
            let process = try ChildProcess.start(.session, descriptors: [pair.second.number, connection.number])
            let session = SessionRecord(
                number: nextSession, process: process,
                socket: FrameSocket(
                    pair.takeFirst(), largestFrame: Wire.Limits.frameFromSession,
                    largestQueue: Wire.Limits.queueToSession),
                peer: peer)
            session.fields = [
                LogField("POSTERN_ADDRESS", address.description), LogField("POSTERN_PORT", "\(connection.port)"),
            ]
            nextSession += 1
            sessions.append(session)
            let setup = setup(for: address)
            session.usableKeys = setup.keys.filter { $0.refusal.isEmpty }.map { Int($0.index) }
            send(.sessionSetup(setup), to: session, channel: 0)
        } catch {
            log.write(LogLevel.error.rawValue, "no session for \(peer): \(error.description)")
        }
    }

    /// sshd's `MaxStartups`: past `start` connections without a login a growing share of new ones is refused.
    private func admitsAnother() -> Bool {
        let limits = configuration.settings.maxStartups
        let count = sessions.count { $0.number != SessionRecord.console && !$0.isAuthenticated }
        guard count >= limits.start else { return true }
        guard count < limits.full else { return false }
        let share = limits.rate + (100 - limits.rate) * (count - limits.start) / max(limits.full - limits.start, 1)
        return Int(linux_percent()) >= share
    }

    private func setup(for address: PeerAddress) -> SessionSetup {
        let settings = configuration.settings
        let date = Clock.date()
        var usable: [UsableKey] = []
        for (index, key) in configuration.keys.enumerated() {
            // A session that is told more than it takes would serve nobody.
            guard usable.count < Wire.Limits.authorizedKeys, key.blob.count <= Wire.Limits.publicKey,
                key.forcedCommand?.utf8.count ?? 0 <= Wire.Limits.word
            else { continue }
            var refusal = ""
            if !key.admits(address: address) { refusal = "its from= does not allow \(address.description)" }
            if key.isExpired(at: date) { refusal = "its expiry-time= has passed" }
            usable.append(
                UsableKey(
                    index: UInt16(clamping: index), type: key.type, blob: key.blob,
                    forcedCommand: key.forcedCommand, permitsTerminal: key.permitPty,
                    noTouchRequired: key.noTouchRequired, refusal: refusal, title: title(of: key)))
        }
        return SessionSetup(
            confinement: confinement, hostKeys: configuration.hostKeys.map { $0.content }, keys: usable,
            keyExchange: settings.kexAlgorithms.map { $0.joined(separator: ",") },
            ciphers: settings.ciphers.map { $0.joined(separator: ",") },
            macs: settings.macs.map { $0.joined(separator: ",") },
            loginGraceTime: UInt32(clamping: settings.loginGraceTime),
            maxAuthTries: UInt32(clamping: settings.maxAuthTries))
    }

    private func title(of key: AuthorizedKey) -> String {
        key.comment.isEmpty ? key.fingerprint : "\(key.fingerprint) (\(key.comment))"
    }

    var confinement: Confinement {
        guard ChildProcess.isRoot else { return Confinement(root: nil, user: nil) }
        return Confinement(root: emptyFolder, user: Monitor.confinedUser)
    }

    /// Starts the prompt on the consoles, when there are any.
    func startConsole() {
        let asker = Systemd.asker(configuration.settings.console, rehearsal: options.rehearsal)
        terminals =
            asker == nil ? Consoles.terminals(configuration.settings.console, rehearsal: options.rehearsal) : []
        guard asker != nil || !terminals.isEmpty, consoleStarts < Monitor.mostConsoleStarts else { return }
        consoleStarts += 1
        do throws(SystemError) {
            let pair = try FileDescriptor.socketPair()
            let process = try ChildProcess.start(.console, descriptors: [pair.second.number])
            let session = SessionRecord(
                number: SessionRecord.console, process: process,
                socket: FrameSocket(
                    pair.takeFirst(), largestFrame: Wire.Limits.frameFromSession,
                    largestQueue: Wire.Limits.queueToSession),
                peer: "the console")
            session.isAuthenticated = true
            sessions.append(session)
            let setup = ConsoleSetup(confinement: confinement, terminals: terminals, asker: asker)
            send(.consoleSetup(setup), to: session, channel: 0)
            showNetwork(session)
        } catch {
            log.write(LogLevel.error.rawValue, "no prompt on the console: \(error.description)")
        }
    }

    func serve(_ session: SessionRecord, _ events: PollSet.Events, most: Int = Monitor.mostFrames) {
        guard !events.isEmpty else { return }
        if events.contains(.writable), !session.isClosed, !session.socket.flush() {
            end(session, why: "it has closed its socket")
        }
        for _ in 0..<most {
            guard !session.isClosed else { return }
            switch session.socket.receive() {
            case .nothing: return
            case .closed: close(session)
            case .frame(let body):
                do throws(WireError) {
                    let (channel, message) = try SessionMessage.read(body)
                    take(message, channel, from: session)
                } catch {
                    end(session, why: error.description)
                }
            }
        }
    }

    private func take(_ message: SessionMessage, _ channel: UInt8, from session: SessionRecord) {
        if case .forbidden(let reason) = session.permits.judge(channel, message) {
            end(session, why: reason)
            return
        }
        switch message {
        case .log(let level, let line): log.write(level.rawValue, "\(session.peer): \(line)")
        case .authenticated(let key, let user): login(session, Int(key), user)
        case .open(let command, let terminal): open(command, channel, terminal: terminal, session)
        case .passphrase(let secret):
            let asker = Asker(
                channel: Channel(session: session.number, number: channel), key: session.key, who: session.who,
                fields: session.fields,
                terminal: session.watching.contains { $0.channel == channel && $0.terminal })
            plan.passphrase(secret, from: asker, now: Clock.now())
        case .close:
            session.watching.removeAll { $0.channel == channel }
            plan.closed(Channel(session: session.number, number: channel))
        }
    }

    private func login(_ session: SessionRecord, _ index: Int, _ user: String) {
        guard session.usableKeys.contains(index) else {
            end(session, why: "a login with a key that may not")
            return
        }
        session.isAuthenticated = true
        session.key = index
        session.who = "\(title(of: configuration.keys[index])) from \(session.peer)"
        let key = configuration.keys[index]
        session.fields += [LogField("POSTERN_USER", user), LogField("POSTERN_KEY", key.fingerprint)]
        if !key.comment.isEmpty { session.fields.append(LogField("POSTERN_KEY_COMMENT", key.comment)) }
        log.write(
            LogLevel.info.rawValue, "login of \(user) with \(session.who)", [.event("login")] + session.fields)
    }

    private func open(_ command: Command, _ channel: UInt8, terminal: Bool, _ session: SessionRecord) {
        if let key = session.key, let forced = configuration.keys[key].forcedCommand,
            Command.parse(forced) != .command(command)
        {
            end(session, why: "a command other than the one its key forces")
            return
        }
        send(.state(plan.picture(now: Clock.now())), to: session, channel: channel)
        guard command == .unlock, ending == nil else {
            finish(session, channel, command == .unlock ? ending?.code ?? .done : .done, "")
            release(session)
            return
        }
        session.watching.append((channel, terminal))
    }

    /// Ends a session that broke the rules, and only it.
    func end(_ session: SessionRecord, why: String) {
        guard !session.isClosed else { return }
        log.write(LogLevel.warning.rawValue, "session of \(session.peer) ended: \(why)")
        ChildProcess.kill(session.process)
        close(session)
    }

    /// It says and hears nothing more. Its exit follows.
    private func close(_ session: SessionRecord) {
        plan.closed(session: session.number)
        session.watching.removeAll()
        session.isClosed = true
    }

    /// Its process has ended.
    func remove(_ session: SessionRecord, _ status: Int32) {
        if !session.isClosed { close(session) }
        sessions.removeAll { $0 === session }
        if status > 128 {
            log.write(LogLevel.warning.rawValue, "session of \(session.peer) was ended by signal \(status - 128)")
        }
        if session.number == SessionRecord.console, ending == nil, status != 0 { startConsole() }
    }
}
