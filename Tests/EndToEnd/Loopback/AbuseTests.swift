import Foundation
import Glibc
import TestPeers
import Testing

/// Clients that break the protocol, or use all of it. Each costs its own connection at most, and the next login works.
@Suite struct AbuseTests {
    let agent: Rehearsal

    init() throws {
        agent = try Rehearsal(
            ["root \(try Materials.made.get().root) none luks"], settings: ["LoginGraceTime 4", "MaxStartups 200"])
    }

    /// The agent is as well as before: its owner gets in, and nothing is left of those who were not let in.
    private func check(_ location: SourceLocation = #_sourceLocation) throws {
        let end = try agent.ssh(["status"])
        #expect(end.status == 0 && end.out.contains("root"), "\(end) \(agent.log)", sourceLocation: location)
        #expect(eventually { agent.children("session").isEmpty }, "\(agent.log)", sourceLocation: location)
        #expect(!agent.log.contains("by signal"), "\(agent.log)", sourceLocation: location)
    }

    @Test func `slow senders are sent away in time`() throws {
        let end = try agent.python(
            """
            client = socket.create_connection(("127.0.0.1", port))
            began = time.time()
            try:
                for byte in b"SSH-2.0-slow" + b"x" * 200 + b"\\r\\n":
                    client.sendall(bytes([byte]))
                    time.sleep(0.1)
                    client.settimeout(0.001)
                    try:
                        if client.recv(4096) == b"": break
                    except socket.timeout: pass
            except OSError: pass
            print(3 < time.time() - began < 12)
            """)
        #expect(end.out == "True\n", "\(end)")
        #expect(agent.logs("no login within 4 seconds"), "\(agent.log)")
        try check()
    }

    @Test func `resets at every stage cost their connection alone`() throws {
        for text in ["", "SSH-2.0-x", "SSH-2.0-x\r\n", "SSH-2.0-x\r\n\u{0}\u{0}\u{1}\u{4}"] {
            let stranger = try Stranger(port: agent.port)
            stranger.send(text)
            stranger.reset()
        }
        let end = try agent.python(
            """
            def reset(transport):
                transport.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                os.dup2(os.open("/dev/null", os.O_RDWR), transport.sock.fileno())
            def at(stage):
                transport = paramiko.Transport(("127.0.0.1", port))
                if stage in (20, 21, 30, 31):
                    # Ends when this message is about to go out: KEXINIT, NEWKEYS, the key exchange's.
                    send = transport._send_message
                    def cut(message):
                        if message.asbytes()[0] == stage: reset(transport)
                        send(message)
                    transport._send_message = cut
                try: transport.start_client(timeout=10)
                except Exception as error: return
                if stage == "keys": return reset(transport)
                key = paramiko.Ed25519Key.from_private_key_file("\(agent.materials.alice.path)")
                transport.auth_publickey("root", key)
                if stage == "login": return reset(transport)
                channel = transport.open_session()
                if stage == "channel": return reset(transport)
                if stage == "pty": channel.get_pty()
                channel.exec_command("unlock")
                if stage != "data": return reset(transport)
                channel.sendall(b"correct hor")
                reset(transport)
            for stage in 20, 30, 21, "keys", "login", "channel", "pty", "exec", "data": at(stage)
            print("done")
            """)
        #expect(end.out == "done\n", "\(end)")
        try check()
        #expect(!agent.log.contains("wrong passphrase"))
    }

