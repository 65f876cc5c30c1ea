internal import CLinux

/// A field of a structured log entry, such as `POSTERN_ADDRESS` and `192.0.2.7`.
public struct LogField: Equatable, Sendable {
    /// Capitals, digits and `_`, as systemd.journal-fields(7) has them.
    public let name: String
    /// One, unless it is a list.
    public let values: [String]
    public let kind: Kind

    /// What its value is in JSON.
    public enum Kind: Sendable {
        case text
        /// Digits, with a `.` among them or not.
        case number
        /// Texts, or none; the journal has the field once for each.
        case list
    }

    public init(_ name: String, _ value: String) {
        self.init(name, [value], .text)
    }

    private init(_ name: String, _ values: [String], _ kind: Kind) {
        self.name = name
        self.values = values
        self.kind = kind
    }

    /// The value of a field that is no list.
    public var value: String { values.first ?? "" }

    public static func number(_ name: String, _ digits: String) -> LogField { LogField(name, [digits], .number) }

    public static func list(_ name: String, _ values: [String]) -> LogField { LogField(name, values, .list) }
}

extension LogField {
    /// The name of the field that says what happened.
    public static let eventName = "POSTERN_EVENT"

    /// What happened, for a search by `POSTERN_EVENT=`.
    public static func event(_ name: String) -> LogField { LogField(eventName, name) }
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
        for field in fields {
            for value in field.values { entry += "\(field.name)=\(printable(value))\n" }
        }
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

    /// Says that what waits for this service may start.
    public func setReady() {
        tell("READY=1")
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
