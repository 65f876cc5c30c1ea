import Foundation
import Linux
import Testing
import Wire

/// A worker as the monitor starts it: the program's own binary, with the socket at descriptor 3.
///
/// `POSTERN_BINARY` names another binary, such as the shipped static one.
final class WorkerUnderTest {
    let id: pid_t
    private var socket: FrameSocket?

    /// Starts it, by way of a program such as setpriv(1) when `wrapper` names one and its arguments.
    init(wrapper: [String] = []) throws {
        let pair = try FileDescriptor.socketPair()
        let far = pair.second.number
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // All other descriptors of ours are close-on-exec.
        posix_spawn_file_actions_adddup2(&actions, far, Role.controlDescriptor)
        let line = wrapper + [wrapper.isEmpty ? "postern" : WorkerUnderTest.binary, "worker"]
        let words: [UnsafeMutablePointer<CChar>?] = line.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var child = pid_t()
        let code = posix_spawnp(&child, wrapper.first ?? WorkerUnderTest.binary, &actions, nil, words, environ)
        try #require(code == 0, "\(WorkerUnderTest.binary) does not start")
        id = child
        socket = FrameSocket(
            pair.takeFirst(), largestFrame: Limits.frameFromWorker, largestQueue: Limits.frameFromMonitor)
    }

    private static let binary: String = {
        if let path = ProcessInfo.processInfo.environment["POSTERN_BINARY"] { return path }
        let own = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        return own.deletingLastPathComponent().appending(path: "postern").path
    }()

    func send(_ order: WorkerOrder) throws {
        let socket = try #require(self.socket)
        try #require(socket.send(order.body()))
        while socket.wantsToWrite {
            wait(for: .writable)
            try #require(socket.flush())
        }
    }

    /// The next report that is not for the log, or `nil` when the worker ended without one.
    func report() throws -> WorkerReport? {
        let socket = try #require(self.socket)
        let deadline = Clock.now() + 20_000
        while Clock.now() < deadline {
            switch socket.receive() {
            case .closed: return nil
            case .nothing: wait(for: .readable)
            case .frame(let body):
                let report = try WorkerReport.read(body)
                guard case .log(_, let line) = report else { return report }
                logged.append(line)
            }
        }
        kill(id, SIGKILL)
        Issue.record("the worker says nothing")
        return nil
    }

    private(set) var logged: [String] = []

    /// Closes the socket, as a monitor that dies does.
    func hangUp() { socket = nil }

    /// Waits for the worker's end, and returns its status.
    func status() -> Int32 {
        var status: Int32 = 0
        while waitpid(id, &status, 0) == -1, errno == EINTR {}
        return status & 0x7f == 0 ? status >> 8 & 0xff : 128 + status & 0x7f
    }

    private func wait(for events: PollSet.Events) {
        var set = PollSet()
        if let socket { set.add(socket.number, events) }
        set.wait(milliseconds: 1000)
    }

    /// Runs one job, and returns the report it ends with.
    static func run(_ order: WorkerOrder, wrapper: [String] = []) throws -> WorkerReport? {
        let worker = try WorkerUnderTest(wrapper: wrapper)
        try worker.send(order)
        let report = try worker.report()
        #expect(worker.status() == 0)
        return report
    }
}
