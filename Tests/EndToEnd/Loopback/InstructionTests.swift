import Foundation
import Repository
import TestPeers
import Testing

/// How many instructions the agent's start takes, as callgrind counts them: the same number on a machine that is slow. Of its
/// children nothing is counted, for valgrind cannot follow a program that starts `/proc/self/exe`.
@Suite struct InstructionTests {
    /// A line of `Tests/Support/instructions.limit`.
    private func limit(of row: String) throws -> Int {
        let file = Repository.path("Tests/Support/instructions.limit")
        let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
        let words = lines.map { $0.split(separator: " ") }.first { $0.first?.elementsEqual(row) == true }
        return try #require(words.flatMap { Int($0[1]) }, "there is no row \(row)")
    }

    @Test(arguments: [("start", 1), ("crypttab", 1000)])
    func `the start takes no more instructions than it may`(row: String, volumes: Int) throws {
        var scene = Scene((1...volumes).map { "volume-\($0) {FOLDER}/none-\($0) none luks" })
        scene.through = ["valgrind", "--tool=callgrind", "--callgrind-out-file={FOLDER}/counted"]
        let agent = try Rehearsal(scene)
        #expect(agent.logs("waits for volume-1"), "\(agent.log)")
        kill(agent.process, SIGTERM)
        _ = agent.end()
        let counted = try String(contentsOfFile: agent.folder.path("counted"), encoding: .utf8)
        let line = try #require(counted.split(separator: "\n").first { $0.hasPrefix("totals: ") }, "\(agent.log)")
        let count = try #require(Int(line.dropFirst("totals: ".count)))
        // Less than a line of crypttab takes was not counted at all.
        #expect(count > 100_000 + 1000 * volumes)
        #expect(try count <= limit(of: row), "\(row): \(count)")
    }

    @Test func `each file of the configuration is opened once, also when somebody logs in`() throws {
        var scene = Scene(["root {FOLDER}/none none luks"])
        // With -D strace is the agent's child, and ends with it.
        scene.through = ["strace", "-D", "-f", "-qq", "-e", "trace=open,openat,execve", "-o", "{FOLDER}/calls"]
        let agent = try Rehearsal(scene)
        #expect(try agent.ssh(["status"]).status == 0)
        #expect(try agent.ssh(["status"]).status == 0)
        let calls = try String(contentsOfFile: agent.folder.path("calls"), encoding: .utf8).split(separator: "\n")
        for role in ["session", "signer"] {
            #expect(calls.filter { $0.contains("execve(\"/proc/self/exe\", [\"postern\", \"\(role)\"]") }.count >= 2)
        }
        let files = ["postern.conf", "crypttab", "authorized_keys"].map { agent.folder.path($0) }
        for path in files + agent.materials.host.map({ $0.path }) {
            #expect(calls.filter { $0.contains("open") && $0.contains("\"\(path)\"") }.count == 1, "\(path)")
        }
    }
}
