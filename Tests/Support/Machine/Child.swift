import CMachine
import Foundation
import Synchronization

/// A process of the host that a test started.
public final class Child: Sendable {
    private enum State {
        case running
        case ended(Int32)
    }

    private let process: pid_t
    /// The number of its process, for as long as it runs.
    var number: pid_t { process }
    private let state = Mutex(State.running)
    /// It prints nothing: it ends when the process does.
    private let life: Transcript

    /// Starts a program, looked up in `PATH`, with `descriptors` as its own 0, 1, 2, and so on.
    ///
    /// The caller keeps its own copies of them, and closes them.
    public init(_ arguments: [String], descriptors: [Int32]) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // First out of the way of the numbers they are to have, since one could stand where another goes.
        for (target, descriptor) in descriptors.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(100 + target))
        }
        for target in descriptors.indices {
            posix_spawn_file_actions_adddup2(&actions, Int32(100 + target), Int32(target))
            posix_spawn_file_actions_addclose(&actions, Int32(100 + target))
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // The test runner blocks and ignores signals that a program of its own wants to have.
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigaddset(&signals, SIGPIPE)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        var words = arguments.map { strdup($0) }
        words.append(nil)
        defer { for word in words { free(word) } }
        var process = pid_t()
        let code = posix_spawnp(&process, arguments[0], &actions, &attributes, words, environ)
        guard code == 0 else {
            throw MachineError.failed("\(arguments[0]) could not be started: \(String(cString: strerror(code)))")
        }
        self.process = process
        life = Transcript(arguments.joined(separator: " "))
        Thread.detachNewThread { [self, process] in
            // It is left a zombie until nobody can send a signal to its number any more.
            var information = siginfo_t()
            while waitid(P_PID, id_t(process), &information, WEXITED | WNOWAIT) == -1 && errno == EINTR {}
            state.withLock { state in
                var status: Int32 = 0
                waitpid(process, &status, 0)
                // As a shell has it: what it exited with, or 128 and the signal that ended it.
                let signal = status & 0x7f
                state = .ended(signal == 0 ? (status >> 8) & 0xff : 128 + signal)
            }
            life.end()
        }
    }

    /// Waits for its exit status.
    public func status(within limit: Duration = .seconds(1200)) async throws -> Int32 {
        try await life.expectEnd(within: limit)
        return state.withLock { if case .ended(let status) = $0 { status } else { -1 } }
    }

    /// Ends it, unless it has ended: its number may be another process's by then.
    public func kill(_ signal: Int32) {
        state.withLock { if case .running = $0 { _ = Foundation.kill(process, signal) } }
    }
}

/// What a program printed, and how it ended.
public struct Outcome: Sendable, CustomStringConvertible {
    public let status: Int32
    public let output: String
    public let errors: String

    public var description: String { "exit status \(status)\noutput: \(output)\nerrors: \(errors)" }
}

/// Runs a program of the host to its end, `input` being its standard input.
public func runProgram(
    _ arguments: [String], input: String = "", within limit: Duration = .seconds(1200)
) async throws -> Outcome {
    // It fits into the pipe, so that nobody waits here.
    precondition(input.utf8.count <= 4096)
    let (stdin, feed) = try pipe()
    let (output, stdout) = try pipe()
    let (errors, stderr) = try pipe()
    let name = arguments.joined(separator: " ")
    let outputs = Transcript("the output of \(name)", following: output)
    let complaints = Transcript("the errors of \(name)", following: errors)
    _ = Array(input.utf8).withUnsafeBytes { write(feed, $0.baseAddress, $0.count) }
    close(feed)
    let child: Child
    do {
        defer { for end in [stdin, stdout, stderr] { close(end) } }
        child = try Child(arguments, descriptors: [stdin, stdout, stderr])
    }
    let status: Int32
    do {
        status = try await child.status(within: limit)
    } catch {
        child.kill(SIGKILL)
        throw MachineError.missing("\(name) did not end within \(limit)\n\(outputs.tail())\n\(complaints.tail())")
    }
    try await outputs.expectEnd(within: .seconds(60))
    try await complaints.expectEnd(within: .seconds(60))
    return Outcome(status: status, output: outputs.text, errors: complaints.text)
}

/// The reading and the writing end of a pipe, closed in every program that is started.
func pipe() throws -> (Int32, Int32) {
    var ends: [Int32] = [-1, -1]
    guard machine_pipe(&ends) == 0 else { throw MachineError.failed("pipe: errno \(errno)") }
    return (ends[0], ends[1])
}

/// Two connected sockets, closed in every program that is started.
func socketPair() throws -> (Int32, Int32) {
    var ends: [Int32] = [-1, -1]
    let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, type, 0, &ends) == 0 else { throw MachineError.failed("socketpair: errno \(errno)") }
    return (ends[0], ends[1])
}
