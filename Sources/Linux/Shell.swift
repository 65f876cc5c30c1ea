internal import CLinux

/// A shell of the system's own, `/bin/sh`, in a session of its own (setsid(2)), with all rights of this process.
public final class Shell {
    public let process: StartedProcess
    /// The master of its terminal, if it has one and is not hung up.
    private var terminal: FileDescriptor?

    /// The size of a terminal, in characters.
    public struct Size: Equatable, Sendable {
        public var columns: UInt16
        public var rows: UInt16

        public init(columns: UInt16, rows: UInt16) {
            (self.columns, self.rows) = (columns, rows)
        }
    }

    /// How many may run at once: a session has room for the descriptors of as many.
    public static let most = 4
    /// Where it is.
    public static let path = "/bin/sh"

    /// Starts one at a terminal of its own.
    ///
    /// - Parameters:
    ///   - command: what it runs, or `nil` for what is typed.
    ///   - environment: all of it, each `NAME=VALUE`.
    ///   - size: the terminal's.
    ///   - ends: the terminal's master, which does not block, for whoever carries the bytes.
    /// - Throws: `SystemError` for `/dev/ptmx`, which there is where devpts is mounted, and for `fork`.
    public init(
        _ command: String?, environment: [String], size: Size, ends: inout PassedDescriptors?
    ) throws(SystemError) {
        var numbers: [Int32] = [-1, -1, -1]
        try check("open(/dev/ptmx)") { unsafe linux_open_terminal(&numbers) }
        terminal = FileDescriptor(owning: numbers[0])
        ends = PassedDescriptors(owning: [numbers[1]])
        _ = linux_resize_terminal(numbers[0], size.rows, size.columns)
        let side = FileDescriptor(owning: numbers[2])
        process = try Shell.spawn(command, environment, [side.number, side.number, side.number], hasTerminal: true)
    }

    /// Starts one whose standard input, output and error are pipes.
    ///
    /// - Parameters:
    ///   - command: as above.
    ///   - environment: as above.
    ///   - ends: the other ends of these, in that order, which do not block.
    /// - Throws: `SystemError` for `pipe2` and `fork`.
    public init(_ command: String?, environment: [String], ends: inout PassedDescriptors?) throws(SystemError) {
        let input = try FileDescriptor.pipe()
        let output = try FileDescriptor.pipe()
        let errors = try FileDescriptor.pipe()
        process = try Shell.spawn(
            command, environment, [input.first.number, output.second.number, errors.second.number], hasTerminal: false)
        let numbers = [
            input.takeSecond().release(), output.takeFirst().release(), errors.takeFirst().release(),
        ]
        for number in numbers { _ = linux_set_nonblocking(number) }
        ends = PassedDescriptors(owning: numbers)
    }

    private static func spawn(
        _ command: String?, _ environment: [String], _ descriptors: [Int32], hasTerminal: Bool
    ) throws(SystemError) -> StartedProcess {
        let bytes = environment.map { text in text.utf8.map { CChar(bitPattern: $0) } + [0] }
        let id = unsafe ChildProcess.withPointers(to: bytes, from: 0, []) { pointers in
            unsafe linux_spawn_shell(command, pointers, descriptors, hasTerminal ? 1 : 0)
        }
        return StartedProcess(try check("fork") { id })
    }

    public func resize(_ size: Size) {
        if let master { _ = linux_resize_terminal(master, size.rows, size.columns) }
    }

    /// Sends a signal to what runs in the foreground of its terminal, or without one to its process group.
    public func signal(_ number: Int32) {
        guard let id = process.living else { return }
        let group = master.map { linux_foreground($0) } ?? id
        if group > 1 { _ = CLinux.kill(-group, number) }
    }

    /// Tells all of its session that its terminal is gone (SIGHUP), and lets go of that.
    public func hangUp() {
        signalSession(SIGHUP)
        // What was stopped is to hear it.
        signalSession(SIGCONT)
        terminal = nil
    }

    /// Ends all of its session at once: the shell, its jobs, and what these have started. What has made a session of its own
    /// is not of it.
    public func killSession() {
        ChildProcess.kill(process)
        // What starts another process meanwhile is there once more.
        for _ in 0..<3 where !signalSession(SIGKILL) { return }
    }

    private var master: Int32? {
        switch terminal {
        case .some(let terminal): terminal.number
        case .none: nil
        }
    }

    /// - Returns: whether anybody was there.
    @discardableResult private func signalSession(_ number: Int32) -> Bool {
        var isAny = false
        for name in Files.names(in: "/proc") {
            guard let id = Int32(name), getsid(id) == process.id else { continue }
            isAny = CLinux.kill(id, number) == 0 || isAny
        }
        return isAny
    }
}
