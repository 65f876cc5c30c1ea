import Foundation
import TestPeers
import Testing

/// Libraries and programs that scripts log in with, as Debian has them: older than OpenSSH's client, and choosier.
@Suite struct ClientTests {
    let agent: Rehearsal
    let key: KeyPair

    init() throws {
        agent = try Rehearsal(["root \(try Materials.made.get().root) none luks"])
        key = agent.materials.alice
    }

    /// Runs a client that pipes the passphrase into `unlock`, and expects of it what ssh(1) does.
    private func unlock(_ tool: String, _ words: [String], input: Input = .nothing) throws {
        let home = ["HOME": agent.folder.path(""), "SSH_AUTH_SOCK": "", "PYTHONWARNINGS": "ignore"]
        let end = try run(tool, words, input: input, environment: home, timeout: patience)
        #expect(end.status == 0, "\(end) \(agent.log)")
        #expect(end.out.contains("root: open"), "\(end)")
        #expect(end.out.contains("Boot continues."), "\(end)")
        #expect(agent.end() == 0)
    }

    @Test func `PuTTY's client is served`() throws {
        let converted = agent.folder.path("key.ppk")
        let made = try run("puttygen", [key.path, "-O", "private", "-o", converted], timeout: patience)
        #expect(made.status == 0, "\(made)")
        let host = try run("ssh-keygen", ["-l", "-f", agent.materials.host[0].path + ".pub"])
        let print = try #require(host.out.split(separator: " ").dropFirst().first)
        let words = ["-batch", "-ssh", "-P", String(agent.port), "-i", converted, "-hostkey", String(print)]
        try unlock("plink", words + ["root@127.0.0.1", "unlock"], input: .text("correct horse\n"))
    }

    /// libssh2, which curl and many languages' modules have beneath.
    @Test func `libssh2's client is served`() throws {
        let program = """
            import ctypes, socket, sys
            lib = ctypes.CDLL("libssh2.so.1")
            lib.libssh2_session_init_ex.restype = lib.libssh2_channel_open_ex.restype = ctypes.c_void_p
            lib.libssh2_channel_read_ex.restype = ctypes.c_ssize_t
            size = ctypes.c_size_t
            def must(result, what):
                if result < 0: sys.exit("%s: %d" % (what, result))
                return result
            lib.libssh2_init(0)
            connection = socket.create_connection(("127.0.0.1", \(agent.port)))
            session = ctypes.c_void_p(lib.libssh2_session_init_ex(None, None, None, None))
            must(lib.libssh2_session_handshake(session, connection.fileno()), "handshake")
            key = open("\(key.path)", "rb").read()
            must(lib.libssh2_userauth_publickey_frommemory(
                session, b"root", size(4), None, size(0), key, size(len(key)), None), "login")
            channel = ctypes.c_void_p(lib.libssh2_channel_open_ex(session, b"session", 7, 2 << 20, 32768, None, 0))
            must(lib.libssh2_channel_process_startup(channel, b"exec", 4, b"unlock", 6), "exec")
            must(lib.libssh2_channel_write_ex(channel, 0, b"correct horse\\n", size(14)), "write")
            must(lib.libssh2_channel_send_eof(channel), "eof")
            room = ctypes.create_string_buffer(4096)
            while True:
                count = must(lib.libssh2_channel_read_ex(channel, 0, room, size(4096)), "read")
                if count == 0: break
                sys.stdout.write(room.raw[:count].decode())
            must(lib.libssh2_channel_close(channel), "close")
            must(lib.libssh2_channel_wait_closed(channel), "end")
            sys.exit(lib.libssh2_channel_get_exit_status(channel))
            """
        try unlock("/usr/bin/python3", ["-c", program])
    }

    @Test func `Ruby's Net::SSH is served`() throws {
        let program = """
            require "net/ssh"
            status = nil
            Net::SSH.start("127.0.0.1", "root", port: \(agent.port), keys: ["\(key.path)"], keys_only: true,
                config: false, verify_host_key: :never, user_known_hosts_file: [], global_known_hosts_file: [],
                timeout: 60) do |ssh|
              ssh.open_channel do |channel|
                channel.exec("unlock") do |_, _|
                  channel.on_data { |_, text| print text }
                  channel.on_extended_data { |_, _, text| $stderr.print text }
                  channel.on_request("exit-status") { |_, data| status = data.read_long }
                  channel.send_data("correct horse\\n")
                  channel.eof!
                end
              end
              ssh.loop
            end
            exit status
            """
        try unlock("ruby", ["-e", program])
    }

    @Test func `Twisted's Conch is served`() throws {
        let program = """
            import struct, sys
            from twisted.conch.ssh import channel, common, connection, keys, transport, userauth
            from twisted.internet import defer, protocol, reactor
            status = [1]
            key = keys.Key.fromFile("\(key.path)")
            class Transport(transport.SSHClientTransport):
                def verifyHostKey(self, key, fingerprint): return defer.succeed(1)
                def connectionSecure(self): self.requestService(Login("root", Connection()))
                def connectionLost(self, reason=None): reactor.callLater(0, reactor.stop)
            class Login(userauth.SSHUserAuthClient):
                asked = False
                def getPublicKey(self):
                    if self.asked: return None
                    self.asked = True
                    return key.public()
                def getPrivateKey(self): return defer.succeed(key)
            class Connection(connection.SSHConnection):
                def serviceStarted(self): self.openChannel(Channel(conn=self))
            class Channel(channel.SSHChannel):
                name = b"session"
                def channelOpen(self, data):
                    self.conn.sendRequest(self, "exec", common.NS(b"unlock"))
                    self.write(b"correct horse\\n")
                    self.conn.sendEOF(self)
                def dataReceived(self, data): sys.stdout.write(data.decode())
                def extReceived(self, kind, data): sys.stderr.write(data.decode())
                def request_exit_status(self, data): status[0] = struct.unpack(">L", data)[0]
                def closed(self): self.conn.transport.loseConnection()
            protocol.ClientCreator(reactor, Transport).connectTCP("127.0.0.1", \(agent.port))
            reactor.run()
            sys.exit(status[0])
            """
        try unlock("/usr/bin/python3", ["-c", program])
    }

    @Test func `asyncssh is served`() throws {
        let program = """
            import asyncio, asyncssh, sys
            async def unlock():
                async with asyncssh.connect("127.0.0.1", \(agent.port), username="root", client_keys=["\(key.path)"],
                        known_hosts=None, config=None, agent_path=None) as client:
                    end = await client.run("unlock", input="correct horse\\n")
                    print(end.stdout, end.stderr)
                    return end.exit_status
            sys.exit(asyncio.run(unlock()))
            """
        try unlock("/usr/bin/python3", ["-c", program])
    }
}
