internal import CLinux

/// A field of a structured log entry, such as `POSTERN_ADDRESS` and `192.0.2.7`.
public struct LogField: Equatable, Sendable {
    /// Capitals, digits and `_`, as systemd.journal-fields(7) has them.
    public let name: String
    public let value: String

    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

extension LogField {
    /// What happened, for a search by `POSTERN_EVENT=`.
    public static func event(_ name: String) -> LogField { LogField("POSTERN_EVENT", name) }
}

/// systemd's journal, which outlives the initrd: what is sent to it there is read in the booted system.
enum Journal {
    /// The socket of systemd-journald(8).
    private static let socket = "/run/systemd/journal/socket"

    /// Sends an entry: a line `NAME=value` for each field, none of which has a line end in it.
    ///
    /// - Returns: whether journald has it.
    static func send(_ level: UInt8, _ line: String, _ fields: [LogField]) -> Bool {
        var entry = "PRIORITY=\(level)\nSYSLOG_IDENTIFIER=postern\nMESSAGE=\(line)\n"
        for field in fields { entry += "\(field.name)=\(printable(field.value))\n" }
        let bytes = Array(entry.utf8)
        return unsafe bytes.withUnsafeBytes { bytes in
            unsafe linux_send_local(socket, bytes.baseAddress, UInt(bytes.count)) == 0
        }
    }
}

/// What tells the service manager how the agent stands; sd_notify(3).
public struct ServiceManager: Sendable {
    private let socket: String?

    /// Finds the socket that the service manager named in the environment, if it did.
    public init() {
        socket = unsafe linux_notify_socket().map { unsafe String(cString: $0) }
    }

    /// Whether systemd is the service manager of this machine; sd_booted(3).
    public static var isSystemd: Bool { Files.isFolder("/run/systemd/system") }

    /// Shows one line in `systemctl status`. Nothing depends on it.
    public func setStatus(_ status: String) {
        tell("STATUS=\(printable(status))")
    }

    /// Asks for so many seconds more before what is under way counts as hanging.
    public func extendTimeout(seconds: Int64) {
        tell("EXTEND_TIMEOUT_USEC=\(seconds * 1_000_000)")
    }

    private func tell(_ text: String) {
        guard let socket else { return }
        let bytes = Array(text.utf8)
        _ = unsafe bytes.withUnsafeBytes { bytes in
            unsafe linux_send_local(socket, bytes.baseAddress, UInt(bytes.count))
        }
    }
}
