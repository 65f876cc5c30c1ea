import Foundation
import Repository
import TestPeers
import Testing

/// The key exchange: every method, again and again over one connection, and what a client hears when there is none.
@Suite struct KeyExchangeTests {
    /// Every method that postern.conf may name.
    private static let everyMethod =
        "KexAlgorithms +mlkem768nistp256-sha256,ecdh-sha2-nistp256,ecdh-sha2-nistp384,ecdh-sha2-nistp521,"
        + "diffie-hellman-group18-sha512,diffie-hellman-group16-sha512"
    let volumes: [String]

    init() throws { volumes = ["root \(try Materials.made.get().root) none luks"] }

    @Test func `OpenSSH exchanges keys anew by each method with each host key`() throws {
        let agent = try Rehearsal(volumes, settings: [KeyExchangeTests.everyMethod])
        for method in [
            "sntrup761x25519-sha512@openssh.com", "curve25519-sha256", "curve25519-sha256@libssh.org",
            "ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521", "diffie-hellman-group14-sha256",
            "diffie-hellman-group16-sha512", "diffie-hellman-group18-sha512",
        ] {
            for hostKey in ["ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256"] {
                // As often as it can.
                let words = [
                    "-o", "LogLevel=DEBUG1", "-o", "KexAlgorithms=\(method)", "-o", "HostKeyAlgorithms=\(hostKey)",
                    "-o", "RekeyLimit=16",
                ]
                let end = try run(
                    "ssh", words + agent.options() + ["root@127.0.0.1", "status"],
                    environment: ["SSH_AUTH_SOCK": ""], timeout: patience)
                #expect(end.status == 0, "\(method) \(hostKey) \(end)")
                #expect(end.out.contains("root"))
                #expect(end.err.contains("kex: algorithm: \(method)\r\n"))
                #expect(end.err.components(separatedBy: "SSH2_MSG_NEWKEYS received").count > 3, "\(method) \(end)")
            }
        }
    }

    /// The methods that newer clients prefer. Debian's ssh does not know them: the client is the libssh that Postern has in it.
    @Test func `libssh exchanges keys anew by the newest methods`() throws {
        let agent = try Rehearsal(volumes, settings: [KeyExchangeTests.everyMethod])
        let built = try run(Repository.path("initrd/libraries"), [], timeout: patience)
        let prefix = built.out.trimmingCharacters(in: .newlines)
        #expect(built.status == 0, "\(built)")
        try agent.folder.write(KeyExchangeTests.client, to: "client.c")
        let client = agent.folder.path("client")
        let compiled = try run(
            "clang",
            [
                "-w", "--sysroot=\(prefix)/sysroot", "-static", "-fuse-ld=lld", "-I\(prefix)/include", "-o", client,
                client + ".c", "\(prefix)/lib/libssh.a", "\(prefix)/lib/libcrypto.a",
            ], timeout: patience)
        #expect(compiled.status == 0, "\(compiled)")
        for method in ["mlkem768x25519-sha256", "sntrup761x25519-sha512", "mlkem768nistp256-sha256"] {
            for hostKey in ["ssh-ed25519", "rsa-sha2-512"] {
                let words = [String(agent.port), agent.materials.alice.path, method, hostKey]
                let end = try run(client, words, timeout: patience)
                #expect(end.status == 0 && end.out == "3 exchanges of \(method)\n", "\(hostKey) \(end) \(agent.log)")
            }
        }
    }

