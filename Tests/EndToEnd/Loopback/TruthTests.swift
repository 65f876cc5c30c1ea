import Foundation
import Glibc
import TestPeers
import Testing

/// What the log says of clients that leave, and what they see of the agent first.
@Suite struct TruthTests {
    let agent: Rehearsal

    init() throws {
        agent = try Rehearsal(["root \(try Materials.made.get().root) none luks"])
    }

    /// Nothing that libssh or the monitor makes up.
    private func expectTruth(_ location: SourceLocation = #_sourceLocation) {
        for lie in ["Success", "Bad address", "Socket error", "Invalid argument", "does not read", "was ended"] {
            #expect(!agent.log.contains(lie), "\(lie): \(agent.log)", sourceLocation: location)
        }
    }

    @Test func `a client that speaks first and is refused sees the banner`() throws {
        let refused = [
            "GET / HTTP/1.0\r\n\r\n", "SSH-1.5-old\r\n", String(repeating: "x", count: 9000),
            "SSH-2.0-x\r\n" + String(repeating: "\u{0}", count: 64), "\u{0}\n",
        ]
        for (index, words) in refused.enumerated() {
            let stranger = try Stranger(port: agent.port, from: UInt8(10 + index))
            stranger.send(words)
            let seen = try #require(stranger.readToEnd(timeout: patience))
            #expect(seen.hasPrefix("SSH-2.0-"), "\(words.prefix(20)): \(seen)")
        }
        expectTruth()
    }

    @Test func `of a client that left, the log says so`() throws {
        for (index, words) in ["", "SSH-2.0-x\r\n", "SSH-2.0-x\r\n\u{0}\u{0}\u{1}\u{4}"].enumerated() {
            for resets in [true, false] {
                let last = UInt8(20 + 2 * index + (resets ? 1 : 0))
                var stranger: Stranger? = try Stranger(port: agent.port, from: last)
                stranger?.send(words)
                #expect(eventually { !agent.children("session").isEmpty })
                // It is served by then: what it sent was taken, and all that it is told waits for it.
                #expect(
                    eventually { agent.children("session").allSatisfy { Processes.field("Seccomp", of: $0) == "2" } })
                if resets { stranger?.reset() }
                stranger = nil
                #expect(eventually { agent.children("session").isEmpty })
                #expect(agent.logs("127.0.0.\(last) port"), "\(agent.log)")
                let lines = agent.lines(with: "127.0.0.\(last) port")
                #expect(lines.allSatisfy { $0.hasSuffix("no login: the client left") }, "\(lines)")
            }
        }
        expectTruth()
    }

    @Test func `of a client that is reset while it is told something, the log says nothing untrue`() throws {
        let end = try agent.python(
            """
            def leave(transport):
                transport.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                transport.sock.close()
            for _ in range(4):
                transports = [connect() for _ in range(5)]
                for transport in transports:
                    channel = transport.open_session(timeout=60)
                    channel.get_pty()
                    channel.exec_command("unlock")
                # Each is told of the others' tries.
                channel = transports[0].open_session(timeout=60)
                channel.exec_command("unlock")
                channel.sendall(b"guess\\n")
                for transport in transports: leave(transport)
            print("done")
            """)
        #expect(end.out == "done\n", "\(end)")
        #expect(try agent.unlock(Materials.passphrase).status == 0)
        #expect(agent.end() == 0)
        expectTruth()
    }

    @Test func `of a client with other algorithms, the log names them`() throws {
        let end = try agent.python(
            """
            def string(data): return struct.pack(">I", len(data)) + data
            names = [b"diffie-hellman-group1-sha1", b"ssh-dss"] + [b"arcfour"] * 2 + [b"hmac-md5"] * 2 + [b"none"] * 2 + [b""] * 2
            body = b"\\x14" + bytes(16) + b"".join(string(name) for name in names) + bytes(5)
            padding = 8 - (len(body) + 5) % 8 + 4
            while (len(body) + 5 + padding) % 8: padding += 1
            client = socket.create_connection(("127.0.0.1", port))
            client.sendall(b"SSH-2.0-old\\r\\n" + struct.pack(">IB", len(body) + padding + 1, padding) + body + bytes(padding))
            try:
                while client.recv(4096): pass
            except OSError: pass
            print("done")
            """)
        #expect(end.out == "done\n", "\(end)")
        #expect(agent.logs("diffie-hellman-group1-sha1"), "\(agent.log)")
        expectTruth()
    }

    @Test func `the log lines of a key are summed over its connections`() throws {
        let end = try agent.python(
            """
            for _ in range(108):
                transport = connect()
                transport.close()
            print("done")
            """)
        #expect(end.out == "done\n", "\(end)")
        #expect(try agent.unlock(Materials.passphrase, key: agent.materials.bob).status == 0)
        #expect(agent.end() == 0)
        let alice = agent.lines(with: "(alice)")
        let logins = alice.count { $0.contains("login of") }
        // One more each half a minute, on a slow machine.
        #expect((100..<108).contains(logins), "\(alice)")
        let sum = try #require(alice.last)
        #expect(sum.contains(": \(108 - logins) more lines in "), "\(sum)")
        #expect(agent.lines(with: "(bob)").contains { $0.contains("login of") })
    }
}