    @Test func `garbage and oversized packets end the connection at once`() throws {
        let end = try agent.python(
            """
            def ends(data):
                client = socket.create_connection(("127.0.0.1", port))
                client.settimeout(3)
                try:
                    client.sendall(data)
                    while client.recv(65536): pass
                    return True
                except ConnectionError: return True
                except socket.timeout: return False
            banner = b"SSH-2.0-x\\r\\n"
            for data in (
                b"\\0" * 300, b"\\xff" * 100000, b"SSH-2.0-" + b"x" * 100000, b"\\r\\n" * 5000,
                banner + b"\\xff" * 64, banner + struct.pack(">I", 0) + b"\\0" * 100,
                banner + struct.pack(">I", 1 << 20) + b"\\0" * (1 << 20), banner + struct.pack(">IB", 12, 255) + b"\\0" * 12,
                banner + struct.pack(">IB", 300000, 4) + b"\\x14" * 300000,
                # KEXINIT whose lists go on past its end.
                banner + struct.pack(">IBB", 44, 4, 20) + b"\\0" * 16 + b"\\xff" * 26,
            ):
                if not ends(data): print("not ended:", data[:40], len(data))
            print("done")
            """)
        #expect(end.out == "done\n", "\(end)")
        try check()
    }

    @Test func `oversized messages after the login end the connection`() throws {
        let end = try agent.python(
            """
            def ends(*parts):
                transport = connect()
                message = paramiko.Message()
                for part in parts: message.add_bytes(part)
                try:
                    transport._send_message(message)
                    for _ in range(50):
                        if not transport.is_active(): return True
                        time.sleep(0.1)
                except (OSError, EOFError): return True
                return not transport.is_active()
            # A packet of 256 KiB and more is refused by its length; one that is no message is answered or ends.
            print(ends(b"\\x5e" + b"\\0" * (300 << 10)))
            transport = connect()
            message = paramiko.Message()
            message.add_bytes(b"\\xc8" * 30000)
            transport._send_message(message)
            print(run(transport, "status")[0])
            """)
        #expect(end.out == "True\n0\n", "\(end)")
        try check()
    }

    @Test func `of a hundred channels ten are opened`() throws {
        let end = try agent.python(
            """
            transport = connect()
            opened, refused = [], 0
            for _ in range(100):
                try: opened.append(transport.open_session(timeout=60))
                except paramiko.ChannelException: refused += 1
            print(len(opened), refused)
            for channel in opened: channel.exec_command("unlock")
            time.sleep(0.5)
            for channel in opened: channel.close()
            time.sleep(0.5)
            print(run(transport, "status")[0])
            """)
        #expect(end.out == "10 90\n0\n", "\(end)")
        try check()
    }

    @Test func `what is asked of a channel twice or in the wrong order is refused`() throws {
        let end = try agent.python(
            """
            transport = connect()
            channel = transport.open_session()
            channel.exec_command("unlock")
            def refused(ask):
                try: ask()
                except (paramiko.SSHException, EOFError): return True
                return False
            print(refused(lambda: channel.exec_command("status")))
            other = transport.open_session()
            print(refused(lambda: other.get_pty()))
            print(refused(lambda: other.invoke_subsystem("sftp")))
            third = transport.open_session()
            print(refused(lambda: third.request_x11()))
            print(run(transport, "status")[0])
            """)
        // A terminal is granted, and the subsystem, whose client is told that there is none; a second command and X11 are not.
        #expect(end.out.split(separator: "\n") == ["True", "False", "False", "True", "0"], "\(end)")
        try check()
    }

    @Test func `new keys in the middle of a prompt and of a passphrase disturb neither`() throws {
        let end = try agent.python(
            """
            transport = connect()
            channel = transport.open_session()
            channel.exec_command("unlock")
            for part in b"corr", b"ect h", b"orse\\n":
                transport.renegotiate_keys()
                channel.sendall(part)
            channel.settimeout(60)
            print(channel.recv_exit_status(), transport.is_active())
            """)
        #expect(end.out.hasPrefix("0 "), "\(end) \(agent.log)")
        #expect(agent.end() == 0)
    }

