import Foundation
import TestPeers
import Wire

/// A fake monitor with its keys, and the clients that talk to it.
final class Bench {
    let folder: TemporaryFolder
    let key: KeyPair
    let monitor: FakeMonitor

    /// Host keys are made once: an RSA key takes a while.
    private static let shared: (folder: TemporaryFolder, keys: [KeyPair])? = {
        guard let folder = try? TemporaryFolder() else { return nil }
        let made = try? [KeyPair(folder, "host-ed25519"), KeyPair(folder, "host-rsa", type: "rsa", bits: 3072)]
        return made.map { (folder, $0) }
    }()

    init(
        type: String = "ed25519", forcedCommand: String? = nil, permitsTerminal: Bool = true, refusal: String = "",
        change: (inout SessionSetup) -> Void = { _ in }
    ) throws {
        guard let shared = Bench.shared else { throw PeerError.tool("no host keys") }
        folder = try TemporaryFolder()
        key = try KeyPair(folder, "key", type: type)
        monitor = try FakeMonitor(
            hostKeys: shared.keys,
            keys: [
                key.usable(
                    index: 7, forcedCommand: forcedCommand, permitsTerminal: permitsTerminal, refusal: refusal)
            ])
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
        _ command: [String], options more: [String] = [], identity: String? = nil, input: Input = .nothing,
        timeout: Double = 20
    ) throws -> Finished {
        try run(
            "ssh", options(identity: identity) + more + ["root@127.0.0.1"] + command, input: input,
            environment: ["SSH_AUTH_SOCK": ""], timeout: timeout)
    }

    func terminal(_ command: [String] = [], options more: [String] = []) throws -> Pseudoterminal {
        try Pseudoterminal("ssh", options() + more + ["-tt", "root@127.0.0.1"] + command)
    }
}
