import CLinux
import Foundation
import Glibc
public import Linux
import Repository
public import Wire

/// Stands in for the monitor: listens on 127.0.0.1, starts the shipped binary as a session for each connection, and
/// answers it. One volume waits; `passphrase` opens it.
public final class FakeMonitor: @unchecked Sendable {
    /// What sessions told, in order.
    public enum Event {
        case log(String)
        case authenticated(key: UInt16, user: String)
        case open(channel: UInt8, Command, terminal: Bool)
        case passphrase(String)
        case inputEnded(channel: UInt8)
        case close(channel: UInt8)
        /// The session sent what the permit table forbids, and was killed for it.
        case forbidden(String)
        case ended(status: Int32)
    }

    public let port: UInt16
    /// The passphrase that opens the volume.
    public let passphrase = "correct horse"
    /// How long a try takes, in milliseconds.
    public var tryTime: Int64 = 20
    /// What the setup says; to be changed before a client connects.
    public var setup: SessionSetup
    /// What the signer's setup has beside its rules.
    public let hostKeys: [SecretBytes]

    private let listener: Int32
    private let lock = ConditionVariable()
    private var recorded: [Event] = []
    private var sessions: [FakeSession] = []

    /// The binary that `initrd/build` makes, or the one that POSTERN_BINARY names.
    public static let binary: String = {
        if let path = ProcessInfo.processInfo.environment["POSTERN_BINARY"] { return path }
        return Repository.path(".build-initrd/postern")
    }()

    public init(hostKeys: [KeyPair], keys: [UsableKey]) throws {
        guard access(FakeMonitor.binary, X_OK) == 0 else {
            throw PeerError.tool("no \(FakeMonitor.binary): run initrd/build first")
        }
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = listener
        let bound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(descriptor, pointer, length) == 0 && listen(descriptor, 64) == 0
                    && getsockname(descriptor, pointer, &length) == 0
            }
        }
        guard bound else { throw POSIXError(.EADDRINUSE) }
        port = UInt16(bigEndian: address.sin_port)
        setup = SessionSetup(
            confinement: FakeMonitor.confinement(), rules: LoginRules(keys: keys, maxAuthTries: 20), keyExchange: nil,
            ciphers: nil, macs: nil, loginGraceTime: 20, permitsShell: true)
        self.hostKeys = try hostKeys.map { try secret(ofFile: $0.path) }
        Thread.detachNewThread { [self] in accept() }
    }

    /// As the monitor has it: all of it for root, nothing for others.
    static func confinement() -> Confinement {
        guard geteuid() == 0 else { return Confinement(root: nil, user: nil) }
        let folder = NSTemporaryDirectory() + "/postern-test-empty"
        mkdir(folder, 0o755)
        return Confinement(root: folder, user: 61000)
    }

    public func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        lock.withLock { sessions }.forEach { $0.kill() }
    }

    // MARK: What the sessions do

    public var events: [Event] { lock.withLock { recorded } }

    public var logs: [String] {
        events.compactMap { event in if case .log(let line) = event { line } else { nil } }
    }

    /// Waits until something that satisfies `condition` was recorded.
    public func saw(timeout: Double = 90, _ condition: (Event) -> Bool) -> Bool {
        lock.wait(timeout: timeout) { recorded.contains(where: condition) }
    }

    /// The exit status of the only session, once it has ended; `nil` when it does not.
    public func exitStatus(timeout: Double = 90) -> Int32? {
        _ = saw(timeout: timeout) { if case .ended = $0 { true } else { false } }
        for case .ended(let status) in events { return status }
        return nil
    }

    /// The process ids of the sessions that were started.
    public var processes: [Int32] { lock.withLock { sessions.map { $0.process } } }

    /// The process ids of their signers.
    public var signers: [Int32] { lock.withLock { sessions.map { $0.signer } } }

    func record(_ event: Event) {
        lock.withLock {
            recorded.append(event)
            lock.broadcast()
        }
    }

    // MARK: What the monitor does on its own

    /// Sends the state to every open channel of every session.
    public func sendState(_ state: MachineState) {
        for session in lock.withLock({ sessions }) { session.sendState(state) }
    }

    /// Ends every open channel of every session, as when the boot goes on.
    public func endChannels(_ code: ExitCode, _ reason: String) {
        for session in lock.withLock({ sessions }) { session.endChannels(code, reason) }
    }

    /// Closes the sockets to all sessions, as when the monitor ends.
    public func hangUp() {
        for session in lock.withLock({ sessions }) { session.hangUp() }
    }

    public static func state(_ volume: VolumeState = .locked, continues: Bool = false) -> MachineState {
        MachineState(
            host: "nas", waiting: 12, rehearsal: false, continues: continues,
            volumes: [
                VolumeStatus(
                    name: "root", device: "/dev/vda2", state: volume, asks: volume == .locked, required: true)
            ], notices: [])
    }

    private func accept() {
        while true {
            let client = linux_accept(listener)
            guard client >= 0 else { break }
            do {
                let session = try FakeSession(client, monitor: self)
                lock.withLock { sessions.append(session) }
                Thread.detachNewThread { session.serve() }
            } catch { record(.log("no session: \(error)")) }
            close(client)
        }
        close(listener)
    }
}

func secret(ofFile path: String) throws -> SecretBytes {
    try Files.readSecret(path, limit: Limits.hostKey)
}
