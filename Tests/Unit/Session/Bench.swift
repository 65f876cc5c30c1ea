import Foundation
import TestPeers
import Testing
import Wire

/// All tests that talk to the shipped binary, one after the other: key exchanges beside each other only slow down.
@Suite(.serialized) struct SessionTests {}

/// A fake monitor with one authorized key, and the clients that talk to it.
final class Bench {
    let folder: TemporaryFolder
    let key: KeyPair
    let monitor: FakeMonitor

    /// Host keys and the user's are made once: that takes a while.
    private static let shared: (folder: TemporaryFolder, host: [KeyPair], key: KeyPair)? = {
        guard let folder = try? TemporaryFolder(), let key = try? KeyPair(folder, "key") else { return nil }
        removeAtExit(folder.path(""))
        let made = try? [KeyPair(folder, "host-ed25519"), KeyPair(folder, "host-rsa", type: "rsa", bits: 3072)]
        return made.map { (folder, $0, key) }
    }()

    /// A monitor with these authorized keys, or `key` alone.
    init(keys: [UsableKey]? = nil, change: (inout SessionSetup) -> Void = { _ in }) throws {
        guard let shared = Bench.shared else { throw PeerError.tool("no keys") }
        folder = try TemporaryFolder()
        key = shared.key
        monitor = try FakeMonitor(hostKeys: shared.host, keys: keys ?? [shared.key.usable(index: 7)])
        change(&monitor.setup)
    }

    deinit { monitor.stop() }

    /// Options of ssh(1) that leave this machine's own settings out of it.
    func options(identity: String? = nil) -> [String] {
        [
            "-F", "/dev/null", "-p", String(monitor.port), "-o", "StrictHostKeyChecking=no",
            "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "IdentitiesOnly=yes",
            "-o", "PreferredAuthentications=publickey", "-o", "BatchMode=yes", "-i", identity ?? key.path,
        ]
    }

    func ssh(
        _ command: [String], options more: [String] = [], identity: String? = nil, user: String = "root",
        input: Input = .nothing, timeout: Double = 90
    ) throws -> Finished {
        try run(
            "ssh", options(identity: identity) + more + ["-l", user, "127.0.0.1"] + command, input: input,
            environment: ["SSH_AUTH_SOCK": ""], timeout: timeout)
    }

    func terminal(
        _ command: [String] = [], options more: [String] = [], columns: UInt16 = 80, rows: UInt16 = 24
    ) throws -> Pseudoterminal {
        try Pseudoterminal(
            "ssh", options() + more + ["-tt", "-l", "root", "127.0.0.1"] + command, columns: columns, rows: rows)
    }
}
