internal import Linux
internal import SSH
internal import Wire

/// The process that has the host keys of one connection, beside the session that serves it.
///
/// The monitor starts it with its control socket and one to the session at the descriptors of `Role`, and hears from it,
/// not from the session, which key logged in.
public enum SignerProcess {
    /// Answers the session until it or the monitor is gone.
    ///
    /// - Returns: the exit status: 0, or 1 when it could not begin.
    public static func run() -> Int32 {
        let parent = ChildProcess.parent
        Role.signer.score.applyToSelf()
        Sandbox.hideMemory()
        let link = MonitorLink()
        guard let setup = link.receiveSetup(as: .signer) else { return 1 }
        do throws(SSHError) {
            try Library.initialize()
            let signer = try Signer(hostKeys: setup.hostKeys, gate: setup.gate)
            // Nothing is read from it before this process is shut in.
            let session = FrameSocket(
                FileDescriptor(owning: Role.peerDescriptor), largestFrame: Signer.largestQuestion,
                largestQueue: 2 * Signer.largestQuestion)
            guard SessionProcess.confine(setup.confinement, as: .signer, parent, link) else { return 1 }
            return serve(session, signer, setup, link)
        } catch {
            link.log(.error, error.description)
            link.flush()
            return 1
        }
    }

    private static func serve(
        _ session: FrameSocket, _ signer: Signer, _ setup: SessionSetup, _ link: MonitorLink
    ) -> Int32 {
        guard send(signer.greeting, to: session) else { return 1 }
        var waiting = PollSet()
        while link.isOpen {
            waiting.removeAll()
            waiting.add(session.number, session.wantsToWrite ? [.readable, .writable] : .readable)
            waiting.add(link.number, .readable)
            waiting.wait(milliseconds: nil)
            if !waiting.events(at: 1).isEmpty { _ = link.receive() }
            guard session.flush() else { return 0 }
            switch session.receive() {
            case .nothing: break
            case .closed: return 0
            case .frame(let body):
                let isLoggedIn = signer.login != nil
                let answer = signer.answer(body, now: Clock.now())
                if !signer.note.isEmpty { link.log(.warning, signer.note) }
                // The monitor hears it before the session, which says it then.
                if !isLoggedIn, let login = signer.login {
                    link.send(
                        .authenticated(key: setup.keys[login.key].index, user: printable(login.user, limit: 64)))
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
