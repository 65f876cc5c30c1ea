import CLinux
import CMachine
import Foundation
import Glibc

/// A program at a terminal of its own, as a person would sit before it.
public final class Pseudoterminal {
    private let master: Int32
    /// The program's process id.
    public var process: Int32 { child }
    private let child: pid_t
    /// All that has appeared on the screen.
    public private(set) var screen = ""
    private var raw: [UInt8] = []
    private var isEnded = false

    /// Starts a program found in PATH.
    public init(_ tool: String, _ arguments: [String], columns: UInt16 = 80, rows: UInt16 = 24) throws {
        // posix_openpt(3) and its kin, which stand behind _XOPEN_SOURCE.
        master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
        var locked: Int32 = 0
        var number: Int32 = 0
        guard master >= 0, ioctl(master, 0x4004_5431, &locked) == 0, ioctl(master, 0x8004_5430, &number) == 0 else {
            throw POSIXError(.EIO)
        }
        let name = "/dev/pts/\(number)"
        var size = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
        _ = ioctl(master, UInt(TIOCSWINSZ), &size)
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        // The threads of a test hold signals back, SIGWINCH among them.
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        // POSIX_SPAWN_SETSID: a session leader that opens a terminal gets it as its own. And POSIX_SPAWN_SETSIGMASK.
        posix_spawnattr_setflags(&attributes, 0x80 | 0x08)
        posix_spawn_file_actions_addopen(&actions, 0, name, O_RDWR, 0)
        posix_spawn_file_actions_adddup2(&actions, 0, 1)
        posix_spawn_file_actions_adddup2(&actions, 0, 2)
        _ = machine_close_from(&actions, 3)
        let words = strings([tool] + arguments)
        defer { for word in words { free(word) } }
        var id: pid_t = 0
        let code = posix_spawnp(&id, tool, &actions, &attributes, words, environ)
        posix_spawn_file_actions_destroy(&actions)
        posix_spawnattr_destroy(&attributes)
        guard code == 0 else { throw POSIXError(.ENOENT) }
        child = id
    }

    deinit {
        close(master)
        guard !isEnded else { return }
        kill(child, SIGKILL)
        var status: Int32 = 0
        waitpid(child, &status, 0)
    }

    public func type(_ text: String) {
        let bytes = Array(text.utf8)
        _ = write(master, bytes, bytes.count)
    }

    /// Changes the window's size, as dragging its corner does.
    public func resize(columns: UInt16, rows: UInt16) {
        var size = winsize(ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
        _ = ioctl(master, UInt(TIOCSWINSZ), &size)
    }

    public func signal(_ number: Int32) { kill(child, number) }

    /// Reads until `text` appears after what was last waited for, and returns whether it did in time.
    public func shows(_ text: String, timeout: Double = 90) -> Bool {
        let end = Date().addingTimeInterval(timeout)
        while true {
            if let range = screen[mark...].range(of: text) {
                mark = range.upperBound
                return true
            }
            guard read(until: end) else { return false }
        }
    }

    private lazy var mark = screen.startIndex

    /// Waits for the program's end; its status is 128 and a signal's number, or 124 when it takes too long.
    public func wait(timeout: Double = 90) -> Int32 {
        let end = Date().addingTimeInterval(timeout)
        while read(until: end) {}
        var status: Int32 = 0
        if Date() >= end { kill(child, SIGKILL) }
        waitpid(child, &status, 0)
        isEnded = true
        if Date() >= end { return 124 }
        return status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + (status & 0x7F)
    }

    /// Reads what comes next; `false` at the end or when it is late.
    private func read(until end: Date) -> Bool {
        let left = end.timeIntervalSinceNow
        var waiting = pollfd(fd: master, events: Int16(POLLIN), revents: 0)
        guard left > 0, poll(&waiting, 1, Int32(left * 1000)) > 0 else { return false }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = Glibc.read(master, &buffer, buffer.count)
        guard count > 0 else { return false }
        let offset = screen[..<mark].utf8.count
        raw += buffer[..<count]
        screen = String(decoding: raw, as: UTF8.self)
        mark = screen.utf8.index(screen.startIndex, offsetBy: offset)
        return true
    }
}
