internal import Linux
internal import SSH
internal import Wire

/// The process that serves one SSH connection, with no more rights than that takes.
///
/// The monitor starts it with its control socket and the client's connection at the descriptors of `Role`.
public enum SessionProcess {
    /// Lines that it may log: a client's doings are not to fill the log.
    private static let mostLogLines = 32

    /// Serves the connection to its end.
    ///
    /// - Returns: the exit status: 0 however the client behaved, 1 when it could not be served.
    public static func run() -> Int32 {
        let parent = ChildProcess.parent
        Role.session.score.applyToSelf()
        Sandbox.hideMemory()
        // A shell may close its standard input.
        Sandbox.ignoreBrokenPipes()
        let monitor = endpoint()
        guard let setup = receiveSetup(from: monitor) else { return 1 }
        do throws(SSHError) {
            let service = try Service(setup, monitor)
            guard confine(setup, parent, monitor) else { return 1 }
            service.run()
            return 0
        } catch {
            monitor.log(.error, error.description)
            monitor.flush()
            return 1
        }
    }

    /// The session's end of its socket to the monitor.
    static func endpoint() -> SessionEndpoint {
        let monitor = SessionEndpoint(
            FileDescriptor(owning: Role.controlDescriptor), largestFrame: Limits.frameFromMonitor,
            largestQueue: Limits.queueToSession)
        monitor.logLinesLeft = mostLogLines
        return monitor
    }

    /// Waits for the setup, which is the monitor's first message.
    static func receiveSetup(from monitor: SessionEndpoint) -> SessionSetup? {
        guard case .sessionSetup(var setup)? = monitor.waitForNext()?.message else { return nil }
        if setup.permitsShell { monitor.admitDescriptors() }
        if let complaint = setup.rules.readSealedKeys(as: .session) { monitor.log(.error, complaint) }
        return setup
    }

    private static func confine(_ setup: SessionSetup, _ parent: Int32, _ monitor: SessionEndpoint) -> Bool {
        do throws(SystemError) {
            let calls = setup.permitsShell ? SystemCalls.sessionWithShells : nil
            if try !setup.confinement.enter(as: .session, parent: parent, calls: calls) {
                monitor.log(.warning, "the kernel does not limit a session's system calls (no seccomp)")
            }
            return true
        } catch {
            monitor.log(.error, "a session could not be confined: \(error.description)")
            monitor.flush()
            return false
        }
    }
}
