import CMachine
import Foundation
import Glibc
import Synchronization

/// A program that ended, and what it said.
public struct Finished: CustomStringConvertible, Sendable {
    /// The exit status, or 128 and a signal's number; 124 when it was killed for taking too long.
    public let status: Int32
    public let out: String
    public let err: String
    public let seconds: Double

    public var description: String { "status \(status) after \(seconds) s, out: \(out), err: \(err)" }
}

/// What a program has for standard input.
public enum Input: Sendable {
    case nothing
    case text(String)
    /// Bytes, and then neither more nor an end.
    case left(open: String)
}

/// Runs a program found in PATH to its end.
public func run(
    _ tool: String, _ arguments: [String], input: Input = .nothing, environment: [String: String] = [:],
    timeout: Double = 120
) throws -> Finished {
    let folder = try TemporaryFolder()
    let flags = O_RDWR | O_CREAT | O_CLOEXEC
    var descriptors = ["out", "err"].map { open(folder.path($0), flags, 0o600) }
    var writer: Int32 = -1
    switch input {
    case .nothing: descriptors.insert(open("/dev/null", O_RDONLY | O_CLOEXEC), at: 0)
    case .text(let text):
        try folder.write(text, to: "in")
        descriptors.insert(open(folder.path("in"), O_RDONLY | O_CLOEXEC), at: 0)
    case .left(let text):
        var ends: [Int32] = [-1, -1]
        guard machine_pipe(&ends) == 0 else { throw POSIXError(.EMFILE) }
        descriptors.insert(ends[0], at: 0)
        writer = ends[1]
        let bytes = Array(text.utf8)
        _ = write(writer, bytes, bytes.count)
    }
    defer { for descriptor in descriptors + [writer] where descriptor >= 0 { close(descriptor) } }
    let start = Date()
    let program = try Program(tool, arguments, descriptors: descriptors, environment: environment)
    var status = program.wait(timeout: timeout)
    if status == nil {
        program.signal(SIGKILL)
        _ = program.wait(timeout: .greatestFiniteMagnitude)
        status = 124
    }
    let seconds = Date().timeIntervalSince(start)
    return Finished(
        status: status ?? 124, out: text(folder.path("out")), err: text(folder.path("err")), seconds: seconds)
}

private func text(_ path: String) -> String {
    String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
}

/// A folder that goes with its owner.
public final class TemporaryFolder: Sendable {
    private let root: String

    public init() throws {
        root = NSTemporaryDirectory() + "/postern-test-\(UUID().uuidString)"
        try FileManager.default.createDirectory(
            atPath: root, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    public func path(_ name: String) -> String { root + "/" + name }

    public func write(_ text: String, to name: String) throws {
        try Data(text.utf8).write(to: URL(filePath: path(name)))
    }
}

/// Removes a folder when the test process ends: what a static property owns is never given up.
public func removeAtExit(_ path: String) {
    let isFirst = leftovers.withLock { paths in
        paths.append(path)
        return paths.count == 1
    }
    guard isFirst else { return }
    atexit { for path in leftovers.withLock({ $0 }) { try? FileManager.default.removeItem(atPath: path) } }
}

private let leftovers = Mutex<[String]>([])

/// The modules that drive this machine's network cards, and the buses that they sit at.
public func driversOfNetworkCards() throws -> [String] {
    let found = try run(
        "/bin/sh",
        [
            "-c",
            "for card in /sys/class/net/*; do at=$(readlink -f $card/device) || continue; "
                + "while [ ${#at} -gt 5 ]; do [ ! -e $at/driver/module ] || basename $(readlink -f $at/driver/module); "
                + "at=${at%/*}; done; done",
        ])
    return found.out.split(separator: "\n").map { String($0) }
}
