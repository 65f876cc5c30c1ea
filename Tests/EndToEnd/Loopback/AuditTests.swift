import Foundation
import Repository
import TestPeers
import Testing

/// What ssh-audit says of the algorithms that are offered, with the default settings.
@Suite struct AuditTests {
    /// The version whose judgement `ssh-audit.expected` holds.
    private static let version = "3.9.0"

    /// ssh-audit in a virtual environment, which is made once and kept in the cache.
    private static let program = Result {
        let cache = ProcessInfo.processInfo.environment["POSTERN_CACHE"] ?? NSHomeDirectory() + "/.cache/postern"
        let folder = "\(cache)/ssh-audit-\(version)"
        let program = "\(folder)/bin/ssh-audit"
        if FileManager.default.isExecutableFile(atPath: program) { return program }
        for words in [
            ["python3", "-m", "venv", folder],
            ["\(folder)/bin/python3", "-m", "pip", "install", "--quiet", "ssh-audit==\(version)"],
        ] {
            let end = try run(words[0], Array(words.dropFirst()), timeout: 600)
            guard end.status == 0 else { throw PeerError.tool("no ssh-audit: \(end)") }
        }
        return program
    }

    @Test func `it finds no failure and warns of what older clients need alone`() throws {
        let agent = try Rehearsal(["root \(try Materials.made.get().root) none luks"])
        let end = try run(
            try AuditTests.program.get(), ["-n", "--skip-rate-test", "-p", "\(agent.port)", "127.0.0.1"],
            timeout: patience)
        // Its exit status: 2 for a warning.
        #expect(end.status == 2, "\(end)")
        // Of each algorithm its name, and what is against it.
        let kinds = ["(kex)", "(key)", "(enc)", "(mac)"]
        var judgement = ""
        for line in end.out.split(separator: "\n") {
            let parts = line.components(separatedBy: " -- ")
            if kinds.contains(where: { line.hasPrefix($0) }) {
                judgement += parts[0].trimmingCharacters(in: .whitespaces) + "\n"
            }
            for mark in ["[fail]", "[warn]"] {
                guard let range = line.range(of: mark) else { continue }
                judgement += "    " + line[range.lowerBound...] + "\n"
            }
        }
        let file = Repository.root.appending(path: "Tests/EndToEnd/Loopback/ssh-audit.expected")
        let expected = try String(contentsOf: file, encoding: .utf8)
        #expect(judgement == expected, "\(end.out)")
        #expect(!expected.contains("[fail]"))
        let lines = expected.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
        // What is warned of is offered last, to clients that know nothing better.
        var warned: [String] = []
        for (index, line) in lines.enumerated() where line.hasPrefix("[") && lines[index - 1].hasPrefix("(") {
            warned.append(lines[index - 1])
        }
        #expect(
            warned == [
                "(kex) curve25519-sha256", "(kex) curve25519-sha256@libssh.org", "(kex) diffie-hellman-group14-sha256",
                "(mac) hmac-sha2-256", "(mac) hmac-sha2-512",
            ])
        let macs = lines.filter { $0.hasPrefix("(mac)") }
        #expect(macs.map { $0.contains("-etm@") } == [true, true, false, false])
    }
}
