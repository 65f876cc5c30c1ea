import Foundation
import Glibc
import Linux
import SeenTerminal
import Testing
import Wire

/// The console process as the monitor starts it, with the test in the monitor's place: the program's own binary, its
/// socket at descriptor 3, terminals that the test sits at, and the confinement that the caller's rights allow.
///
/// `POSTERN_BINARY` names another binary, such as the shipped static one.
final class ConsoleUnderTest {
    let id: pid_t
    private(set) var logged: [String] = []
    private(set) var passphrases: [String] = []
    private(set) var opened = 0
    private let terminals: [Pseudoterminal]
    private var socket: FrameSocket?
    private var status: Int32?

    /// `console` is what the process finds at `/dev/console`, in place of this machine's.
    init(
        _ terminals: [Pseudoterminal], also paths: [String] = [], askPassword: String? = nil,
        console: Pseudoterminal? = nil
    ) throws {
        self.terminals = terminals + (console.map { [$0] } ?? [])
        let pair = try FileDescriptor.socketPair()
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        // All other descriptors of ours are close-on-exec. dup2 onto itself keeps that flag, so the number must differ.
        let far = fcntl(pair.second.number, F_DUPFD_CLOEXEC, 50)
        defer { close(far) }
        posix_spawn_file_actions_adddup2(&actions, far, Role.controlDescriptor)
        var arguments = ["postern", "console"]
        if let console {
            let script = "mount --bind \(console.path) /dev/console && exec \(ConsoleUnderTest.binary) console"
            arguments = ["unshare", "--mount", "sh", "-c", script]
        }
        let words = arguments.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var child = pid_t()
        let program = console == nil ? ConsoleUnderTest.binary : "/usr/bin/unshare"
        let code = posix_spawn(&child, program, &actions, nil, words, environ)
        try #require(code == 0, "\(ConsoleUnderTest.binary) does not start")
        id = child
        socket = FrameSocket(pair.takeFirst(), largestFrame: Limits.frameFromSession, largestQueue: 4 << 20)
        let isRoot = geteuid() == 0
        let confinement = Confinement(
            root: isRoot ? try ConsoleUnderTest.emptyFolder() : nil, user: isRoot ? 65533 : nil)
        send(
            .consoleSetup(
                ConsoleSetup(
                    confinement: confinement, terminals: terminals.map { $0.path } + paths, askPassword: askPassword)
            ),
            channel: 0)
    }

    deinit {
        guard status == nil else { return }
        kill(id, SIGKILL)
        var status: Int32 = 0
        waitpid(id, &status, 0)
    }

    private static let binary: String = {
        if let path = ProcessInfo.processInfo.environment["POSTERN_BINARY"] { return path }
        let own = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        return own.deletingLastPathComponent().appending(path: "postern").path
    }()

    private static func emptyFolder() throws -> String {
        let folder = NSTemporaryDirectory() + "postern-console-empty"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        return folder
    }

    func send(_ message: MonitorMessage, channel: UInt8 = 1) {
        do {
            #expect(socket?.send(try message.body(channel: channel)) == true)
        } catch { Issue.record(error) }
    }

    /// Closes the socket, as the end of the monitor does.
    func closeSocket() {
        socket = nil
    }

    /// Works on until `condition` holds, for a minute and a half at most.
    func wait(_ what: Comment, until condition: () -> Bool, at location: SourceLocation = #_sourceLocation) throws {
        let deadline = Clock.now() + 90_000
        while true {
            pump()
            if condition() { return }
            let seen = terminals.map { $0.seen.text }.joined(separator: "\n--\n")
            try #require(
                Clock.now() < deadline, "\(what); seen:\n\(seen)\nlogged: \(logged)", sourceLocation: location)
            usleep(2000)
        }
    }

    /// Works on for some time, in which nothing should happen.
    func work(milliseconds: Int64) {
        let deadline = Clock.now() + milliseconds
        while Clock.now() < deadline {
            pump()
            usleep(2000)
        }
    }

    /// Waits for the process to end.
    func exitStatus() throws -> Int32? {
        try wait("the console ends") {
            var status: Int32 = 0
            if self.status == nil, waitpid(id, &status, WNOHANG) == id {
                self.status = status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + (status & 0x7F)
            }
            return self.status != nil
        }
        pump()
        return status
    }

    private func pump() {
        for terminal in terminals { terminal.pump() }
        while let socket {
            guard case .frame(let body) = socket.receive() else { break }
            do {
                let (channel, message) = try SessionMessage.read(body)
                switch message {
                case .log(_, let line): logged.append(line)
                case .open(.unlock, true) where channel == 1: opened += 1
                case .passphrase(let secret) where channel == 1:
                    passphrases.append(secret.withUnsafeBytes { String(decoding: $0, as: UTF8.self) })
                default: Issue.record("\(message) on channel \(channel)")
                }
            } catch { Issue.record(error) }
        }
        _ = socket?.flush()
    }

    /// Processor time the process has used, in milliseconds.
    var usedTime: Int {
        let text = (try? String(contentsOfFile: "/proc/\(id)/stat", encoding: .utf8)) ?? ""
        let fields = text.split(separator: ")").last?.split(separator: " ") ?? []
        guard fields.count > 12 else { return 0 }
        return ((Int(fields[11]) ?? 0) + (Int(fields[12]) ?? 0)) * 1000 / sysconf(Int32(_SC_CLK_TCK))
    }

    /// A field of the process's `/proc/PID/status`.
    func field(_ name: String) -> String {
        let text = (try? String(contentsOfFile: "/proc/\(id)/status", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix(name + ":") } ?? ""
        return line.dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces)
    }
}

/// A machine with one volume that asks.
func machine(_ volume: VolumeState = .locked, asks: Bool = true, notices: [String] = []) -> MachineState {
    MachineState(
        host: "nas", waiting: 61, rehearsal: false, continues: false,
        volumes: [VolumeStatus(name: "crypt-root", device: "UUID=1", state: volume, asks: asks, required: true)],
        notices: notices)
}
