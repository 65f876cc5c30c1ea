import Glibc
import SeenTerminal
import Testing

/// A terminal with a person before it: what is typed goes to the program that has opened `path`, and what that shows is
/// seen.
final class Pseudoterminal {
    let path: String
    private(set) var seen: SeenTerminal
    /// Whether what is shown is read; a serial line whose flow control has stopped it reads nothing.
    var isReading = true
    private var master: Int32
    /// Kept open, so that the terminal outlives the program.
    private var slave: Int32

    init(columns: UInt16 = 80) throws {
        // posix_openpt(3) and its kin stand behind _XOPEN_SOURCE: TIOCSPTLCK and TIOCGPTN.
        master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)
        var locked: Int32 = 0
        var number: Int32 = 0
        try #require(
            master >= 0 && ioctl(master, 0x4004_5431, &locked) == 0 && ioctl(master, 0x8004_5430, &number) == 0)
        path = "/dev/pts/\(number)"
        slave = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC)
        var size = winsize(ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
        try #require(slave >= 0 && ioctl(master, UInt(TIOCSWINSZ), &size) == 0)
        seen = SeenTerminal(columns: Int(columns))
    }

    deinit { hangUp() }

    func type(_ text: String) {
        let bytes = Array(text.utf8)
        #expect(write(master, bytes, bytes.count) == bytes.count)
    }

    /// Has it take no more until what was shown is read.
    func fill() {
        isReading = false
        let other = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)
        defer { close(other) }
        let line = [UInt8](repeating: UInt8(ascii: "."), count: 64)
        while write(other, line, line.count) > 0 {}
    }

    /// Unplugs it.
    func hangUp() {
        guard master >= 0 else { return }
        close(slave)
        close(master)
        master = -1
    }

    /// Reads what has been shown.
    func pump() {
        guard isReading, master >= 0 else { return }
        var bytes = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(master, &bytes, bytes.count)
            guard count > 0 else { return }
            seen.write(bytes[..<count])
        }
    }

    var settings: termios {
        var settings = termios()
        tcgetattr(master, &settings)
        return settings
    }

    /// Sets it as another program would.
    func set(_ settings: termios) {
        var settings = settings
        tcsetattr(master, TCSANOW, &settings)
    }

    /// Whether the terminal is as a shell wants it: lines, echo, signals.
    var isOrdinary: Bool {
        let wanted = tcflag_t(ICANON | ECHO | ISIG | IEXTEN)
        return settings.c_lflag & wanted == wanted && settings.c_iflag & tcflag_t(ICRNL) != 0
    }
}
