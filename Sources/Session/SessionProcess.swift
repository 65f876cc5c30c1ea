internal import Linux
internal import SSH
internal import Wire

/// The process that serves one SSH connection, with no more rights than that takes.
///
/// The monitor starts it with its control socket and the client's connection at the descriptors of `Role`.
public enum SessionProcess {
    /// Serves the connection to its end.
    ///
    /// - Returns: the exit status: 0 however the client behaved, 1 when it could not be served.
    public static func run() -> Int32 {
        let parent = ChildProcess.parent
        Role.session.score.applyToSelf()
        Sandbox.hideMemory()
        let link = MonitorLink()
        guard let setup = link.receiveSetup(as: .session) else { return 1 }
        do throws(SSHError) {
            let service = try Service(setup, link)
            guard confine(setup.confinement, as: .session, parent, link) else { return 1 }
            service.run()
            return 0
        } catch {
            link.log(.error, error.description)
            link.flush()
            return 1
        }
    }

    static func confine(
        _ confinement: Confinement, as role: Role, _ parent: Int32, _ link: MonitorLink
    ) -> Bool {
        do throws(SystemError) {
            let isFiltered = try Sandbox.enter(
                root: confinement.root, user: confinement.user, calls: role.systemCalls, parent: parent)
            if !isFiltered, role == .session {
                link.log(.warning, "the kernel does not limit a session's system calls (no seccomp)")
            }
            return true
        } catch {
            link.log(.error, "a session could not be confined: \(error.description)")
            link.flush()
            return false
        }
    }
}
