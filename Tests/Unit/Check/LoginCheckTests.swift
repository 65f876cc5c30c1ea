import Config
import Foundation
import TestPeers
import Testing

@testable import Check

/// `postern check` logs in to the agent of an image: what ssh is told, and what its log says.
@Suite struct LoginCheckTests {
    private let before = """
        OpenSSH_9.2p1 Debian-2+deb12u6, OpenSSL 3.0.19 27 Jan 2026
        debug1: Reading configuration data /x/config
        debug1: Connecting to 127.0.0.1 [127.0.0.1] port 2222.
        """

    private func log(_ lines: String) -> SSHLog { SSHLog(Array((before + "\n" + lines + "\n").utf8)) }

    @Test func `the log of a login says that the key is accepted and the login is there`() {
        let ssh = log(
            """
            debug1: Server accepts key: /x/key ED25519 SHA256:abc explicit
            Authenticated to 127.0.0.1 ([127.0.0.1]:2222) using "publickey".
            Transferred: sent 1, received 2 bytes, in 0.1 seconds\r
            """)
        #expect(ssh.acceptsKey && ssh.isAuthenticated && ssh.obstacle == nil)
    }

    @Test func `a key that is known without its private half is accepted, and refused in the end`() {
        let ssh = log(
            """
            debug1: Server accepts key: /x/key.pub ED25519 SHA256:abc explicit
            Load key "/x/key.pub": error in libcrypto
            root@127.0.0.1: Permission denied (publickey).
            """)
        #expect(ssh.acceptsKey && !ssh.isAuthenticated)
        #expect(ssh.obstacle == .unsigned("Load key \"/x/key.pub\": error in libcrypto"))
    }

    @Test(arguments: [
        ("Host key verification failed.", SSHLog.Obstacle.hostKey),
        ("root@127.0.0.1: Permission denied (publickey).", .refused),
        (
            "debug1: Server accepts key: /x/key ED25519 SHA256:abc explicit\nroot@h: Permission denied (publickey).",
            .locked
        ),
        (
            "Unable to negotiate with 127.0.0.1 port 2222: no matching cipher found. Their offer: a",
            .algorithms("Unable to negotiate with 127.0.0.1 port 2222: no matching cipher found. Their offer: a")
        ),
        (
            "sign_and_send_pubkey: signing failed for ED25519 \"k\" from agent: agent refused operation\n"
                + "root@h: Permission denied (publickey).",
            .unsigned("sign_and_send_pubkey: signing failed for ED25519 \"k\" from agent: agent refused operation")
        ),
        (
            "ssh: connect to host 127.0.0.1 port 2222: Connection refused",
            .other("ssh: connect to host 127.0.0.1 port 2222: Connection refused")
        ),
    ])
    func `what keeps a login from coming about is told from ssh's own words`(
        lines: String, obstacle: SSHLog.Obstacle
    ) {
        #expect(log(lines).obstacle == obstacle)
    }

    @Test func `a server that does not answer in time is told from one that refuses`() {
        #expect(log("Connection timed out during banner exchange").isTooLate)
        #expect(log("ssh: connect to host 127.0.0.1 port 2222: Connection timed out").isTooLate)
        #expect(!log("ssh: connect to host 127.0.0.1 port 2222: Connection refused").isTooLate)
        #expect(!log("root@127.0.0.1: Permission denied (publickey).").isTooLate)
    }

    @Test(
        arguments: [
            (0, false, ", and was told the status"), (0, true, "; command= left it no status"),
            (5, true, "; command= left it no status"), (124, false, "; the status did not come in time"),
            (137, false, "; the status did not come in time"), (1, false, nil), (255, false, nil),
        ] as [(Int32, Bool, String?)])
    func `a login whose status comes late is there, and one whose status fails is a fault`(
        status: Int32, isForced: Bool, told: String?
    ) {
        #expect(LoginVerdict.told(status, isForced: isForced) == told)
    }

    @Test(
        arguments: [
            (
                "postern: listening on [::]:2222\npostern: the boot goes on. Without data.",
                "the boot goes on. Without data."
            ),
            ("postern: no volume to open; the boot's own prompt takes over", "no volume to open; the boot's own"),
            ("postern: listening on [::]:2222\npostern: waits for crypt-root", nil),
        ] as [(String, String?)])
    func `an agent whose volumes need nobody ends by itself`(log: String, words: String?) {
        let end = LoginVerdict.ownEnd(Array(log.utf8).split(separator: 0x0a))
        #expect((end == nil) == (words == nil) && end?.contains(words ?? "") ?? true, "\(end ?? "")")
    }

