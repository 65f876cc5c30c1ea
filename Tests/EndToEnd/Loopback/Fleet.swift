import Foundation
import Repository
import TestPeers

/// Rehearsing agents that ssh knows as port 2222 of `nas-1`, `nas-2` and so on, and the home of their owner.
///
/// An `ssh` in PATH reads a configuration that leads these names to the agents, as `~/.ssh/config` would, so that the
/// commands of the documents run here as they stand there.
final class Fleet: @unchecked Sendable {
    let agents: [Rehearsal]
    private let home: TemporaryFolder

    /// An agent for each volume of crypttab. `ways` has the ssh settings by which other hosts are found.
    init(_ volumes: [String], ways: String = "") throws {
        agents = try volumes.map { try Rehearsal([$0]) }
        home = try TemporaryFolder()
        let materials = try Materials.made.get()
        var settings = ways
        for (index, agent) in agents.enumerated() {
            settings += "Host nas-\(index + 1)\n  ProxyCommand busybox nc 127.0.0.1 \(agent.port)\n"
        }
        let known = try materials.host.map { "[nas-*]:2222 \(try $0.line())\n" }
        try home.write(known.joined(), to: "known_hosts")
        settings += """
            Host *
              IdentityFile \(materials.alice.path)
              IdentitiesOnly yes
              UserKnownHostsFile \(path("known_hosts"))
              StrictHostKeyChecking yes

            """
        try home.write(settings, to: "ssh_config")
        // Empty, and in place of this machine's own.
        try home.write("", to: "ansible.cfg")
        try program("ssh", "exec /usr/bin/ssh -F \(path("ssh_config")) \"$@\"")
    }

    func path(_ name: String) -> String { home.path(name) }

    /// Writes a shell script into a folder that is in PATH.
    func program(_ name: String, _ script: String) throws {
        try FileManager.default.createDirectory(atPath: path("bin"), withIntermediateDirectories: true)
        try home.write("#!/bin/sh\n\(script)\n", to: "bin/\(name)")
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path("bin/\(name)"))
    }

    /// Puts a file of the repository into the home.
    func copy(_ file: String) throws {
        let name = (file as NSString).lastPathComponent
        try FileManager.default.copyItem(atPath: Repository.path(file), toPath: path(name))
    }

    private var environment: [String: String] {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
        return [
            "HOME": home.path(""), "PATH": "\(home.path("bin")):\(path)", "SSH_AUTH_SOCK": "", "LC_ALL": "C.UTF-8",
            "ANSIBLE_CONFIG": home.path("ansible.cfg"), "ANSIBLE_NOCOLOR": "1", "EDITOR": "editor",
        ]
    }

    private func words(_ command: String) -> [String] { ["-c", "cd && \(command)"] }

    /// Runs a command of a shell in the home.
    func shell(_ command: String, input: Input = .nothing) throws -> Finished {
        try run("sh", words(command), input: input, environment: environment, timeout: patience)
    }

    /// The same at a terminal.
    func terminal(_ command: String) throws -> Pseudoterminal {
        let settings = environment.map { "\($0)=\($1)" }
        return try Pseudoterminal("env", settings + ["sh"] + words(command), columns: 200, rows: 50)
    }
}

/// What README.md and `initrd/fleet/README.md` show.
enum FleetDocuments {
    /// The command of both that has all of `parts` in it.
    static func command(_ parts: String...) throws -> String {
        let found = try ["README.md", "initrd/fleet/README.md"].map { document in
            let lines = try blocks(of: document, "sh\n").flatMap { $0.split(separator: "\n") }
            return lines.filter { line in parts.allSatisfy { line.contains($0) } }.map { String($0) }
        }
        let all = Set(found.joined())
        // The overview leaves some commands to the other document.
        guard found[1].count == 1, all.count == 1, let command = all.first else {
            throw PeerError.tool("\(parts) are in none or several commands: \(found)")
        }
        return command
    }

    /// The block of `initrd/fleet/README.md` that has `text`.
    static func block(_ kind: String, with text: String) throws -> String {
        let found = try blocks(of: "initrd/fleet/README.md", kind).filter { $0.contains(text) }
        guard found.count == 1 else { throw PeerError.tool("\(text) is in \(found.count) blocks") }
        return found[0]
    }

    /// The blocks of code whose first line, behind the marks, is `kind`.
    private static func blocks(of document: String, _ kind: String) throws -> [String] {
        let text = try String(contentsOfFile: Repository.path(document), encoding: .utf8)
        let parts = text.components(separatedBy: "```")
        return stride(from: 1, to: parts.count, by: 2).map { parts[$0] }.filter { $0.hasPrefix(kind) }
            .map { String($0.dropFirst(kind.count)) }
    }
}
