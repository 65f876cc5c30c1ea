internal import Linux
internal import SSH
internal import Wire

/// The process that has the host keys of one connection, beside the session that serves it.
///
/// The monitor starts it with its control socket and one to the session at the descriptors of `Role`, and hears from it,
/// not from the session, which key logged in.
public enum SignerProcess {
    /// Lines that it may log: a client's doings are not to fill the log.
    private static let mostLogLines = 32

    /// Answers the session until it or the monitor is gone.
    ///
    /// - Returns: the exit status: 0, or 1 when it could not begin.
    public static func run() -> Int32 {
        let parent = ChildProcess.parent
        Role.signer.score.applyToSelf()
        Sandbox.hideMemory()
        let monitor = Endpoint<SignerReport, SignerSetup>(
            FileDescriptor(owning: Role.controlDescriptor), largestFrame: Limits.frameFromMonitor,
            largestQueue: Limits.queueToSession)
        monitor.logLinesLeft = mostLogLines
        guard var setup = monitor.waitForNext() else { return 1 }
        if let complaint = setup.rules.readSealedKeys(as: .signer) { monitor.log(.error, complaint) }
        if let complaint = setup.readUnsealedKeys() { monitor.log(.error, complaint) }
        do throws(SSHError) {
            try Library.initialize()
            let signer = try Signer(hostKeys: setup.hostKeys, gate: setup.rules.gate)
            // Nothing is read from it before this process is shut in.
            let session = FrameSocket(
                FileDescriptor(owning: Role.peerDescriptor), largestFrame: Signer.largestQuestion,
                largestQueue: 2 * Signer.largestQuestion)
            do throws(SystemError) {
                _ = try setup.confinement.enter(as: .signer, parent: parent)
            } catch {
                monitor.log(.error, "a signer could not be confined: \(error.description)")
                monitor.flush()
                return 1
            }
            return serve(session, signer, setup.rules, monitor)
        } catch {
            monitor.log(.error, error.description)
            monitor.flush()
            return 1
        }
    }

    private static func serve(
        _ session: FrameSocket, _ signer: Signer, _ rules: LoginRules, _ monitor: Endpoint<SignerReport, SignerSetup>
    ) -> Int32 {
        guard send(signer.greeting, to: session) else { return 1 }
        var set = PollSet()
        while monitor.isOpen {
            set.removeAll()
            set.add(session.number, session.wantsToWrite ? [.readable, .writable] : .readable)
            let control = set.add(monitor.number, .readable)
            set.wait(milliseconds: nil)
            // The monitor says nothing more; it closes.
            if !set.events(of: control).isEmpty { _ = monitor.next() }
            guard session.flush() else { return 0 }
            switch session.receive() {
            case .nothing: break
            case .closed: return 0
            case .frame(let body):
                let isLoggedIn = signer.login != nil
                let answer = signer.answer(body, now: Clock.now())
                if !signer.note.isEmpty { monitor.log(.warning, signer.note) }
                // The monitor hears it before the session, which says it then.
                if !isLoggedIn, let login = signer.login {
                    monitor.send(
                        .authenticated(key: rules.keys[login.key].index, user: printable(login.user, limit: 64)))
                }
                guard send(answer, to: session) else { return 0 }
            }
        }
        return 0
    }

    private static func send(_ bytes: [UInt8], to session: FrameSocket) -> Bool {
        guard let frame = unsafe bytes.withUnsafeBytes({ unsafe try? SecretBytes(copying: $0) }) else { return false }
        return session.send(frame)
    }
}
