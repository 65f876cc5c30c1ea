import CLinux
import Foundation
import Glibc
import Linux
public import Wire

/// The shipped binary as a signer, with the test in the places of its monitor and of a session that a stranger has
/// taken over.
public final class AskedSigner {
    /// What it says are the host keys' public halves.
    public private(set) var publicKeys: [[UInt8]] = []
    /// The random bytes that it has chosen for the first key exchange.
    public private(set) var cookie: [UInt8] = []
    private let process: pid_t
    private let monitor: Endpoint<SignerSetup, SignerReport>
    private let session: FrameSocket

    public init(
        hostKeys: [KeyPair], keys: [UsableKey], refusals: [String] = [], maxAuthTries: UInt32 = 20
    ) throws {
        let pair = try FileDescriptor.socketPair()
        let between = try FileDescriptor.socketPair()
        process = try spawn(FakeMonitor.binary, "signer", [pair.second.number, between.second.number])
        monitor = Endpoint(pair.takeFirst(), largestFrame: Limits.frameFromSession, largestQueue: 1 << 20)
        session = FrameSocket(between.takeFirst(), largestFrame: 64 << 10, largestQueue: 1 << 20)
        monitor.send(
            SignerSetup(
                confinement: FakeMonitor.confinement(), hostKeys: try hostKeys.map { try secret(ofFile: $0.path) },
                rules: LoginRules(keys: keys, refusals: refusals, maxAuthTries: maxAuthTries)))
        var greeting = try hear()[...]
        cookie = Array(greeting.prefix(16))
        greeting = greeting.dropFirst(16)
        for _ in 0..<(greeting.popFirst() ?? 0) {
            let length = greeting.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            publicKeys.append(Array(greeting.dropFirst(4).prefix(length)))
            greeting = greeting.dropFirst(4 + length)
        }
    }

    deinit {
        kill(process, SIGKILL)
        waitpid(process, nil, 0)
    }

    /// Its answer to a frame of these bytes.
    public func ask(_ question: [UInt8]) throws -> [UInt8] {
        guard session.send(try question.withUnsafeBytes { try SecretBytes(copying: $0) }) else {
            throw PeerError.tool("the signer is gone")
        }
        return try hear()
    }

    /// Its signature of the hash of these bytes, by the host key that stands in them.
    public func sign(_ exchange: [UInt8], digest: UInt8 = 0, hashSize: UInt8 = 32) throws -> [UInt8] {
        try ask([1, digest, hashSize] + exchange)
    }

    /// Whether it finds that a client may log in.
    public func verify(_ signature: [UInt8], over data: [UInt8]) throws -> Bool {
        try ask([2, 0, 0] + string(signature) + string(data)) == [1]
    }

    /// What it has told the monitor.
    public func login() -> (key: UInt16, user: String)? {
        guard case .authenticated(let key, let user)? = monitor.next() else { return nil }
        return (key, user)
    }

    private func hear() throws -> [UInt8] {
        let end = Date().addingTimeInterval(90)
        while Date() < end {
            switch session.receive() {
            case .frame(let body): return body.withUnsafeBytes { Array($0) }
            case .closed: throw PeerError.tool("the signer is gone")
            case .nothing:
                var waiting = pollfd(fd: session.number, events: Int16(POLLIN), revents: 0)
                poll(&waiting, 1, 100)
            }
        }
        throw PeerError.tool("the signer does not answer")
    }
}

/// A string as SSH has it in its messages.
public func string(_ bytes: [UInt8]) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: bytes.count >> $0) } + bytes
}

public func string(_ text: String) -> [UInt8] { string(Array(text.utf8)) }
