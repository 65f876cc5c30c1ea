internal import LUKS
internal import Linux
internal import Wire

/// The worker's end of the socket to the monitor. A worker waits until what it sends is through.
typealias MonitorEndpoint = Endpoint<WorkerReport, WorkerOrder>

extension Endpoint where Out == WorkerReport, In == WorkerOrder {
    /// Asks whether the volume may be activated now. A monitor that is gone permits nothing.
    func permitsActivation(slot: Int32) -> Bool {
        guard sendAndWait(.requestsActivation(slot: slot)), case .activationPermitted(true)? = waitForNext() else {
            return false
        }
        return true
    }

    /// Sends what libraries say for the log, cut to what a log line may be.
    func log(_ level: LogLevel, _ lines: [String]) {
        for line in lines { _ = sendAndWait(.log(level, cut(line, to: Limits.logLine))) }
    }
}

extension JobOutcome {
    /// A failure with a text that is no longer than the monitor takes.
    static func failed(because reason: String) -> JobOutcome {
        .failed(cut(reason, to: Limits.text))
    }
}
