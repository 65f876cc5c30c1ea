import Foundation
import TestPeers
import Testing

/// What an owner's key, and the line it stands in, decide.
@Suite struct KeyTests {
    let materials: Materials
    let volumes: [String]

    init() throws {
        materials = try Materials.made.get()
        volumes = ["root \(materials.root) none luks"]
    }

    /// An agent with these lines of authorized_keys, `{ALICE}` and `{BOB}` being their keys.
    private func rehearsal(_ lines: [String], settings: [String] = []) throws -> Rehearsal {
        var scene = Scene(volumes, settings: settings)
        let (alice, bob) = (try materials.alice.line(), try materials.bob.line())
        scene.keys = lines.map { $0.replacing("{ALICE}", with: alice).replacing("{BOB}", with: bob) }
        return try Rehearsal(scene)
    }

    private func status(_ agent: Rehearsal, from last: Int, key: KeyPair? = nil) throws -> Int32 {
        try agent.ssh(["status"], key: key, options: ["-o", "BindAddress=127.0.0.\(last)"]).status
    }

    // MARK: Security keys

    @Test(
        arguments: [
            ("ed25519", 1, "", true), ("ed25519", 5, "", true), ("ed25519", 0, "", false), ("ed25519", 4, "", false),
            ("ed25519", 0, "no-touch-required ", true), ("ecdsa", 1, "", true), ("ecdsa", 0, "", false),
            ("ecdsa", 0, "no-touch-required ", true),
        ] as [(String, Int, String, Bool)])
    func `a security key has to be touched, unless its line says otherwise; its owner's next key works`(
        type: String, flags: Int, options: String, gets: Bool
    ) throws {
        let folder = try TemporaryFolder()
        let token = try SecurityKeyAgent(folder, type: type, flags: flags)
        let agent = try rehearsal([options + token.line, "command=\"help\" {ALICE}"])
        func ssh(_ more: [String]) throws -> Finished {
            // The agent's key first, then a file's.
            try run(
                "ssh",
                ["-o", "IdentitiesOnly=no"] + more + agent.options().dropLast(2) + ["root@127.0.0.1", "status"],
                environment: ["SSH_AUTH_SOCK": token.socket], timeout: patience)
        }
        let alone = try ssh(["-o", "IdentityFile=none"])
        #expect(alone.status == (gets ? 0 : 255), "\(alone) \(agent.log)")
        let refusal = "(token) was refused: it signed without a touch"
        #expect(gets ? !agent.log.contains(refusal) : agent.logs(refusal), "\(agent.log)")
        let both = try ssh(["-i", materials.alice.path])
        #expect(both.status == 0 && both.out.contains("cryptroot-unlock") == !gets, "\(both) \(agent.log)")
    }

