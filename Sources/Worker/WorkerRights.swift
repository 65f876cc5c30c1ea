internal import CLinux
internal import Linux

/// What a worker gives up, and when.
enum WorkerRights {
    /// The user and group `nobody`, who owns no file.
    private static let nobody: UInt32 = 65534
    /// The monitor's process id, as it was at the start.
    private static let parent = ChildProcess.parent

    /// What every worker gives up before it reads its order.
    static func enter() {
        ChildProcess.endWithParent(parent)
        // It comes first: what is not dumpable cannot write its own /proc files without root.
        Role.worker.score.applyToSelf()
        _ = linux_set_not_dumpable()
        _ = linux_limit_core(0)
        _ = linux_set_no_new_privileges()
        // Without it the worker goes on: the volume is to be opened.
        _ = try? Role.worker.systemCalls.enforce()
    }

    /// Becomes nobody, without any capability. Open descriptors are all that is left.
    static func becomeNobody() {
        guard ChildProcess.isRoot else { return }
        Capabilities.keep(for: .becomeNobody)
        _ = linux_become(nobody, nobody)
        _ = linux_drop_capabilities()
        ChildProcess.endWithParent(parent)
    }

    /// Runs `body`, and lets it end also when the monitor dies meanwhile: it leaves the machine as it found it.
    static func finishing<Result, Failure>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        _ = linux_set_parent_death_signal(0)
        defer { ChildProcess.endWithParent(parent) }
        return try body()
    }
}
