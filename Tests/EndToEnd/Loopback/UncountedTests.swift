import Foundation
import Glibc
import TestPeers
import Testing

/// Messages that libssh answers, or passes over, without counting them: none of them keeps a stranger's connection for long
/// or takes memory, whether its client reads the answers or not.
@Suite struct UncountedTests {
    let agent: Rehearsal

    init() throws {
        agent = try Rehearsal(["root \(try Materials.made.get().root) none luks"], settings: ["LoginGraceTime 60"])
    }

    /// `flood` sends what it is given over and over for some seconds, or until the agent has had enough. A client that is
    /// mute reads no answer, and has a small window.
    private func flood(_ message: String, login: Bool, reads: Bool) throws -> Finished {
        try agent.python(
            """
            def message(kind, *parts):
                message = paramiko.Message()
                message.add_byte(bytes([kind]))
                for part in parts:
                    if isinstance(part, bool): message.add_boolean(part)
                    elif isinstance(part, int): message.add_int(part)
                    elif isinstance(part, bytes): message.add_bytes(part)
                    else: message.add_string(part)
                return message
            def string(data): return struct.pack(">I", len(data)) + data
            key = paramiko.Ed25519Key.from_private_key_file("\(agent.materials.alice.path)")
            question = message(50, "root", "ssh-connection", "publickey", False, "ssh-ed25519", string(key.asbytes()))
            client = socket.socket()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", port))
            transport = paramiko.Transport(client)
            transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = 60
            transport.start_client(timeout=60)
            if \(login ? "True" : "False"): transport.auth_publickey("root", key)
            if not \(reads ? "True" : "False"): transport.packetizer.read_message = lambda: time.sleep(1000)
            time.sleep(0.1)
            sent, end = 0, time.time() + \(login ? 2 : 60)
            try:
                while time.time() < end and sent < \(login ? 1_000_000 : 100_000):
                    transport.packetizer.send_message(\(message))
                    sent += 1
            except (OSError, EOFError): print("ended")
            else: print("goes on")
            os._exit(0)
            """)
    }

    /// Floods, and returns what came of it and the most KiB that the session had meanwhile.
    private func watch(_ message: String, login: Bool, reads: Bool) throws -> (result: String, memory: Int) {
        let client = Later { try flood(message, login: login, reads: reads) }
        var most = 0
        while !client.isOver {
            let used = agent.children("session").map { Processes.field("VmHWM", of: $0).split(separator: " ").first }
            most = max(most, used.map { Int($0 ?? "") ?? 0 }.max() ?? 0)
            usleep(20_000)
        }
        return (try client.value().out, most)
    }

    @Test(
        arguments: [
            "message(5, 'x' * 30000)", "message(5, 'ssh-connection')", "message(5, 'ssh-userauth')",
            "message(2, 'x' * 1000)", "message(2, 'x')", "message(3, 7)", "message(4, True, 'x' * 1000, '')",
            "message(7, 100, (string(b'a') + string(b'b')) * 100)", "message(192, 'ping')", "message(40)", "question",
            "message(20, b'x' * 16)", "message(80, 'keepalive@openssh.com', True)",
            "message(90, 'session', 0, 1 << 20, 1 << 15)", "message(2, b'x' * 200000)",
        ], [true, false])
    func `before a login it ends soon`(message: String, reads: Bool) throws {
        let (result, memory) = try watch(message, login: false, reads: reads)
        #expect(result == "ended\n", "\(agent.log)")
        #expect(memory < 9 << 10, "\(memory) KiB")
        #expect(try agent.ssh(["status"]).status == 0)
    }

    @Test(
        arguments: [
            "message(80, 'keepalive@openssh.com', True)", "message(80, 'tcpip-forward', True, 'localhost', 0)",
            "message(80, 'x' * 100, True)", "message(90, 'direct-tcpip', 0, 1 << 20, 1 << 15, 'h', 1, 'o', 2)",
            "message(90, 'session', 0, 1 << 20, 1 << 15)", "message(192, 'ping')", "message(98, 0, 'x', True)",
            "message(2, 'x' * 1000)",
        ], [true, false])
    func `after a login it takes no memory`(message: String, reads: Bool) throws {
        let (_, memory) = try watch(message, login: true, reads: reads)
        #expect(memory > 0 && memory < 9 << 10, "\(memory) KiB")
        #expect(try agent.ssh(["status"]).status == 0)
    }

    @Test func `a service is asked for before the login alone`() throws {
        let (result, _) = try watch("message(5, 'ssh-userauth')", login: true, reads: true)
        #expect(result == "ended\n")
        #expect(agent.logs("its connection was ended: a service was asked for that is not here"), "\(agent.log)")
    }

    /// It asks for the service anew with each key.
    @Test func `paramiko tries one key after the other`() throws {
        let end = try agent.python(
            """
            transport = paramiko.Transport(("127.0.0.1", port))
            transport.start_client(timeout=60)
            for _ in range(5):
                try: transport.auth_publickey("root", paramiko.ECDSAKey.generate())
                except paramiko.AuthenticationException: pass
            transport.auth_publickey("root", paramiko.Ed25519Key.from_private_key_file("\(agent.materials.alice.path)"))
            print(run(transport, "status")[0])
            """)
        #expect(end.out == "0\n", "\(end) \(agent.log)")
    }

    /// As many keys as MaxAuthTries allows, each of which it first asks about.
    @Test func `an agent with many keys is not too much`() throws {
        let keys = try (0..<19).map { try KeyPair(agent.folder, "other-\($0)", type: "rsa", bits: 2048).path }
        let options = keys.flatMap { ["-i", $0] }
        // The first keys are asked about first.
        let end = try run(
            "ssh", options + agent.options() + ["-l", "root", "127.0.0.1", "status"],
            environment: ["SSH_AUTH_SOCK": ""], timeout: patience)
        #expect(end.status == 0, "\(end) \(agent.log)")
    }
}
