import Foundation
import Glibc
import TestPeers
import Testing

/// One bad line costs only itself, and nothing in a file closes the last door.
@Suite struct ConfigurationTests {
    let materials: Materials
    let root: String

    init() throws {
        materials = try Materials.made.get()
        root = "root \(materials.root) none luks"
    }

    @Test func `a bad line in each file is logged and costs only itself`() throws {
        var scene = Scene(["lonely", root], settings: ["PasswordAuthentication yes", "LoginGraceTime soon"])
        scene.keys = ["ssh-ed25519 AAAAnonsense", try materials.alice.line()]
        let agent = try Rehearsal(scene)
        let folder = agent.folder
        // Five lines come before: Port, Crypttab, AuthorizedKeysFile and two host keys.
        for (file, line, problem, remedy) in [
            ("postern.conf", 6, "unknown keyword", "Postern takes public keys only"),
            ("postern.conf", 7, "LoginGraceTime", "write"),
            ("crypttab", 1, "has no device", "write NAME DEVICE KEY OPTIONS"),
            ("authorized_keys", 1, "and the key is refused", "copy the whole line"),
        ] {
            let lines = agent.lines(with: "\(folder.path(file)):\(line): ")
            #expect(lines.count == 1, "\(agent.log)")
            #expect(lines.first?.contains(problem) == true && lines.first?.contains(remedy) == true, "\(lines)")
        }
        let end = try agent.unlock(Materials.passphrase)
        #expect(end.status == 0, "\(end)")
        #expect(agent.end() == 0)
    }

    @Test(arguments: [true, false])
    func `without a host key, or a key that may log in, there is the console's prompt`(hasHostKey: Bool) throws {
        var scene = Scene([root], console: true)
        scene.hostKeys = hasHostKey
        if hasHostKey { scene.keys = ["nonsense"] }
        scene.listens = false
        let agent = try Rehearsal(scene)
        #expect(agent.log.contains("no ssh: there is no host key, or no key that may log in"))
        let console = try #require(agent.console)
        #expect(console.sees("Passphrase for root: "), "\(console.screen)")
        #expect(throws: (any Error).self) { try Stranger(port: agent.port) }
        console.type("correct horse\r")
        #expect(console.sees("Boot continues."), "\(console.screen)")
        #expect(console.end() == 0)
        #expect(!console.screen.contains("horse"))
    }

    /// A folder that is /etc for the agent alone.
    @Test(
        .enabled(if: geteuid() == 0, "it takes a mount"),
        arguments: ["", "\u{0}\u{1}\u{FF}\n\nnonsense\nPort none\nHostKey\nMatch all\nPort 1\n"])
    func `a postern.conf with nothing usable leaves the console's prompt`(file: String) throws {
        var scene = Scene([], console: true)
        scene.listens = false
        let mount = "mount --bind \"$1\" /etc; shift; cd /; exec \"$@\""
        scene.through = ["unshare", "--mount", "sh", "-ec", mount, "sh", "{FOLDER}/etc"]
        scene.file = "/etc/postern/postern.conf"
        let agent = try Rehearsal(scene) { folder, _ in
            try FileManager.default.createDirectory(
                atPath: folder.path("etc/postern"), withIntermediateDirectories: true)
            try folder.write(file, to: "etc/postern/postern.conf")
            try folder.write(root + "\n", to: "etc/crypttab")
        }
        let console = try #require(agent.console)
        #expect(console.sees("Passphrase for root: "), "\(console.screen) \(agent.log)")
        console.type("correct horse\r")
        #expect(console.sees("Boot continues."), "\(console.screen)")
        #expect(console.end() == 0)
    }

    @Test(.enabled(if: geteuid() == 0, "it takes a mount"))
    func `a rehearsal refuses to run in an initrd`() throws {
        let folder = try TemporaryFolder()
        try folder.write("", to: "initrd-release")
        let program = "mount --bind \"$1\" /etc; shift; cd /; exec \"$@\""
        let end = try run(
            "unshare",
            ["--mount", "sh", "-ec", program, "sh", folder.path("."), try Rehearsal.binary(), "agent", "--rehearse"],
            timeout: patience)
        #expect(end.status == 6, "\(end)")
        #expect(end.err == "postern: a rehearsal opens nothing, and this is an initrd\n")
    }

    @Test(arguments: ["", "lonely\n"])
    func `without a volume to open the boot's own prompt takes over`(crypttab: String) throws {
        let folder = try TemporaryFolder()
        try folder.write("Crypttab \(folder.path("crypttab"))\n", to: "postern.conf")
        try folder.write(crypttab, to: "crypttab")
        let end = try run(
            try Rehearsal.binary(), ["agent", "--rehearse", "-f", folder.path("postern.conf")], timeout: patience)
        #expect(end.status == 1, "\(end)")
        #expect(end.err.hasSuffix("postern: no volume to open; the boot's own prompt takes over\n"), "\(end)")
    }

    @Test(
        arguments: [
            [], ["agnet"], ["agent", "-f"], ["agent", "--key-volume", "/k"], ["check", "x"], ["check", "-i"],
            ["check", "--quick", "-i", "/k"], ["check", "--quick", "--boot"], ["check", "--no-login", "-i", "/k"],
            ["-T", "-f"],
        ])
    func `what is typed wrong is answered with the usage`(words: [String]) throws {
        let end = try run(try Rehearsal.binary(), words, timeout: patience)
        #expect(end.status == 2, "\(end)")
        #expect(end.err.contains("usage: postern agent"))
    }
}
