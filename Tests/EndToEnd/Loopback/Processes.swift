import Foundation
import Glibc

/// How long a test waits for what must happen: only a hang takes so long, however slow the machine is.
let patience: Double = 300

/// Waits until `condition` holds, and returns whether it did in time.
func eventually(_ condition: () throws -> Bool) rethrows -> Bool {
    let end = Date().addingTimeInterval(patience)
    while try !condition() {
        guard Date() < end else { return false }
        usleep(5000)
    }
    return true
}

/// Something that goes on beside the test.
final class Later<Value: Sendable>: @unchecked Sendable {
    private let isDone = DispatchSemaphore(value: 0)
    private var result: Result<Value, any Error>?

    init(_ work: @escaping @Sendable () throws -> Value) {
        Thread.detachNewThread { [self] in
            result = Result(catching: work)
            isDone.signal()
        }
    }

    /// Waits for its end.
    func value() throws -> Value {
        isDone.wait()
        defer { isDone.signal() }
        guard let result else { throw POSIXError(.ECHILD) }
        return try result.get()
    }

    var isOver: Bool {
        guard isDone.wait(timeout: .now()) == .success else { return false }
        isDone.signal()
        return true
    }
}

/// The agent's processes, as /proc shows them.
enum Processes {
    /// The processes of a role that `parent` started.
    static func children(of parent: pid_t, _ role: String) -> [pid_t] {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return all.compactMap { pid_t($0) }.filter { self.parent(of: $0) == parent && self.role(of: $0) == role }
    }

    /// All children of `parent` that are processes of ours.
    static func children(of parent: pid_t) -> [pid_t] {
        ["session", "signer", "worker", "console"].flatMap { children(of: parent, $0) }
    }

    /// The role of a process of ours, or `nil` when it has ended or is another one.
    static func role(of id: pid_t) -> String? {
        // A process that has ended and was not waited for has no command line.
        let line = FileManager.default.contents(atPath: "/proc/\(id)/cmdline") ?? Data()
        let words = line.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        return words.count == 2 && words[0] == "postern" ? words[1] : nil
    }

    private static func parent(of id: pid_t) -> pid_t? {
        let line = String(decoding: FileManager.default.contents(atPath: "/proc/\(id)/stat") ?? Data(), as: UTF8.self)
        let fields = line.split(separator: ")").last?.split(separator: " ") ?? []
        return fields.count > 1 ? pid_t(fields[1]) : nil
    }

    /// A field of the process's `/proc/PID/status`.
    static func field(_ name: String, of id: pid_t) -> String {
        let text = String(
            decoding: FileManager.default.contents(atPath: "/proc/\(id)/status") ?? Data(), as: UTF8.self)
        let line = text.split(separator: "\n").first { $0.hasPrefix(name + ":") } ?? ""
        return line.dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces)
    }
}

/// A port of this machine that nobody has now.
func freePort() throws -> UInt16 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
            bind(descriptor, pointer, length) == 0 && getsockname(descriptor, pointer, &length) == 0
        }
    }
    guard isBound else { throw POSIXError(.EADDRINUSE) }
    return UInt16(bigEndian: address.sin_port)
}
