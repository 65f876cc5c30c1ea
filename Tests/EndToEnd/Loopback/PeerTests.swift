import Foundation
import TestPeers
import Testing

/// Clients that are not OpenSSH's, and keys that are not ed25519.
@Suite struct PeerTests {
    let folder: TemporaryFolder
    let volumes: [String]

    init() throws {
        folder = try TemporaryFolder()
        volumes = ["root \(try Materials.made.get().root) none luks"]
    }

    private func rehearsal(with key: KeyPair) throws -> Rehearsal {
        var scene = Scene(volumes)
        scene.keys = [try key.line()]
        return try Rehearsal(scene)
    }

    @Test(
        arguments: [("ecdsa", 256), ("ecdsa", 384), ("ecdsa", 521), ("rsa", 2048), ("rsa", 3072), ("ed25519", nil)]
            as [(String, Int?)])
    func `each kind of key unlocks by ssh`(type: String, bits: Int?) throws {
        let key = try KeyPair(folder, "key", type: type, bits: bits)
        let agent = try rehearsal(with: key)
        let end = try agent.unlock(Materials.passphrase, key: key)
        #expect(end.status == 0, "\(end)")
        #expect(agent.end() == 0)
    }

    @Test(arguments: [("ed25519", nil), ("rsa", 2048)] as [(String, Int?)])
    func `dropbear's client unlocks`(type: String, bits: Int?) throws {
        let key = try KeyPair(folder, "key", type: type, bits: bits)
        let agent = try rehearsal(with: key)
        let converted = folder.path("dropbear")
        let made = try run("dropbearconvert", ["openssh", "dropbear", key.path, converted], timeout: patience)
        #expect(made.status == 0, "\(made)")
        let words = ["-y", "-y", "-i", converted, "-p", String(agent.port), "root@127.0.0.1"]
        let wrong = try run("dbclient", words + ["unlock"], input: .text("wrong\n"), timeout: patience)
        #expect(wrong.status == 3, "\(wrong)")
        let end = try run("dbclient", words + ["unlock"], input: .text("correct horse\n"), timeout: patience)
        #expect(end.status == 0, "\(end)")
        #expect(end.out.contains("Boot continues."))
        #expect(agent.end() == 0)
    }

    @Test(arguments: [("ed25519", nil), ("rsa", 2048)] as [(String, Int?)])
    func `paramiko unlocks`(type: String, bits: Int?) throws {
        let key = try KeyPair(folder, "key", type: type, bits: bits)
        let agent = try rehearsal(with: key)
        let program = """
            import paramiko
            client = paramiko.SSHClient()
            client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
            client.connect("127.0.0.1", \(agent.port), "root", key_filename="\(key.path)", look_for_keys=False,
                allow_agent=False, timeout=60, banner_timeout=60, auth_timeout=60)
            for passphrase in "wrong", "correct horse":
                stdin, stdout, stderr = client.exec_command("unlock")
                stdin.write(passphrase + "\\n")
                print(stdout.read().decode(), stderr.read().decode(), stdout.channel.recv_exit_status())
            """
        let end = try run(try Python.withParamiko.get(), ["-c", program], timeout: patience)
        #expect(end.status == 0, "\(end)")
        #expect(end.out.contains("Wrong passphrase.\nThe next one is tried after 1 s.\n 3\n"), "\(end)")
        #expect(end.out.contains("Boot continues.\nREHEARSAL: nothing is opened in earnest.\n "), "\(end)")
        #expect(end.out.hasSuffix(" 0\n"), "\(end)")
        #expect(agent.end() == 0)
    }
}

extension Rehearsal {
    /// Runs a Python program that has paramiko, and this agent's port in `port`.
    func python(_ program: String) throws -> Finished {
        let start = "import os, socket, struct, sys, threading, time, paramiko\nport = \(port)\n"
        return try run(
            try Python.withParamiko.get(), ["-c", start + Python.connect(materials.alice) + program], timeout: patience)
    }
}

/// An interpreter of Python that has paramiko.
enum Python {
    /// Debian's, or one in a virtual environment that is made once and kept in the cache.
    static let withParamiko = Result { try find() }

    /// `connect`, which logs in with a key, and `status`, which does all of it and asks for the status.
    static func connect(_ key: KeyPair) -> String {
        """
        def connect(user="root", key=paramiko.Ed25519Key.from_private_key_file("\(key.path)")):
            transport = paramiko.Transport(("127.0.0.1", port))
            transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = 60
            transport.start_client(timeout=60)
            transport.auth_publickey(user, key)
            return transport
        def run(transport, command, data=b""):
            channel = transport.open_session(timeout=60)
            channel.settimeout(60)
            channel.exec_command(command)
            if data:
                try: channel.sendall(data)
                except OSError: pass
                channel.shutdown_write()
            out = b""
            while True:
                more = channel.recv(65536)
                if not more: break
                out += more
            return channel.recv_exit_status(), out

        """
    }

    private static func find() throws -> String {
        let cache = ProcessInfo.processInfo.environment["POSTERN_CACHE"] ?? NSHomeDirectory() + "/.cache/postern"
        let own = cache + "/paramiko"
        for path in ["/usr/bin/python3", own + "/bin/python3"] where try has(path) { return path }
        for words in [["-m", "venv", own], ["-m", "pip", "install", "--quiet", "paramiko"]] {
            let python = words[1] == "venv" ? "python3" : own + "/bin/python3"
            let end = try run(python, words, timeout: 600)
            guard end.status == 0 else { throw PeerError.tool("no paramiko: apt-get install python3-paramiko; \(end)") }
        }
        return own + "/bin/python3"
    }

    private static func has(_ python: String) throws -> Bool {
        try run(python, ["-c", "import paramiko"], timeout: patience).status == 0
    }
}
