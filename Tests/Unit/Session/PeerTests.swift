import Foundation
import TestPeers
import Testing
import Wire

/// Clients that are not OpenSSH's.
extension SessionTests {
    @Suite(.serialized) struct PeerTests {
        @Test func `dropbear's client is served`() throws {
            let bench = try Bench()
            let key = bench.folder.path("dropbear")
            let made = try run("dropbearconvert", ["openssh", "dropbear", bench.key.path, key])
            #expect(made.status == 0, "\(made)")
            let options = ["-y", "-y", "-i", key, "-p", String(bench.monitor.port), "root@127.0.0.1"]
            let status = try run("dbclient", options + ["status"])
            #expect(status.status == 0, "\(status)")
            #expect(status.out.contains("nas"))
            let unlock = try run("dbclient", options + ["unlock"], input: .text("correct horse\n"))
            #expect(unlock.status == 0, "\(unlock)")
            #expect(unlock.out.contains("Boot continues."))
        }

        @Test func `paramiko is served`() throws {
            let bench = try Bench()
            let end = try paramiko(
                bench,
                """
                client.connect("127.0.0.1", port, "root", key_filename=key, look_for_keys=False, allow_agent=False)
                stdin, stdout, stderr = client.exec_command("unlock")
                stdin.write("correct horse\\n")
                print(stdout.read().decode(), stdout.channel.recv_exit_status())
                """)
            #expect(end.status == 0, "\(end)")
            #expect(end.out.contains("Boot continues.\n 0"))
        }

        @Test func `any user name is taken and escaped`() throws {
            let bench = try Bench()
            let end = try paramiko(
                bench,
                """
                client.connect("127.0.0.1", port, "ro\\x1b[0m" + "x" * 500, key_filename=key,
                    look_for_keys=False, allow_agent=False)
                """)
            #expect(end.status == 0, "\(end)")
            let name = "ro\\x1b[0m" + String(repeating: "x", count: 52) + "..."
            #expect(bench.monitor.saw { if case .authenticated(7, name) = $0 { true } else { false } })
        }

        @Test func `signatures with SHA1 are refused at once`() throws {
            let folder = try TemporaryFolder()
            let key = try KeyPair(folder, "rsa", type: "rsa", bits: 2048)
            let bench = try Bench(keys: [key.usable()])
            let end = try paramiko(
                bench, key: key.path,
                """
                # Left to itself it would not even try.
                paramiko.auth_handler.AuthHandler._finalize_pubkey_algorithm = lambda self, kind: kind
                client.connect("127.0.0.1", port, "root", pkey=paramiko.RSAKey.from_private_key_file(key),
                    look_for_keys=False, allow_agent=False)
                """)
            #expect(end.status == 1)
            #expect(end.err.contains("Authentication"), "\(end)")
            #expect(bench.monitor.logs.contains { $0.contains("it was to sign with ssh-rsa") }, "\(bench.monitor.logs)")
            #expect(!bench.monitor.logs.contains { $0.hasPrefix("no login within") })
        }

        /// A security key whose touch can be left out. OpenSSH's clients have none.
        @Test(arguments: [(1, false, true), (0, false, false), (0, true, true)])
        func `a security key has to be touched`(flags: Int, noTouchRequired: Bool, gets: Bool) throws {
            let made = try run("/usr/bin/python3", ["-c", SecurityKey.generate])
            #expect(made.status == 0, "\(made)")
            let words = made.out.split(separator: "\n").map { String($0) }
            let blob = Array(Data(base64Encoded: words[1]) ?? Data())
            let key = UsableKey(
                index: 0, type: "sk-ssh-ed25519@openssh.com", blob: blob, forcedCommand: nil, permitsTerminal: true,
                noTouchRequired: noTouchRequired, title: "token")
            let bench = try Bench(keys: [key])
            let end = try paramiko(
                bench,
                SecurityKey.client(secret: words[0], flags: flags) + """

                    client.connect("127.0.0.1", port, "root", pkey=Key(), look_for_keys=False, allow_agent=False)
                    print(client.exec_command("status")[1].read().decode())
                    """)
            #expect((end.status == 0) == gets, "\(end) \(bench.monitor.events)")
            #expect(end.out.contains("nas") == gets)
            if !gets { #expect(bench.monitor.logs.contains("key token was refused: it signed without a touch")) }
        }

        /// Runs a Python program with a `client` that trusts every host key.
        private func paramiko(_ bench: Bench, key: String? = nil, _ program: String) throws -> Finished {
            let start = """
                import paramiko
                client = paramiko.SSHClient()
                client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
                port, key = \(bench.monitor.port), "\(key ?? bench.key.path)"

                """
            return try run("/usr/bin/python3", ["-c", start + program], timeout: 90)
        }
    }
}

/// A security key in software, for paramiko: PROTOCOL.u2f of OpenSSH.
private enum SecurityKey {
    /// Prints a secret and its public key, both in base 64.
    static let generate = """
        import base64, struct
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives import serialization as s
        secret = Ed25519PrivateKey.generate()
        raw = secret.private_bytes(s.Encoding.Raw, s.PrivateFormat.Raw, s.NoEncryption())
        public = secret.public_key().public_bytes(s.Encoding.Raw, s.PublicFormat.Raw)
        pack = lambda b: struct.pack(">I", len(b)) + b
        print(base64.b64encode(raw).decode())
        print(base64.b64encode(pack(b"sk-ssh-ed25519@openssh.com") + pack(public) + pack(b"ssh:")).decode())
        """

    static func client(secret: String, flags: Int) -> String {
        """
        import base64, struct, hashlib
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives import serialization as s
        secret = Ed25519PrivateKey.from_private_bytes(base64.b64decode("\(secret)"))
        public = secret.public_key().public_bytes(s.Encoding.Raw, s.PublicFormat.Raw)
        name = "sk-ssh-ed25519@openssh.com"
        pack = lambda b: struct.pack(">I", len(b)) + b
        class Key(paramiko.PKey):
            public_blob = None
            def get_name(self): return name
            def can_sign(self): return True
            def asbytes(self): return pack(name.encode()) + pack(public) + pack(b"ssh:")
            def sign_ssh_data(self, data, algorithm=None):
                state = bytes([\(flags)]) + struct.pack(">I", 5)
                hashed = hashlib.sha256(b"ssh:").digest() + state + hashlib.sha256(data).digest()
                message = paramiko.Message()
                message.add_string(name)
                message.add_string(secret.sign(hashed))
                message.add_bytes(state)
                return message
        paramiko.Transport._preferred_pubkeys = (name,) + paramiko.Transport._preferred_pubkeys
        paramiko.Transport._key_info[name] = Key
        """
    }
}
