import CMachine
import Foundation
import Glibc

/// A program that was started beside the test.
///
/// Not Foundation's `Process`: that sees an end only when every program that was started meanwhile has ended, too.
public final class Program: @unchecked Sendable {
    public let process: Int32
    private let ended = ConditionVariable()
    private var status: Int32?

    /// Starts a program found in PATH with three descriptors as its 0, 1 and 2, and no other.
    public init(
        _ tool: String, _ arguments: [String], descriptors: [Int32], environment: [String: String] = [:]
    ) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // First out of the way of the numbers they are to have, since one could stand where another goes.
        let high = descriptors.map { fcntl($0, F_DUPFD_CLOEXEC, 10) }
        defer { for descriptor in high { close(descriptor) } }
        for (index, descriptor) in high.enumerated() {
            posix_spawn_file_actions_adddup2(&actions, descriptor, Int32(index))
        }
        _ = machine_close_from(&actions, Int32(descriptors.count))
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // The test runner ignores signals that a program of its own wants to have.
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigaddset(&signals, SIGPIPE)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        let words = strings([tool] + arguments)
        let all = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let settings = strings(all.map { "\($0)=\($1)" })
        defer { for word in words + settings { free(word) } }
        var id: pid_t = 0
        let code = posix_spawnp(&id, tool, &actions, &attributes, words, settings)
        guard code == 0 else { throw PeerError.tool("\(tool): \(String(cString: strerror(code)))") }
        process = id
        Thread.detachNewThread { [self] in watch() }
    }

    private func watch() {
        // It stays a zombie until nobody can send a signal to its number any more.
        var information = siginfo_t()
        while waitid(P_PID, id_t(process), &information, WEXITED | WNOWAIT) == -1, errno == EINTR {}
        ended.withLock {
            var code: Int32 = 0
            waitpid(process, &code, 0)
            status = code & 0x7F == 0 ? code >> 8 & 0xFF : 128 + (code & 0x7F)
            ended.broadcast()
        }
    }

    /// Waits for its end: the exit status, or 128 and a signal's number; `nil` when it takes too long.
    public func wait(timeout: Double) -> Int32? {
        _ = ended.wait(timeout: timeout) { status != nil }
        return ended.withLock { status }
    }

    /// Sends it a signal, unless it has ended: its number may be another's by then.
    public func signal(_ number: Int32) {
        ended.withLock { if status == nil { _ = kill(process, number) } }
    }
}
