import Foundation

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
    timeout: Double = 30
) throws -> Finished {
    let folder = try TemporaryFolder()
    let out = folder.path("out")
    let err = folder.path("err")
    for path in [out, err] { _ = FileManager.default.createFile(atPath: path, contents: nil) }
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [tool] + arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardOutput = FileHandle(forWritingAtPath: out)
    process.standardError = FileHandle(forWritingAtPath: err)
    let pipe = Pipe()
    switch input {
    case .nothing: process.standardInput = FileHandle.nullDevice
    case .text(let text):
        let path = folder.path("in")
        try Data(text.utf8).write(to: URL(filePath: path))
        process.standardInput = FileHandle(forReadingAtPath: path)
    case .left(let text):
        process.standardInput = pipe
        pipe.fileHandleForWriting.write(Data(text.utf8))
    }
    let ended = DispatchSemaphore(value: 0)
    process.terminationHandler = { _ in ended.signal() }
    let start = Date()
    try process.run()
    var isLate = false
    if ended.wait(timeout: .now() + timeout) == .timedOut {
        isLate = true
        kill(process.processIdentifier, SIGKILL)
        ended.wait()
    }
    let seconds = Date().timeIntervalSince(start)
    let signalled = process.terminationReason == .uncaughtSignal
    let status = isLate ? 124 : process.terminationStatus + (signalled ? 128 : 0)
    return Finished(status: status, out: text(out), err: text(err), seconds: seconds)
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
