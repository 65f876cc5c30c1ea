internal import LUKS
internal import Linux
internal import Wire

/// The process that does one job on one volume, and ends.
///
/// It is root, since device-mapper and mounts ask for it, and parses what stands on disks: hence a process of its own
/// that the monitor can do without, and that gives back what memory a key derivation took.
public enum WorkerProcess {
    /// Runs the role `worker`, with the socket to the monitor at `Role.controlDescriptor`.
    ///
    /// - Returns: the exit status: 0 when the monitor has its answer.
    public static func run() -> Int32 {
        WorkerRights.enter()
        let monitor = MonitorEndpoint(
            FileDescriptor(owning: Role.controlDescriptor), largestFrame: Limits.frameFromMonitor,
            largestQueue: Limits.frameFromWorker + 4)
        guard let order = monitor.waitForNext() else { return 1 }
        let report: WorkerReport
        switch order {
        case .probe(let device): report = Inspection.probe(device)
        case .inspect(let volume): report = Inspection.inspect(volume, monitor)
        case .readKey(let key): report = KeyFile.report(key)
        case .unlock(let volume, let secret): report = .done(Unlocking.unlock(volume, secret, monitor))
        case .activationPermitted: return 1
        case .readEntries(let rehearsal): report = Entries.read(rehearsal: rehearsal)
        case .chooseEntry(let id): report = Entries.choose(id)
        case .close(let names):
            Closing.close(names, monitor)
            return 0
        }
        return monitor.sendAndWait(report) ? 0 : 1
    }
}
