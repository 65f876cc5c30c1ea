internal import CLinux

/// Where the agent's log lines go. In an initrd they must outlive it: systemd's journal takes them where it is, the
/// kernel's log elsewhere. Otherwise it is standard error.
public struct Log: ~Copyable {
    private let kernel: FileDescriptor?
    private let hasJournal: Bool
    /// What `throttle` said before.
    private let throttling: String?
    /// The kernel drops lines of one that writes more than ten in five seconds, unless this says `on`.
    private static let throttle = "/proc/sys/kernel/printk_devkmsg"

    /// Opens `/dev/kmsg` when `toKernel` says so and it can be opened.
    public init(toKernel: Bool) {
        hasJournal = toKernel && ServiceManager.isSystemd
        kernel = toKernel ? try? FileDescriptor.open("/dev/kmsg", O_WRONLY | O_NOCTTY) : nil
        let bytes = toKernel ? try? Files.read(Log.throttle, limit: 64) : nil
        throttling = bytes.map { String(decoding: $0, as: UTF8.self) }
        if throttling != nil { try? Files.write("on\n", to: Log.throttle, mode: 0o644) }
    }

    /// Leaves the kernel's log as it was found.
    public borrowing func restore() {
        if let throttling { try? Files.write(throttling, to: Log.throttle, mode: 0o644) }
    }

    /// Writes one line at a level of syslog(3), and what it says in fields for the journal. What a peer may have put
    /// into it is made printable.
    public borrowing func write(_ level: UInt8, _ text: String, _ fields: [LogField] = []) {
        let line = printable(text)
        if hasJournal, Journal.send(level, line, fields) { return }
        switch kernel {
        case .some(let kernel): emit("<\(level)>postern: \(line)", to: kernel.number)
        case .none: emit("postern: \(line)", to: 2)
        }
    }

    /// Writes a line for a person on standard error, as it is.
    public static func complain(_ text: String) {
        let bytes = Array((text + "\n").utf8)
        _ = unsafe bytes.withUnsafeBytes { unsafe CLinux.write(2, $0.baseAddress, $0.count) }
    }

    private func emit(_ text: String, to number: Int32) {
        let bytes = Array(text.utf8.prefix(Log.longest)) + [UInt8(ascii: "\n")]
        _ = unsafe bytes.withUnsafeBytes { unsafe CLinux.write(number, $0.baseAddress, $0.count) }
    }

    /// The longest line, in bytes: the kernel cuts at 976 (`LOG_LINE_MAX`).
    private static let longest = 960
}
