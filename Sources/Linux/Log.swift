internal import CLinux

/// Where the agent's log lines go: the kernel's log in an initrd, so that they outlive it; else standard error.
public struct Log: ~Copyable {
    private let kernel: FileDescriptor?

    /// Opens `/dev/kmsg` when `toKernel` says so and it can be opened.
    public init(toKernel: Bool) {
        kernel = toKernel ? try? FileDescriptor.open("/dev/kmsg", O_WRONLY | O_NOCTTY) : nil
    }

    /// Writes one line at a level of syslog(3). What a peer may have put into it is made printable.
    public borrowing func write(_ level: UInt8, _ text: String) {
        let line = printable(text)
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

/// The text with every control character shown as `\x1b` shows the escape character, so that it cannot move a cursor
/// or begin a line of its own.
public func printable(_ text: String) -> String {
    var shown: [UInt8] = []
    let digits = Array("0123456789abcdef".utf8)
    for scalar in text.unicodeScalars {
        // U+0080 to U+009F are the control characters of ISO 6429, such as a CSI of one character.
        if scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value) {
            let code = Int(scalar.value)
            shown += [UInt8(ascii: "\\"), UInt8(ascii: "x"), digits[code >> 4], digits[code & 15]]
        } else {
            shown += Array(String(scalar).utf8)
        }
    }
    return String(decoding: shown, as: UTF8.self)
}
