internal import CLinux
public import Linux

/// A program of the booted machine, such as `/usr/bin/journalctl`, run to its end.
///
/// It has nothing to read, no terminal to ask at, and a bound for its output and its time. Only commands that a person runs
/// on the booted machine use this; the agent does not.
public enum HostProgram {
    /// How it ended.
    public enum End: Equatable, Sendable {
        /// With this exit status, or with 128 and the number of a signal; 127 also when it could not start.
        case exited(Int32)
        /// It took longer than it might, and was killed.
        case tookTooLong
        /// It wrote more than it might, and was killed.
        case wroteTooMuch
        /// Somebody asked for the end of the command that ran it, and it was killed.
        case interrupted
    }

    /// What it wrote, and how it ended.
    public struct Result: Equatable, Sendable {
        public let end: End
        public let output: [UInt8]
        /// The first bytes of its standard error.
        public let errors: [UInt8]

        public var succeeded: Bool { end == .exited(0) }

        /// Why it did not succeed: the last line of its standard error or, without one, how it ended.
        public var failure: String {
            switch end {
            case .tookTooLong: "it took too long"
            case .wroteTooMuch: "it wrote too much"
            case .interrupted: "it was interrupted"
            case .exited(let status):
                errors.split(whereSeparator: { $0 == 0x0a || $0 == 0x0d }).last.map { printable(Array($0), limit: 300) }
                    ?? "it ended with status \(status)"
            }
        }
    }

    /// Where programs are looked for: NixOS has them in the last two.
    public static let folders = [
        "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin", "/run/wrappers/bin",
        "/run/current-system/sw/bin",
    ]
    /// As much of its standard error is kept, in bytes.
    static let mostErrors = 64 << 10

    /// The path of a program, or `nil` when it is not installed.
    public static func find(_ name: String, in folders: [String] = HostProgram.folders) -> String? {
        for folder in folders {
            let path = folder + "/" + name
            if case .file(let permissions)? = Files.kind(path), permissions & 0o111 != 0 { return path }
        }
        return nil
    }

    /// Runs a program until it ends, or is killed with all that it has started.
    ///
    /// - Parameters:
    ///   - arguments: its path and what follows; at least one.
    ///   - environment: `NAME=value` besides `PATH` and `LC_ALL=C`.
    ///   - limit: the most that it may write to its standard output, in bytes.
    ///   - seconds: the longest that it may take.
    ///   - interruption: by which it is ended early.
    /// - Returns: what it wrote.
    /// - Throws: `SystemError` where there can be no process.
    public static func run(
        _ arguments: [String], environment: [String] = [], limit: Int = 1 << 20, seconds: Int = 20,
        interruption: Interruption? = nil
    ) throws(SystemError) -> Result {
        let output = try FileDescriptor.pipe()
        let errors = try FileDescriptor.pipe()
        let id = try start(arguments, environment, output.second.number, errors.second.number)
        let running = RunningProgram(
            id: id, output: output.takeFirst(), errors: errors.takeFirst(), limit: limit,
            until: Clock.now() + Int64(seconds) * 1000, interruption)
        return running.finish()
    }

    private static func start(
        _ arguments: [String], _ environment: [String], _ output: Int32, _ errors: Int32
    ) throws(SystemError) -> Int32 {
        var path = "PATH="
        for (place, folder) in folders.enumerated() { path += (place > 0 ? ":" : "") + folder }
        let words = arguments.map { terminated($0) }
        let settings = ([path, "LC_ALL=C"] + environment).map { terminated($0) }
        let id = unsafe ChildProcess.withPointers(to: words, from: 0, []) { words in
            unsafe ChildProcess.withPointers(to: settings, from: 0, []) { settings in
                unsafe linux_spawn_host_program(words, settings, output, errors)
            }
        }
        return try check("fork(\(arguments[0]))") { id }
    }

    private static func terminated(_ text: String) -> [CChar] { text.utf8.map { CChar(bitPattern: $0) } + [0] }
}
