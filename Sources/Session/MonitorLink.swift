internal import Linux
internal import Wire

/// The session's end of its socket to the monitor.
final class MonitorLink {
    /// Whether the monitor is there.
    private(set) var isOpen = true
    private let socket: FrameSocket
    /// Lines that this session may still log: a client's doings are not to fill the kernel's log.
    private var linesLeft = 32

    init() {
        socket = FrameSocket(
            FileDescriptor(owning: Role.controlDescriptor), largestFrame: Limits.frameFromMonitor,
            largestQueue: Limits.queueToSession)
    }

    var number: Int32 { socket.number }
    var wants: PollSet.Events { socket.wantsToWrite ? [.readable, .writable] : [.readable] }

    /// The next message, or `nil` when none is there yet, or none will come any more.
    func receive() -> (channel: UInt8, message: MonitorMessage)? {
        guard isOpen else { return nil }
        switch socket.receive() {
        case .nothing: return nil
        case .closed: isOpen = false
        case .frame(let body):
            do throws(WireError) { return try MonitorMessage.read(body) } catch { isOpen = false }
        }
        return nil
    }

    func send(_ message: SessionMessage, channel: UInt8 = 0) {
        guard isOpen else { return }
        do throws(WireError) {
            if !socket.send(try message.body(channel: channel)) { isOpen = false }
        } catch { isOpen = false }
    }

    func flush() {
        if isOpen, !socket.flush() { isOpen = false }
    }

    /// Logs a line, as long as this session has some left.
    func log(_ level: LogLevel, _ line: String) {
        guard linesLeft > 0 else { return }
        linesLeft -= 1
        send(.log(level, printable(line, limit: Limits.logLine)))
    }

    /// Waits for the setup, which is the first message, and takes the keys where `role` finds them if it has none.
    func receiveSetup(as role: Role) -> SessionSetup? {
        var waiting = PollSet()
        while isOpen {
            if let (_, message) = receive() {
                guard case .sessionSetup(var setup) = message else { return nil }
                if setup.keys.isEmpty { setup.keys = sealedKeys(FileDescriptor(owning: role.keysDescriptor)) }
                return setup
            }
            guard isOpen else { return nil }
            waiting.removeAll()
            waiting.add(number, .readable)
            waiting.wait(milliseconds: nil)
        }
        return nil
    }

    private func sealedKeys(_ descriptor: consuming FileDescriptor) -> [UsableKey] {
        do throws(SystemError) {
            let bytes = try SealedBytes.read(descriptor, limit: Limits.sealedKeys)
            do throws(WireError) { return try UsableKey.list(bytes) } catch { log(.error, error.description) }
        } catch { log(.error, "no authorized keys: \(error.description)") }
        return []
    }
}
