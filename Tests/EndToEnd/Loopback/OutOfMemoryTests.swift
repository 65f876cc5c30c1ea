import Foundation
import Glibc
import TestPeers
import Testing

/// How much memory each process may have, and which of them the kernel takes when there is none left.
@Suite(.enabled(if: geteuid() == 0, "another process's score is root's to lower"))
struct OutOfMemoryTests {
    let agent: Rehearsal

    init() throws {
        // With a score of its own at the start, so that every process is seen to take another.
        var scene = Scene(["slow \(try Materials.made.get().slow) none luks"], console: true)
        scene.through = ["sh", "-c", "echo 77 >/proc/self/oom_score_adj; exec \"$@\"", "sh"]
        agent = try Rehearsal(scene)
    }

    private func score(_ id: pid_t) -> String {
        String(
            decoding: FileManager.default.contents(atPath: "/proc/\(id)/oom_score_adj") ?? Data(), as: UTF8.self
        ).trimmingCharacters(in: .newlines)
    }

    /// The soft and the hard limit of the address space, in MiB.
    private func space(_ id: pid_t) -> [Int] {
        let text = String(
            decoding: FileManager.default.contents(atPath: "/proc/\(id)/limits") ?? Data(), as: UTF8.self)
        let line = text.split(separator: "\n").first { $0.hasPrefix("Max address space") } ?? ""
        return line.split(separator: " ").compactMap { Int($0) }.map { $0 >> 20 }
    }

    /// CAP_SYS_RESOURCE, without which a container's root may not give another user's process more. `Boot.readNoAnswer` sees
    /// that a boot's root does.
    private var mayRaise: Bool {
        let capabilities = UInt64(Processes.field("CapEff", of: getpid()), radix: 16) ?? 0
        return capabilities >> 24 & 1 == 1
    }

    @Test func `a stranger goes before who logged in and that one before a worker`() throws {
        #expect(eventually { agent.children("console").map(score) == ["0"] })
        let stranger = try Stranger(port: agent.port)
        for role in ["session", "signer"] {
            #expect(eventually { agent.children(role).map(score) == ["1000"] })
            #expect(eventually { agent.children(role).map(space) == [role == "session" ? [32, 256] : [32, 32]] })
        }
        let strangers = Set(agent.children("session") + agent.children("signer"))
        let screen = try agent.login()
        #expect(screen.sees("Passphrase for slow: "))
        for role in ["session", "signer"] {
            let id = try #require(agent.children(role).first { !strangers.contains($0) })
            #expect(score(id) == "400")
            #expect(space(id) == (role == "signer" ? [32, 32] : mayRaise ? [256, 256] : [32, 256]))
        }
        screen.type("correct horse\r")
        #expect(eventually { agent.children("worker").contains { score($0) == "0" } })
        #expect(strangers.allSatisfy { score($0) == "1000" })
        #expect(screen.end() == 0, "\(screen.screen)")
        withExtendedLifetime(stranger) {}
    }
}