    @Test func `a paste of 64 KiB is no passphrase, and the next one is tried`() throws {
        let screen = try agent.login()
        #expect(screen.sees("Passphrase for root: "))
        for _ in 0..<64 { screen.type(String(repeating: "x", count: 1024)) }
        screen.type("\r")
        #expect(screen.sees("Not tried: a passphrase has at most 512 bytes."), "\(screen.screen)")
        #expect(screen.sees("Passphrase for root: "), "\(screen.screen)")
        // Lines, of which only the first counts.
        let piped = try agent.unlock(String(repeating: "guess\n", count: 11000))
        #expect(piped.status == 3, "\(piped)")
        let long = try agent.unlock(String(repeating: "y", count: 64 << 10))
        #expect(long.status == 2, "\(long)")
        #expect(agent.lines(with: "wrong passphrase").count == 1, "\(agent.log)")
        screen.type("correct horse\r")
        #expect(screen.end() == 0, "\(screen.screen)")
    }

    @Test(arguments: [(0, 0), (1, 1), (10000, 10000), (0xFFFF_FFFF, 7)])
    func `a terminal of any size has its prompt`(columns: Int, rows: Int) throws {
        let end = try agent.python(
            """
            transport = connect()
            channel = transport.open_session()
            channel.get_pty(width=\(columns), height=\(rows))
            channel.invoke_shell()
            channel.settimeout(60)
            seen = b""
            def until(text):
                global seen
                while text not in seen: seen += channel.recv(65536)
            until(b"Passphrase")
            channel.resize_pty(width=\(columns), height=\(rows))
            channel.resize_pty(width=20, height=0)
            channel.send(b"guess\\r")
            until(b"Wrong passphrase")
            channel.send(b"correct horse\\r")
            print(channel.recv_exit_status(), len(seen) < 8192)
            """)
        #expect(end.out == "0 True\n", "\(end)")
        #expect(agent.end() == 0)
    }

    @Test func `zeros and escape sequences are shown and do nothing`() throws {
        let end = try agent.python(
            """
            evil = "\\x1b]0;owned\\x07\\x1b[2J\\n<0>postern: login of\\u009b2J\\u202e"
            transport = connect(user=evil + "x" * 3000)
            # What is no command, and one that a C string would end early.
            print(run(transport, evil)[0], run(transport, "status\\x00unlock")[0])
            print(run(transport, "unlock", (evil.replace("\\n", "") + "\\n").encode())[0])
            print(run(transport, "unlock", b"\\x00correct horse\\n")[0])
            transport.close()
            # libssh verifies the signature over the name up to the zero.
            try: print("login", connect(user="ro\\x00ot").is_authenticated())
            except paramiko.AuthenticationException: print("refused")
            for method in "keyboard-interactive", evil, "hostbased":
                transport = paramiko.Transport(("127.0.0.1", port))
                transport.start_client(timeout=60)
                message = paramiko.Message()
                message.add_bytes(b"\\x05"); message.add_string("ssh-userauth")
                transport._send_message(message)
                message = paramiko.Message()
                message.add_bytes(b"\\x32")
                for part in evil, "ssh-connection", method: message.add_string(part)
                transport._send_message(message)
                time.sleep(0.2)
                transport.close()
            raw = socket.create_connection(("127.0.0.1", port))
            raw.sendall(b"SSH-1.0-\\x1b[2J\\x1b]0;owned\\x07\\r\\n")
            raw.settimeout(5)
            while raw.recv(4096): pass
            """)
        #expect(end.status == 0, "\(end)")
        #expect(end.out == "6 0\n3\n3\nrefused\n", "\(end)")
        try check()
        let log = agent.log
        #expect(log.contains("login of \\x1b]0;owned\\x07\\x1b[2J\\x0a<0>postern: login of"), "\(log)")
        for scalar in log.unicodeScalars where scalar != "\n" {
            #expect((0x20...0x7E).contains(scalar.value), "\(scalar.value) in \(log)")
        }
        for line in log.split(separator: "\n") { #expect(line.hasPrefix("postern: ") && line.utf8.count < 970) }
        #expect(agent.lines(with: "wrong passphrase").count == 2, "\(log)")
    }
}
