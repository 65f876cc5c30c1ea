import CMachine
import Foundation
import Glibc

/// The other end of a machine's network cable: a network namespace with one link, `wire`, whose other end is `eth0` of
/// the namespace of another process. Nothing of it touches this machine's own network.
public final class Wire: @unchecked Sendable {
    private let holder: Program
    private var space: String { "/proc/\(holder.process)/ns/net" }
    private let other: Int32

    /// Makes the namespace. The link comes with `plug`. `other` is the process at the other end.
    public init(to other: Int32) throws {
        self.other = other
        let null = open("/dev/null", O_RDWR | O_CLOEXEC)
        defer { close(null) }
        holder = try Program("unshare", ["-n", "sleep", "infinity"], descriptors: [null, null, null])
        let end = Date().addingTimeInterval(60)
        while readlink(space) == readlink("/proc/self/ns/net") {
            guard Date() < end else { throw PeerError.tool("no network namespace") }
            usleep(2000)
        }
    }

    deinit { holder.signal(SIGKILL) }

    private func readlink(_ path: String) -> String? {
        try? FileManager.default.destinationOfSymbolicLink(atPath: path)
    }

    /// Makes the cable, of which this end is down.
    public func plug() throws { try ip("link add wire type veth peer name eth0 netns \(other)") }

    /// Runs ip(8) at this end.
    public func ip(_ command: String) throws {
        try check(run(holder.process, ["ip"] + command.split(separator: " ").map(String.init)))
    }

    /// Runs ip(8) at the other end, and returns what it printed.
    @discardableResult
    public func otherIP(_ command: String, input: Input = .nothing) throws -> String {
        try check(run(other, ["ip"] + command.split(separator: " ").map(String.init), input: input))
    }

    /// Runs a program at this end.
    public func run(_ words: [String], input: Input = .nothing) throws -> Finished {
        try run(holder.process, words, input: input)
    }

    private func run(_ process: Int32, _ words: [String], input: Input = .nothing) throws -> Finished {
        try TestPeers.run("nsenter", ["-t", "\(process)", "-n", "--"] + words, input: input, timeout: 90)
    }

    @discardableResult
    private func check(_ end: Finished) throws -> String {
        guard end.status == 0 else { throw PeerError.tool("\(end)") }
        return end.out
    }

    /// Says what a router says, once.
    public func advertise(managed: Bool, prefix: [UInt8]?) throws {
        let result =
            prefix.map { machine_advertise(space, "wire", managed ? 1 : 0, $0) }
            ?? machine_advertise(space, "wire", managed ? 1 : 0, nil)
        guard result == 0 else { throw PeerError.tool("no advertisement: \(String(cString: strerror(errno)))") }
    }
}
