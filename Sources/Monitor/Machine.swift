internal import CLinux
internal import Config
internal import Linux
internal import Plan

extension Machine {
    /// What there is for key derivations.
    static var room: Schedule.Room {
        Schedule.Room(freeMemory: freeMemory, cores: cores)
    }
}

/// The terminals on which the console's prompt stands.
enum Consoles {
    /// Their paths: the kernel's active consoles; in a rehearsal the terminal it was started from.
    static func terminals(_ setting: ConsoleSetting, rehearsal: Bool) -> [String] {
        switch setting {
        case .off: return []
        case .paths(let paths): return paths
        case .active: break
        }
        if rehearsal {
            guard let path = Files.resolved("/proc/self/fd/0"),
                path.hasPrefix("/dev/pts/") || path.hasPrefix("/dev/tty")
            else { return [] }
            return [path]
        }
        guard let bytes = try? Files.read("/sys/class/tty/console/active", limit: 4096) else { return [] }
        return bytes.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }.map { name in
            "/dev/\(String(decoding: name, as: UTF8.self))"
        }
    }

    /// Has the kernel forget what was typed there.
    static func forget(_ terminals: [String]) {
        for path in terminals {
            guard let terminal = try? FileDescriptor.open(path, O_RDWR | O_NOCTTY | O_NONBLOCK) else { continue }
            linux_terminal_forget(terminal.number)
        }
    }
}