    @Test func `what keeps a login from coming about is told in a sentence`() {
        #expect(log("root@127.0.0.1: Permission denied (publickey).").reason == "the key was refused")
        #expect(log("Host key verification failed.").reason == "the host key is not the image's")
        let accepted = "debug1: Server accepts key: /x/key ED25519 SHA256:abc explicit\n"
        #expect(log(accepted + "root@h: Permission denied (publickey).").reason == "the key wants its passphrase")
        #expect(log(accepted).reason == "nobody signed in time")
        #expect(log("Connection timed out during banner exchange").reason.hasPrefix("Connection timed out"))
    }

    @Test func `paths in an ssh configuration are taken as they are`() throws {
        let host = SSHHost(
            name: "key", address: try #require(PeerAddress("127.0.0.1")), port: 2222, source: nil,
            identity: "/a \"b\"/100%", knownHosts: "/x/known hosts")
        let folder = try TemporaryFolder()
        try folder.write(host.text, to: "config")
        let read = try run("ssh", ["-G", "-F", folder.path("config"), "key"])
        #expect(read.status == 0, "\(read)")
        for line in [
            "identityfile /a \"b\"/100%%", "userknownhostsfile /x/known hosts", "batchmode yes", "port 2222",
            "hostkeyalias initrd", "stricthostkeychecking true", "identitiesonly yes",
        ] {
            #expect(read.out.contains(line + "\n"), "\(line): \(read.out)")
        }
    }

    /// What from= and ListenAddress say, and the ends of the login then.
    @Test(
        arguments: [
            ("", [], "127.0.0.1", "127.0.0.1"),
            ("", ["192.0.2.7"], "192.0.2.7", "192.0.2.7"),
            ("192.0.2.0/24", [], "192.0.2.1", "192.0.2.1"),
            ("192.0.2.0/24", ["198.51.100.1"], "192.0.2.1", "198.51.100.1"),
            ("!192.0.2.1,192.0.2.0/24", [], "192.0.2.0", "192.0.2.0"),
            ("192.0.2.*", [], "192.0.2.1", "192.0.2.1"),
            ("10.*", [], "10.1.1.1", "10.1.1.1"),
            ("2001:db8::/32", [], "2001:db8::1", "2001:db8::1"),
            ("2001:db8::/32", ["0.0.0.0"], nil, nil),
            ("fe80::/10", [], nil, nil),
            ("ff02::/16,fe80::1,224.0.0.0/4", [], nil, nil),
            ("fe80::/10,192.0.2.0/24", [], "192.0.2.1", "192.0.2.1"),
            ("2001:db8::/32,192.0.2.0/24", [], "192.0.2.1", "192.0.2.1"),
            ("2001:db8::5", ["2001:db8::9", "192.0.2.1"], "2001:db8::5", "2001:db8::9"),
        ] as [(String, [String], String?, String?)])
    func `a login comes from an address that the key may come from, and goes to one where the agent listens`(
        from: String, listen: [String], source: String?, address: String?
    ) throws {
        let folder = try TemporaryFolder()
        let line = try String(contentsOfFile: KeyPair(folder, "key").path + ".pub", encoding: .utf8)
        var findings: [Finding] = []
        let text = (from.isEmpty ? "" : "from=\"\(from)\" ") + line
        let keys = AuthorizedKeys.parse(Array(text.utf8), file: "keys", into: &findings)
        let key = try #require(keys.keys.first)
        #expect(line.hasPrefix(key.publicLine))
        var settings = Settings()
        settings.listenAddresses = try listen.map { ListenAddress(address: try #require(PeerAddress($0)), port: nil) }
        let place = LoginPlace(settings, for: key)
        #expect(place?.source.description == source && place?.address.description == address)
        #expect(place == nil || place?.port == settings.ports.first)
    }

    @Test func `fingerprints are read from what ssh-keygen and ssh-add list`() {
        let listed =
            "256 SHA256:abc owner@laptop (ED25519)\n3072 SHA256:def no comment (RSA)\nThe agent has no identities.\n"
        #expect(LoginMeans.fingerprints(in: Array(listed.utf8)) == ["SHA256:abc", "SHA256:def"])
    }

    @Test func `a file that is no key is named with what ssh-keygen says`() throws {
        let folder = try TemporaryFolder()
        try folder.write("rubbish", to: "key")
        #expect(throws: LoginMeans.Problem.self) { try LoginMeans(identity: folder.path("key")) }
        let key = try KeyPair(folder, "good")
        let listed = try run("ssh-keygen", ["-l", "-f", key.path]).out
        let means = try LoginMeans(identity: key.path)
        #expect(means.fingerprints.count == 1 && listed.contains(means.fingerprints[0]))
    }
}
