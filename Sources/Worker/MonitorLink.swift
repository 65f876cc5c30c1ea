internal import LUKS
internal import Linux
internal import Wire

/// The worker's end of the socket to the monitor. All calls wait until they are through.
final class MonitorLink {
    private let socket: FrameSocket

    init(_ descriptor: consuming FileDescriptor) {
        socket = FrameSocket(
            descriptor, largestFrame: Limits.frameFromMonitor, largestQueue: Limits.frameFromWorker + 4)
    }

    /// The next order, or `nil` when the monitor is gone or says what no worker understands.
    func nextOrder() -> WorkerOrder? {
        while true {
            switch socket.receive() {
            case .frame(let body):
                do throws(WireError) { return try WorkerOrder.read(body) } catch { return nil }
            case .closed: return nil
            case .nothing: wait(for: .readable)
            }
        }
    }

    /// Sends a report, and returns whether the monitor took it.
    func send(_ report: WorkerReport) -> Bool {
        let body: SecretBytes
        do throws(WireError) { body = try report.body() } catch { return false }
        guard socket.send(body) else { return false }
        while socket.wantsToWrite {
            wait(for: .writable)
            guard socket.flush() else { return false }
        }
        return true
    }

    /// Asks whether the volume may be activated now. A monitor that is gone permits nothing.
    func permitsActivation(slot: Int32) -> Bool {
        guard send(.requestsActivation(slot: slot)), case .activationPermitted(true) = nextOrder() else { return false }
        return true
    }

    /// Sends lines for the log, cut to what a log line may be.
    func log(_ level: LogLevel, _ lines: [String]) {
        for line in lines { _ = send(.log(level, cut(line, to: Limits.logLine))) }
    }

    private func wait(for events: PollSet.Events) {
        var set = PollSet()
        set.add(socket.number, events)
        set.wait(milliseconds: nil)
    }
}

extension JobOutcome {
    /// A failure with a text that is no longer than the monitor takes.
    static func failed(because reason: String) -> JobOutcome {
        .failed(cut(reason, to: Limits.text))
    }
}

/// The text's first `length` bytes.
func cut(_ text: String, to length: Int) -> String {
    let bytes = text.utf8
    guard bytes.count > length else { return text }
    // A character cut in two is decoded as U+FFFD, which is up to two bytes longer.
    return String(decoding: Array(bytes.prefix(length - 2)), as: UTF8.self)
}