    /// A client that exchanges keys, and twice again, each time between two channels.
    private static let client = """
        #include <libssh/libssh.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>

        int ssh_send_rekex(ssh_session session);

        int main(int count, char **words)
        {
            ssh_session session = ssh_new();
            unsigned port = atoi(words[1]);
            int off = 0, exchanges = 0;
            ssh_key key;

            ssh_options_set(session, SSH_OPTIONS_PROCESS_CONFIG, &off);
            ssh_options_set(session, SSH_OPTIONS_HOST, "127.0.0.1");
            ssh_options_set(session, SSH_OPTIONS_PORT, &port);
            ssh_options_set(session, SSH_OPTIONS_USER, "root");
            ssh_options_set(session, SSH_OPTIONS_KNOWNHOSTS, "/dev/null");
            if (ssh_options_set(session, SSH_OPTIONS_KEY_EXCHANGE, words[3]) ||
                ssh_options_set(session, SSH_OPTIONS_HOSTKEYS, words[4]) || ssh_connect(session) ||
                ssh_pki_import_privkey_file(words[2], NULL, NULL, NULL, &key) ||
                ssh_userauth_publickey(session, NULL, key)) {
                printf("%s\\n", ssh_get_error(session));
                return 1;
            }
            for (;;) {
                ssh_channel channel = ssh_channel_new(session);
                char text[4096];
                int got, all = 0;

                if (ssh_channel_open_session(channel) || ssh_channel_request_exec(channel, "status"))
                    break;
                while ((got = ssh_channel_read(channel, text, sizeof(text), 0)) > 0)
                    all += got;
                if (got < 0 || all == 0 || ssh_channel_get_exit_status(channel))
                    break;
                ssh_channel_free(channel);
                if (++exchanges == 3) {
                    printf("3 exchanges of %s\\n", ssh_get_kex_algo(session));
                    return 0;
                }
                if (ssh_send_rekex(session))
                    break;
            }
            printf("%s\\n", ssh_get_error(session));
            return 2;
        }
        """

    @Test func `who exchanges keys without end is sent away and logged`() throws {
        let agent = try Rehearsal(volumes)
        let end = try agent.python(
            """
            transport = connect()
            count = 0
            try:
                while count < 500:
                    transport.renegotiate_keys()
                    count += 1
            except Exception: pass
            print(40 <= count < 500)
            """)
        #expect(end.out == "True\n", "\(end)")
        #expect(agent.logs("a key exchange too many was refused"), "\(agent.log)")
        #expect(try agent.unlock(Materials.passphrase).status == 0)
        #expect(agent.end() == 0)
    }

    @Test(
        arguments: [
            (0, "key exchange method", "mlkem768x25519-sha256,"), (1, "host key type", "ssh-ed25519,"),
            (2, "cipher", "chacha20-poly1305@openssh.com,"), (3, "cipher", "chacha20-poly1305@openssh.com,"),
            (4, "MAC", "hmac-sha2-256-etm@openssh.com,"), (5, "MAC", "hmac-sha2-256-etm@openssh.com,"),
            (6, "compression", "none"),
        ])
    func `a client that shares no algorithm is told which there are, and so is the log`(
        place: Int, kind: String, offer: String
    ) throws {
        let agent = try Rehearsal(volumes)
        let end = try agent.python(
            """
            client = socket.create_connection(("127.0.0.1", port), timeout=60)
            stream = client.makefile("rb")
            stream.readline()
            lists = [b"curve25519-sha256", b"ssh-ed25519"] + [b"aes256-ctr"] * 2 + [b"hmac-sha2-256"] * 2 + [b"none"] * 2
            lists[\(place)] = b"secret-alphabet," + b"x" * 2000
            names = b"".join(struct.pack(">I", len(name)) + name for name in lists + [b"", b""])
            payload = bytes([20]) + b"c" * 16 + names + bytes(5)
            pad = 16 - (len(payload) + 5) % 8
            packet = struct.pack(">IB", len(payload) + 1 + pad, pad) + payload + bytes(pad)
            client.sendall(b"SSH-2.0-strange\\r\\n" + packet)
            def receive():
                length, pad = struct.unpack(">IB", stream.read(5))
                return stream.read(length - 1)[:length - 1 - pad]
            print(receive()[0])
            reply = receive()
            length = struct.unpack(">I", reply[5:9])[0]
            print(reply[0], struct.unpack(">I", reply[1:5])[0], reply[9:9 + length].decode())
            print(stream.read())
            """)
        let lines = end.out.split(separator: "\n")
        #expect(lines.count == 3 && lines.first == "20" && lines.last == "b''", "\(end)")
        let sentence = "no matching \(kind); this server offers \(offer)"
        // SSH_DISCONNECT_KEY_EXCHANGE_FAILED
        #expect(lines.dropFirst().first?.hasPrefix("1 3 \(sentence)") == true, "\(end)")
        #expect(agent.logs("no login: \(sentence)"), "\(agent.log)")
        let line = try #require(agent.lines(with: sentence).first)
        #expect(line.contains("; the client offers secret-alphabet,xxx") && line.utf8.count < 1100, "\(line)")
        #expect(try agent.ssh(["status"]).status == 0)
    }
}
