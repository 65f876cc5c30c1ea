import Foundation
import Glibc
import TestPeers
import Testing

/// Many who have no key do not keep out the one who has.
@Suite(.serialized) struct FloodTests {
    let materials: Materials
    let volumes: [String]

    init() throws {
        materials = try Materials.made.get()
        volumes = ["root \(materials.root) none luks"]
    }

    /// 200 half-open connections, of which those that were sent away come again, and clients that try keys.
    private final class Flood: @unchecked Sendable {
        private let lock = NSLock()
        private var isOver = false
        private var threads = 0
        private var tried = 0
        private var came = 0
        /// One thread's alone, once it runs.
        private var strangers: [Stranger] = []
        /// How many keys were tried, and connections opened.
        var numbers: (tried: Int, came: Int) { lock.withLock { (tried, came) } }

        init(_ agent: Rehearsal, from last: UInt8) throws {
            let key = try KeyPair(agent.folder, "stranger-\(last)")
            let address = ["-o", "BindAddress=127.0.0.\(last)", "-o", "KexAlgorithms=curve25519-sha256"]
            run { [self] in
                let end = try agent.ssh(["unlock"], key: key, options: address)
                if end.err.contains("Permission denied") { lock.withLock { tried += 1 } }
            }
            while strangers.count < 200 { strangers.append(try Stranger(port: agent.port, from: last)) }
            run { [self] in
                for index in strangers.indices where strangers[index].isClosed {
                    strangers[index] = try Stranger(port: agent.port, from: last)
                    lock.withLock { came += 1 }
                    usleep(20_000)
                }
                usleep(20_000)
            }
        }

        private func run(_ work: @escaping @Sendable () throws -> Void) {
            lock.withLock { threads += 1 }
            Thread.detachNewThread { [self] in
                while !lock.withLock({ isOver }) { try? work() }
                lock.withLock { threads -= 1 }
            }
        }

        func end() {
            lock.withLock { isOver = true }
            _ = eventually { lock.withLock { threads } == 0 }
        }
    }

    @Test(
        arguments: [1, 2])
    func `under 200 half-open connections and a client that tries keys the owner gets in at the first try`(
        from last: Int
    ) throws {
        let agent = try Rehearsal(volumes)
        let prompt = try agent.login()
        #expect(prompt.sees("Passphrase for root: "))
        let begun = ContinuousClock.now
        let flood = try Flood(agent, from: 1)
        defer { flood.end() }
        #expect(eventually { flood.numbers.came > 100 && flood.numbers.tried > 2 })
        let address = ["-o", "BindAddress=127.0.0.\(last)"]
        for _ in 0..<10 {
            let end = try agent.ssh(["status"], options: address)
            #expect(end.status == 0, "\(end)")
        }
        // One that was open before is none of it.
        prompt.type("guess\r")
        #expect(prompt.sees("Wrong passphrase."), "\(prompt.screen)")
        let end = try agent.unlock(Materials.passphrase, options: address)
        #expect(end.status == 0, "\(end)")
        #expect(prompt.end() == 0, "\(prompt.screen)")
        flood.end()
        #expect(agent.end() == 0)
        // However many came and went, a line each ten seconds says so, and one at the end.
        let lines = agent.lines(with: "127.0.0.1").filter { !$0.contains("login of") && !$0.contains("wrong") }
        let seconds = (ContinuousClock.now - begun).components.seconds
        #expect(lines.count <= 3 + seconds / 10, "\(seconds) s: \(lines)")
        #expect(lines.contains { $0.contains("it made room for a newer connection (") }, "\(lines)")
    }

    @Test func `no more processes wait than MaxStartups says`() throws {
        let agent = try Rehearsal(volumes, settings: ["MaxStartups 8"])
        let others = try (0..<3).map { try Stranger(port: agent.port, from: UInt8(10 + $0)) }
        #expect(eventually { agent.children("session").count == 3 })
        let strangers = try (0..<60).map { _ in try Stranger(port: agent.port) }
        #expect(eventually { strangers.count { $0.isClosed } == 55 })
        #expect(eventually { agent.children("session").count == 8 })
        #expect(others.allSatisfy { !$0.isClosed })
        #expect(strangers.suffix(5).allSatisfy { !$0.isClosed })
    }

    @Test func `who has many connections gives way`() throws {
        let agent = try Rehearsal(volumes)
        let strangers = try (0..<6).map { _ in try Stranger(port: agent.port) }
        let other = try Stranger(port: agent.port, from: 2)
        #expect(eventually { agent.children("session").count == 7 })
        func nice(_ id: pid_t) -> Int32 { getpriority(__priority_which_t(PRIO_PROCESS.rawValue), id_t(id)) }
        #expect(eventually { agent.children("session").sorted().map(nice) == [0, 0, 0, 0, 10, 10, 0] })
        // One who logs in has the processor as everybody else, if the agent may say so.
        let screen = try agent.login()
        #expect(screen.sees("Passphrase for root: "))
        let newest = try #require(agent.children("session").max())
        #expect(nice(newest) == (geteuid() == 0 ? 0 : 10))
        withExtendedLifetime((strangers, other)) {}
    }

    @Test func `a session that hangs is ended all the same`() throws {
        let agent = try Rehearsal(volumes, settings: ["LoginGraceTime 1"])
        let stranger = try Stranger(port: agent.port)
        #expect(eventually { agent.children("session").count == 1 })
        let session = try #require(agent.children("session").first)
        kill(session, SIGSTOP)
        #expect(stranger.readToEnd(timeout: patience) != nil, "\(agent.log)")
        #expect(eventually { Processes.hasEnded(session) })
        #expect(agent.logs("its session was ended: no login within 1 seconds"), "\(agent.log)")
        // A login takes longer than the second on a busy machine.
        #expect(try eventually { try agent.ssh(["status"]).status == 0 })
    }

    @Test func `a connection that nobody uses is closed in order and a prompt stays`() throws {
        let agent = try Rehearsal(volumes, settings: ["UnusedConnectionTimeout 2"])
        let prompt = try agent.login()
        #expect(prompt.sees("Passphrase for root: "))
        let idle = try agent.login(options: ["-N"])
        #expect(idle.end() == 255)
        #expect(idle.screen.contains("Received disconnect from 127.0.0.1"), "\(idle.screen)")
        #expect(agent.logs("its connection was not used for 2 seconds"), "\(agent.log)")
        // One that hangs is ended without its help.
        let other = try agent.login(options: ["-N"])
        #expect(eventually { agent.lines(with: "login of").count == 3 })
        let session = try #require(agent.children("session").max())
        kill(session, SIGSTOP)
        #expect(other.end() == 255)
        #expect(eventually { Processes.hasEnded(session) })
        prompt.type("correct horse\r")
        #expect(prompt.end() == 0, "\(prompt.screen)")
    }

    @Test func `of too many logins the oldest of the key that has most goes`() throws {
        let agent = try Rehearsal(volumes)
        let bob = try agent.login(key: materials.bob)
        #expect(bob.sees("Passphrase for root: "))
        let end = try agent.python(
            """
            logins = [connect() for _ in range(64)]
            time.sleep(1)
            print([index for index, login in enumerate(logins) if not login.is_active()])
            print(run(logins[-1], "status")[0])
            """)
        #expect(end.out == "[0]\n0\n", "\(end) \(agent.log)")
        bob.type("correct horse\r")
        #expect(bob.end() == 0, "\(bob.screen)")
    }
}
