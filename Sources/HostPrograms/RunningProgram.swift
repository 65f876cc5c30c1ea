internal import CLinux
internal import Linux

/// A program that has started, and what it has written so far.
struct RunningProgram: ~Copyable {
    private let id: Int32
    /// It becomes readable when the program has ended. Before Linux 5.3 there is none.
    private let process: FileDescriptor?
    private let output: FileDescriptor
    private let errors: FileDescriptor
    private let limit: Int
    private let deadline: Int64
    private let interruption: Interruption?
    private var written: [UInt8] = []
    private var complaints: [UInt8] = []
    /// How often to look for its end where no descriptor tells of it, in milliseconds.
    private static let interval: Int64 = 20

    /// - Parameters:
    ///   - id: the process, which leads a group of its own.
    ///   - output: where its standard output can be read.
    ///   - errors: the same for its standard error.
    ///   - limit: the most that it may write, in bytes.
    ///   - deadline: when it is killed, by `Clock.now()`.
    ///   - interruption: by which it is killed earlier.
    init(
        id: Int32, output: consuming FileDescriptor, errors: consuming FileDescriptor, limit: Int,
        until deadline: Int64, _ interruption: Interruption?
    ) {
        self.id = id
        process = try? FileDescriptor.process(id)
        _ = linux_set_nonblocking(output.number)
        _ = linux_set_nonblocking(errors.number)
        self.output = output
        self.errors = errors
        self.limit = limit
        self.deadline = deadline
        self.interruption = interruption
    }

    /// Reads until the program has ended. What it has left running in the background is not waited for.
    consuming func finish() -> HostProgram.Result {
        var readsOutput = true
        var readsErrors = true
        var set = PollSet()
        while true {
            // In this order: what it wrote before its end is in the pipes by then.
            let status = exitStatus()
            readsOutput = readsOutput && readOutput()
            readsErrors = readsErrors && readErrors()
            if written.count > limit {
                return killed(.wroteTooMuch, isReaped: status != nil)
            }
            if let status { return ended(.exited(status)) }
            let left = deadline - Clock.now()
            guard left > 0 else { return killed(.tookTooLong, isReaped: false) }
            if interruption?.isThere ?? false { return killed(.interrupted, isReaped: false) }
            set.removeAll()
            set.add(readsOutput ? output.number : -1, .readable)
            set.add(readsErrors ? errors.number : -1, .readable)
            set.add(interruption?.number ?? -1, .readable)
            switch process {
            case .some(let process):
                set.add(process.number, .readable)
                set.wait(milliseconds: left)
            case .none: set.wait(milliseconds: min(left, RunningProgram.interval))
            }
        }
    }

    /// Its exit status, or 128 and the number of a signal, once it has ended.
    private func exitStatus() -> Int32? {
        var status: Int32 = 0
        return unsafe waitpid(id, &status, WNOHANG) == id ? linux_exit_status(status) : nil
    }

    private consuming func killed(_ end: HostProgram.End, isReaped: Bool) -> HostProgram.Result {
        // Its number is nobody else's until it is reaped.
        if !isReaped {
            _ = CLinux.kill(-id, SIGKILL)
            var status: Int32 = 0
            while unsafe waitpid(id, &status, 0) == -1, linux_errno() == EINTR {}
        }
        return ended(end)
    }

    private consuming func ended(_ end: HostProgram.End) -> HostProgram.Result {
        HostProgram.Result(
            end: end, output: Array(written.prefix(limit)), errors: Array(complaints.prefix(HostProgram.mostErrors)))
    }

    /// - Returns: whether there may be more.
    private mutating func readOutput() -> Bool {
        while written.count <= limit {
            guard let some = some(of: output) else { return true }
            guard !some.isEmpty else { return false }
            written += some
        }
        return false
    }

    private mutating func readErrors() -> Bool {
        while let some = some(of: errors) {
            guard !some.isEmpty else { return false }
            // The rest is read and left out, so that the program does not wait for a reader.
            if complaints.count < HostProgram.mostErrors { complaints += some }
        }
        return true
    }

    /// Some bytes, none at the end, or `nil` when there are none yet.
    private func some(of pipe: borrowing FileDescriptor) -> [UInt8]? {
        var count: Int? = 0
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: 16 << 10) { room, initialized in
            do throws(SystemError) {
                unsafe count = try pipe.read(into: UnsafeMutableRawBufferPointer(room))
            } catch { count = 0 }
            initialized = count ?? 0
        }
        return count == nil ? nil : bytes
    }
}
