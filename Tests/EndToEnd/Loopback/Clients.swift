import Foundation
import TestPeers

/// The clients of a rehearsal.
extension Rehearsal {
    /// Options of ssh(1) that leave this machine's own settings out of it.
    func options(_ key: KeyPair? = nil, port: UInt16? = nil) -> [String] {
        [
            "-F", "/dev/null", "-p", String(port ?? self.port), "-o", "StrictHostKeyChecking=no",
            "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "IdentitiesOnly=yes",
            "-o", "PreferredAuthentications=publickey", "-o", "BatchMode=yes", "-i", (key ?? materials.alice).path,
        ]
    }

    /// Runs ssh(1) without a terminal.
    func ssh(
        _ command: [String], key: KeyPair? = nil, user: String = "root", options more: [String] = [],
        input: Input = .nothing, host: String = "127.0.0.1", port: UInt16? = nil
    ) throws -> Finished {
        try run(
            "ssh", options(key, port: port) + more + ["-l", user, host] + command, input: input,
            environment: ["SSH_AUTH_SOCK": ""], timeout: patience)
    }

    /// `ssh host unlock` with a passphrase on standard input.
    func unlock(_ passphrase: String, key: KeyPair? = nil, options: [String] = []) throws -> Finished {
        try ssh(["unlock"], key: key, options: options, input: .text(passphrase + "\n"))
    }

    /// Logs in at a terminal.
    func login(
        _ command: [String] = [], key: KeyPair? = nil, options more: [String] = []
    ) throws -> Pseudoterminal {
        // LogLevel=INFO: what a person would see of the client's own messages.
        try Pseudoterminal(
            "ssh", ["-o", "LogLevel=INFO"] + options(key) + more + ["-tt", "-l", "root", "127.0.0.1"] + command)
    }

    /// What `status --json` says.
    func status() throws -> Status {
        let end = try ssh(["status", "--json"])
        guard end.status == 0 else { throw PeerError.tool("status: \(end); \(log)") }
        return try JSONDecoder().decode(Status.self, from: Data(end.out.utf8))
    }

    /// Waits until `status --json` is as `condition` wants it.
    func becomes(_ condition: (Status) -> Bool) throws -> Bool {
        try eventually { condition(try status()) }
    }
}

/// The object of `status --json`.
struct Status: Decodable, Equatable {
    struct Volume: Decodable, Equatable {
        let name: String
        let device: String
        let state: String
        let detail: String
        let asks: Bool
        let required: Bool
        let seconds: Int
    }

    let host: String
    let waiting: Int
    let rehearsal: Bool
    let continues: Bool
    let volumes: [Volume]
    let notices: [String]

    enum CodingKeys: String, CodingKey {
        case host, rehearsal, continues, volumes, notices
        case waiting = "waiting_seconds"
    }

    func volume(_ name: String) -> Volume? { volumes.first { $0.name == name } }
}

extension Pseudoterminal {
    /// Waits until `text` appears after what was last waited for.
    func sees(_ text: String) -> Bool { shows(text, timeout: patience) }

    /// Waits for the program's end, and returns its exit status.
    func end() -> Int32 { wait(timeout: patience) }
}
