internal import CLinux
internal import HostPrograms
internal import Linux
internal import Wire

/// A passphrase from standard input: all up to the first line end. At a terminal it is asked for, and not shown.
enum PassphrasePrompt {
    enum Failure: Error {
        case empty
        case tooLong
        case system(SystemError)

        var description: String {
            switch self {
            case .empty: "no passphrase was given"
            case .tooLong: "the passphrase is longer than \(Limits.passphrase) bytes"
            case .system(let error): error.description
            }
        }
    }

    /// Asks for it, and waits as long as it takes.
    ///
    /// - Parameter interruption: what ends the program meanwhile; a terminal is given back as it was before.
    /// - Returns: the passphrase.
    /// - Throws: `Failure`.
    static func read(_ interruption: Interruption) throws(Failure) -> SecretBytes {
        // What is in this process's memory is for no debugger and no core dump.
        _ = linux_limit_core(0)
        _ = linux_set_not_dumpable()
        var saved = termios()
        guard unsafe tcgetattr(0, &saved) == 0 else { return try readLine(interruption) {} }
        var silent = saved
        // With the first of these and without the second the kernel wipes what it has handed out.
        silent.c_lflag |= tcflag_t(ICANON)
        silent.c_lflag &= ~tcflag_t(ECHO)
        // Who stopped or killed this here would be left without echo.
        unsafe withUnsafeMutableBytes(of: &silent.c_cc) { characters in
            unsafe characters[Int(VSUSP)] = 0
            unsafe characters[Int(VQUIT)] = 0
        }
        _ = unsafe tcsetattr(0, TCSAFLUSH, &silent)
        show("Passphrase: ")
        func restore() {
            _ = unsafe tcsetattr(0, TCSAFLUSH, &saved)
            show("\n")
        }
        let result = Result { () throws(Failure) in try readLine(interruption, restore) }
        restore()
        return try result.get()
    }

    private static func readLine(
        _ interruption: Interruption, _ restore: () -> Void
    ) throws(Failure) -> SecretBytes {
        let line: SecretBytes
        // One byte more is a line end, or too much.
        do throws(SystemError) { line = try SecretBytes(capacity: Limits.passphrase + 1) } catch {
            throw .system(error)
        }
        var set = PollSet()
        var end: Int?
        while end == nil {
            guard line.count < line.capacity else { throw .tooLong }
            set.removeAll()
            let input = set.add(0, .readable)
            set.add(interruption.number, .readable)
            set.wait(milliseconds: nil)
            interruption.endIfAsked(restore)
            guard !set.events(of: input).isEmpty else { continue }
            let before = line.count
            unsafe line.fill { room in max(unsafe CLinux.read(0, room.baseAddress, room.count), 0) }
            end = unsafe line.withUnsafeBytes { bytes in
                unsafe bytes[before...].firstIndex { $0 == 0x0A || $0 == 0x0D } ?? (line.count == before ? before : nil)
            }
        }
        // What follows it is nobody's.
        line.removeLast(line.count - (end ?? line.count))
        guard line.count > 0 else { throw .empty }
        return line
    }

    private static func show(_ text: String) {
        let bytes = Array(text.utf8)
        _ = unsafe bytes.withUnsafeBytes { unsafe CLinux.write(2, $0.baseAddress, $0.count) }
    }
}
