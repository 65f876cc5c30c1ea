internal import CLinux

/// What this machine is and has.
public enum Machine {
    /// Where `postern image` keeps the host's name for an initrd.
    public static let hostNameFile = "/etc/postern/hostname"

    /// The host's name: the kernel's, or where an initrd has none yet, that of `hostNameFile`, or `this machine`.
    public static var hostName: String {
        var buffer = [CChar](repeating: 0, count: 256)
        guard unsafe gethostname(&buffer, buffer.count - 1) == 0 else { return "this machine" }
        let bytes = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        let name = String(decoding: bytes, as: UTF8.self)
        if isOne(name) { return name }
        let kept = String(
            decoding: ((try? Files.read(hostNameFile, limit: 256)) ?? []).prefix { $0 > 0x20 }, as: UTF8.self)
        return isOne(kept) ? kept : "this machine"
    }

    /// Whether it tells this machine from others.
    private static func isOne(_ name: String) -> Bool { !name.isEmpty && name != "(none)" && name != "localhost" }

    /// Whether this runs in an initrd: systemd's mark is there, or the root lies in memory.
    public static var isInitrd: Bool {
        Files.exists("/etc/initrd-release") || linux_root_in_memory() == 1
    }

    /// Memory that can be had without swapping, in KiB: `MemAvailable` of proc(5), or 0 when it cannot be read.
    public static var freeMemory: UInt64 { memory("MemAvailable:") }

    /// A figure of proc(5)'s meminfo in KiB, or 0 when it cannot be read.
    public static func memory(_ name: String, in file: String = "/proc/meminfo") -> UInt64 {
        guard let bytes = try? Files.read(file, limit: 64 << 10) else { return 0 }
        for line in bytes.split(separator: UInt8(ascii: "\n")) where line.starts(with: name.utf8) {
            return line.reduce(0) { value, byte in
                (0x30...0x39).contains(byte) ? value &* 10 &+ UInt64(byte - 0x30) : value
            }
        }
        return 0
    }

    /// Processors that are on line.
    public static var cores: Int {
        max(Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))), 1)
    }
}

/// SIGCHLD, SIGTERM, SIGINT and SIGHUP as a descriptor.
public enum Signals {
    /// Takes these signals over: from now on they are read, not delivered. SIGPIPE is ignored.
    ///
    /// - Throws: `SystemError` for `signalfd`.
    public static func open() throws(SystemError) -> FileDescriptor {
        FileDescriptor(owning: try check("signalfd") { linux_signal_descriptor() })
    }

    /// Reads what has come. `isAskedToEnd` becomes true when one of them was not SIGCHLD.
    public static func drain(_ descriptor: Int32, isAskedToEnd: inout Bool) {
        var information = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        while unsafe read(descriptor, &information, size) == size {
            if information.ssi_signo != UInt32(SIGCHLD) { isAskedToEnd = true }
        }
    }
}
