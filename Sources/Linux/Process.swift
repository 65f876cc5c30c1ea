internal import CLinux

/// A child process and how it ended.
public struct ExitedProcess: Equatable, Sendable {
    public let id: Int32
    /// Its exit status, or 128 and the number of the signal that ended it.
    public let status: Int32
    /// The signal that ended it, or 0.
    public let signal: Int32

    init(_ id: Int32, _ status: Int32) {
        self.id = id
        self.status = linux_exit_status(status)
        signal = status & 0x7f
    }
}

/// A process that this one has started. Once it has been reaped it cannot be signalled any more, for its number may be
/// another's by then.
public final class StartedProcess {
    public let id: Int32
    /// It stands for this process alone. Before Linux 5.3 there is none: the number is good until the process is reaped.
    private let descriptor: FileDescriptor?
    private var isReaped = false

    init(_ id: Int32) {
        self.id = id
        descriptor = try? FileDescriptor.process(id)
    }

    /// Its exit has been taken note of.
    public func wasReaped() { isReaped = true }

    fileprivate func signal(_ number: Int32) {
        guard let living else { return }
        switch descriptor {
        case .some(let descriptor): _ = linux_signal_process(descriptor.number, number)
        case .none: _ = CLinux.kill(living, number)
        }
    }

    /// Its number, as long as that is nobody else's.
    var living: Int32? { isReaped ? nil : id }
}

public enum ChildProcess {
    /// Starts `role` with `descriptors` at 3, 4 and so on. Standard input and output are `/dev/null`, and so is
    /// standard error unless `error` names a descriptor; everything else is closed.
    ///
    /// - Throws: `SystemError` for `posix_spawn`, in practice `EAGAIN` or `ENOMEM`.
    public static func spawn(
        _ role: Role, descriptors: [Int32], error: Int32 = -1
    ) throws(SystemError) -> StartedProcess {
        StartedProcess(
            try check("posix_spawn(\(role.rawValue))") {
                unsafe linux_spawn_role(role.rawValue, descriptors, Int32(descriptors.count), error)
            })
    }

    /// Starts a program of the system's, with its standard output at `output`. It is asked to end (SIGTERM) when this
    /// process ends. One that is not there exits with 127.
    ///
    /// - Parameters:
    ///   - arguments: its path and what follows; at least one.
    ///   - output: the descriptor for its standard output.
    ///   - error: one for its standard error, or -1 for this process's own.
    /// - Returns: the process.
    /// - Throws: `SystemError` for `fork`, in practice `EAGAIN` or `ENOMEM`.
    public static func spawn(
        _ arguments: [String], output: Int32, error: Int32 = -1
    ) throws(SystemError) -> StartedProcess {
        var bytes: [[CChar]] = []
        for argument in arguments { bytes.append(argument.utf8.map { CChar(bitPattern: $0) } + [0]) }
        let id = unsafe withPointers(to: bytes, from: 0, []) { pointers in
            unsafe linux_spawn_program(pointers, output, error)
        }
        return StartedProcess(try check("fork(\(arguments[0]))") { id })
    }

    /// Lends pointers to all of `strings`, and a null pointer behind them.
    public static func withPointers(
        to strings: [[CChar]], from index: Int, _ pointers: [UnsafePointer<CChar>?],
        _ body: ([UnsafePointer<CChar>?]) -> Int32
    ) -> Int32 {
        guard index < strings.count else { return unsafe body(pointers + [nil]) }
        return unsafe strings[index].withUnsafeBufferPointer { string in
            unsafe withPointers(to: strings, from: index + 1, pointers + [string.baseAddress], body)
        }
    }

    /// Asks a child to end (SIGTERM).
    public static func terminate(_ child: StartedProcess) {
        child.signal(SIGTERM)
    }

    /// How a child has ended, or `nil` while it runs. It does not block.
    public static func exited(_ child: StartedProcess) -> ExitedProcess? {
        var status: Int32 = 0
        guard unsafe waitpid(child.id, &status, WNOHANG) == child.id else { return nil }
        child.wasReaped()
        return ExitedProcess(child.id, status)
    }

    /// Has a child give way to others, or no longer. The corresponding C function is `setpriority`; only root may take it
    /// back.
    public static func giveWay(_ child: StartedProcess, _ gives: Bool) {
        if let process = child.living { _ = linux_set_nice(process, gives ? 10 : 0) }
    }

    /// Ends a child at once.
    public static func kill(_ child: StartedProcess) {
        child.signal(SIGKILL)
    }

    /// A child that has ended and was not reported yet, or `nil`. The kernel may give its number to
    /// another process from now on. It does not block.
    public static func nextExited() -> ExitedProcess? {
        var status: Int32 = 0
        let id = unsafe waitpid(-1, &status, WNOHANG)
        return id > 0 ? ExitedProcess(id, status) : nil
    }

    /// Waits for a child to end, as long as it takes.
    public static func wait(for child: StartedProcess) {
        var status: Int32 = 0
        while unsafe waitpid(child.id, &status, 0) == -1, linux_errno() == EINTR {}
        child.wasReaped()
    }

    /// Makes this process end with its parent, and ends it now when the parent has gone already.
    ///
    /// It must come after the last change of credentials, which clears the setting (prctl(2)). With `gently` it is
    /// asked to end (SIGTERM), for a process that has something to restore and also sees its socket end.
    public static func endWithParent(_ parent: Int32, gently: Bool = false) {
        _ = linux_set_parent_death_signal(gently ? SIGTERM : SIGKILL)
        if getppid() != parent, !gently { _exit(1) }
    }

    public static var parent: Int32 { getppid() }
    public static var id: Int32 { getpid() }
    public static var isRoot: Bool { geteuid() == 0 }
}