    @Test func `with as many authorized keys as there may be the last logs in`() throws {
        // RSA keys of 4096 bits that nobody has (RFC 4253, section 6.6); together they are more than a socket holds.
        func string(_ bytes: [UInt8]) -> [UInt8] {
            withUnsafeBytes(of: UInt32(bytes.count).bigEndian) { Array($0) } + bytes
        }
        let lines = (0..<600).map { number in
            let modulus = [0, 0xC0] + (0..<511).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ number &* 13 | 1) }
            let blob = string(Array("ssh-rsa".utf8)) + string([1, 0, 1]) + string(modulus)
            return "ssh-rsa \(Data(blob).base64EncodedString()) nobody-\(number)"
        }
        let agent = try rehearsal(lines + ["{ALICE}"])
        #expect(try agent.unlock(Materials.passphrase).status == 0, "\(agent.log)")
        #expect(agent.end() == 0)
    }

    @Test func `a signature with SHA1 is refused at once and the next key works`() throws {
        let folder = try TemporaryFolder()
        let key = try KeyPair(folder, "rsa", type: "rsa", bits: 2048)
        let agent = try rehearsal([try key.line(), "{ALICE}"])
        let end = try agent.python(
            """
            # Left to itself it would not even try.
            handler = paramiko.auth_handler.AuthHandler
            choose = handler._finalize_pubkey_algorithm
            handler._finalize_pubkey_algorithm = lambda self, kind: kind if kind == "ssh-rsa" else choose(self, kind)
            transport = paramiko.Transport(("127.0.0.1", port))
            transport.start_client(timeout=60)
            began = time.time()
            try: transport.auth_publickey("root", paramiko.RSAKey.from_private_key_file("\(key.path)"))
            except paramiko.AuthenticationException: print("refused", time.time() - began < 5)
            transport.auth_publickey("root", paramiko.Ed25519Key.from_private_key_file("\(materials.alice.path)"))
            print(run(transport, "status")[0])
            """)
        #expect(end.out == "refused True\n0\n", "\(end)")
        #expect(agent.logs("was refused: it was to sign with ssh-rsa"), "\(agent.log)")
    }

    // MARK: Options of the key's line

    @Test(
        arguments: [
            ("127.0.0.2", [2]), ("127.0.0.2,127.0.0.3", [2, 3]), ("127.0.0.0/30", [1, 2, 3]),
            ("127.0.0.*", [1, 2, 3, 4]),
            ("127.0.0.0/8,!127.0.0.3", [1, 2, 4]), ("!127.0.0.0/31,*", [2, 3, 4]), ("::ffff:127.0.0.4", [4]),
            ("::ffff:127.0.0.0/126", [1, 2, 3]), ("::1,192.0.2.0/24", []),
        ] as [(String, [Int])])
    func `from= admits by address, also where IPv4 comes over a socket of IPv6`(from: String, last: [Int]) throws {
        let agent = try rehearsal(["from=\"\(from)\" {ALICE}", "{BOB}"])
        for host in 1...4 {
            #expect(try status(agent, from: host) == (last.contains(host) ? 0 : 255), "\(host): \(agent.log)")
        }
        if last.count < 4 {
            #expect(agent.logs("was refused: its from= does not allow 127.0.0."), "\(agent.log)")
        }
        #expect(try status(agent, from: 9, key: materials.bob) == 0)
    }

    @Test(
        arguments: [
            ("from=\"*.example.org\"", "which is no address, and there is no DNS here"),
            ("from=\"localhost\"", "which is no address, and there is no DNS here"),
            ("cert-authority", "the option cert-authority is for certificates"),
            ("verify-required", "the option verify-required is not honoured"),
            ("command=\"/bin/sh\"", "command= \"/bin/sh\" is no command of Postern's"),
            ("no-such-option", "the option \"no-such-option\" is not known"),
        ])
    func `a line that asks for what is not honoured costs its key, with the reason in the log`(
        options: String, reason: String
    ) throws {
        let agent = try rehearsal(["\(options) {ALICE}", "{BOB}"])
        let lines = agent.lines(with: "\(agent.folder.path("authorized_keys")):1: ")
        #expect(
            lines.count == 1 && lines[0].contains(reason) && lines[0].contains("and the key is refused"), "\(lines)")
        #expect(try status(agent, from: 1) == 255)
        #expect(try status(agent, from: 1, key: materials.bob) == 0)
    }

    @Test(
        arguments: [("restrict", false), ("no-pty", false), ("restrict,pty", true)])
    func `a terminal is given as the line says`(options: String, gives: Bool) throws {
        let agent = try rehearsal(["\(options) {ALICE}"])
        let screen = try agent.login()
        if gives {
            #expect(screen.sees("Passphrase for root: "), "\(screen.screen)")
        } else {
            #expect(screen.sees("PTY allocation request failed"), "\(screen.screen)")
        }
        #expect(try agent.ssh(["status"]).status == 0)
    }

    /// A clock cannot be set for one process: the image's time is set ahead of it instead.
    @Test(
        arguments: [
            ("20200101Z", nil, false), ("20200101Z", 0, false), ("20991231Z", nil, true), ("20991231Z", 0, true),
            ("20991231Z", 4_102_358_399, true), ("20991231Z", 4_102_358_401, false),
        ] as [(String, Int?, Bool)])
    func `a key expires by the later of the clock and the image's time`(time: String, image: Int?, gets: Bool) throws {
        let agent = try rehearsal(
            ["expiry-time=\"\(time)\" {ALICE}", "{BOB}"], settings: image.map { ["ImageTime \($0)"] } ?? [])
        #expect(try status(agent, from: 1) == (gets ? 0 : 255), "\(agent.log)")
        let refusal = "was refused: its expiry-time= has passed"
        #expect(gets ? !agent.log.contains(refusal) : agent.logs(refusal), "\(agent.log)")
        #expect(try status(agent, from: 1, key: materials.bob) == 0)
    }

    // MARK: The host's keys

    @Test func `a short host key is a finding and used only for want of another`() throws {
        let folder = try TemporaryFolder()
        let short = try KeyPair(folder, "short", type: "rsa", bits: 2048)
        var scene = Scene(volumes, settings: ["HostKey \(short.path)"])
        let agent = try Rehearsal(scene)
        let finding = "\(short.path): the rsa key has fewer than 3072 bits"
        #expect(agent.log.contains("\(finding), and is not used; make another one"), "\(agent.log)")
        let offered = try run("ssh-keyscan", ["-p", "\(agent.port)", "-t", "rsa", "127.0.0.1"], timeout: patience)
        let long = try materials.host[1].line().split(separator: " ")[1]
        #expect(offered.out.contains(long), "\(offered)")
        scene.hostKeys = false
        let other = try Rehearsal(scene)
        #expect(other.log.contains("\(finding), and is used for want of another one"), "\(other.log)")
        #expect(try other.ssh(["status"]).status == 0)
        let check = try run(
            try Rehearsal.binary(), ["check", "-f", other.folder.path("postern.conf")], timeout: patience)
        #expect(check.status == 1 && check.out.contains(finding), "\(check)")
    }
}
