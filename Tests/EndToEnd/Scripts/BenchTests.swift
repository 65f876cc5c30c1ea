import Foundation
import Repository
import TestPeers
import Testing

/// `Tests/bench`, with few runs and without a virtual machine.
@Suite struct BenchTests {
    private let program = Repository.path("Tests/bench")
    /// The rows that only the agent has a figure for.
    private static let own = [
        "resident-monitor", "resident-session", "resident-signer", "private-signer", "stranger-1-keys",
        "stranger-1001-keys",
    ]
    private static let compared =
        ["listen", "login-curve25519", "login-mlkem768", "memory-idle", "memory-session", "memory-200"]
        + [1, 4, 16, 64].flatMap { size in [1, 2].map { "members-\(size)-cheap-\($0)" } }
        + ["argon2id", "pbkdf2", "flood", "flood-quiet"]

    @Test(.enabled(if: geteuid() == 0, "it makes a tree of Debian 13, and runs servers in it"))
    func `its rows on loopback are one JSON object, with figures of the agent and of the fair peer`() throws {
        let end = try run(program, ["--quick", "--json", "loopback"], timeout: 1800)
        #expect(end.status == 0, "\(end)")
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(end.out.utf8)) as? [String: Any], "\(end)")
        let versions = try #require(object["versions"] as? [String: String])
        let packages = [
            "postern", "dropbear-bin", "openssh-server", "openssh-client", "tinysshd", "cryptsetup-bin",
        ]
        #expect(Set(versions.keys) == Set(packages))
        let rows = try #require(object["rows"] as? [[String: Any]])
        #expect(Set(rows.compactMap { $0["name"] as? String }) == Set(Self.own + Self.compared))
        for row in rows {
            let name = try #require(row["name"] as? String)
            #expect(row["failure"] == nil, "\(row)")
            // Where there are two processors.
            let isMissing = name.hasSuffix("-2") && ProcessInfo.processInfo.activeProcessorCount < 2
            guard !isMissing else { continue }
            var peers = ["postern"]
            if Self.compared.contains(name) { peers.append(try #require(row["fair_peer"] as? String, "\(row)")) }
            for peer in peers {
                let figures = try #require(row[peer] as? [String: Any], "\(row)")
                let median = figures["median_seconds"] ?? figures["median_bytes"]
                #expect(try #require(median as? Double, "\(row)") > 0, "\(row)")
            }
        }
    }

    @Test func `a row that it does not know is refused`() throws {
        let end = try run(program, ["--quick", "speed"])
        #expect(end.status == 2)
        #expect(end.err.contains("invalid choice: 'speed'"), "\(end)")
    }
}
