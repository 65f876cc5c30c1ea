import Foundation
import TestPeers
import Testing

/// What scripts say, and what they are told.
@Suite struct CommandTests {
    let materials: Materials
    let volumes: [String]

    init() throws {
        materials = try Materials.made.get()
        volumes = ["root \(materials.root) none luks"]
    }

    @Test(
        arguments: ["correct horse", "correct horse\n", "correct horse\r\n", "correct horse\nmore\n"])
    func `the passphrase ends at a line's end or the input's`(input: String) throws {
        let agent = try Rehearsal(volumes)
        let end = try agent.ssh(["unlock"], input: .text(input))
        #expect(end.status == 0, "\(end)")
        #expect(end.out.contains("Boot continues.\n"))
        #expect(agent.end() == 0)
    }

    @Test func `a pipe into a plain login unlocks`() throws {
        let agent = try Rehearsal(volumes)
        let words = agent.options() + ["root@127.0.0.1"]
        let end = try run(
            "bash", ["-c", "echo -n 'correct horse' | ssh \"$@\"", "bash"] + words,
            environment: ["SSH_AUTH_SOCK": ""], timeout: patience)
        #expect(end.status == 0, "\(end)")
        #expect(end.out.contains("root: open"))
        #expect(end.err == "")
    }

    @Test(
        arguments: [
            "cryptroot-unlock", "/bin/cryptroot-unlock", "cryptsetup-askpass",
            "systemd-tty-ask-password-agent --query", "systemctl default",
        ])
    func `the names that scripts know unlock`(name: String) throws {
        let agent = try Rehearsal(volumes)
        let end = try agent.ssh([name], input: .text("correct horse\n"))
        #expect(end.status == 0, "\(end)")
        #expect(end.out.contains("Boot continues.\n"))
        #expect(agent.end() == 0)
    }

    @Test(arguments: [("root", "root"), ("nobody-knows", "nobody-knows"), ("é", "\\xc3\\xa9")])
    func `any user logs in`(user: String, inTheLog: String) throws {
        let agent = try Rehearsal(volumes)
        #expect(try agent.ssh(["status"], user: user).status == 0)
        #expect(agent.logs("login of \(inTheLog) with"), "\(agent.log)")
    }

    @Test func `status is for people`() throws {
        let agent = try Rehearsal(volumes + ["data /nowhere/data none luks"])
        #expect(try agent.becomes { $0.volume("root")?.asks == true })
        let end = try agent.ssh(["status"])
        #expect(end.status == 0)
        #expect(end.err == "")
        let lines = end.out.split(separator: "\n").map { String($0) }
        #expect(lines.count == 5, "\(end)")
        #expect(lines[0].hasSuffix("to be unlocked."))
        #expect(lines[1] == "REHEARSAL: nothing is opened in earnest.")
        #expect(lines[2] == "  root  locked (\(materials.root))")
        #expect(lines[3] == "  data  waits for its device: /nowhere/data")
        #expect(lines[4] == "A passphrase is tried on: root")
    }

    @Test func `status for scripts is one object`() throws {
        let agent = try Rehearsal(volumes + ["data /nowhere/data none luks,nofail"])
        #expect(try agent.becomes { $0.volume("root")?.asks == true })
        let status = try agent.status()
        #expect(status.rehearsal && !status.continues && status.waiting >= 0 && !status.host.isEmpty)
        #expect(status.volumes.map { $0.name } == ["root", "data"])
        #expect(status.volumes.map { $0.state } == ["locked", "device-missing"])
        #expect(status.volumes.map { $0.asks } == [true, false])
        #expect(status.volumes.map { $0.required } == [true, false])
        #expect(status.volumes.map { $0.device } == [materials.root, "/nowhere/data"])
        #expect(status.notices == [])
    }

    @Test func `help names commands and exit codes`() throws {
        let agent = try Rehearsal(volumes)
        let end = try agent.ssh(["help"])
        #expect(end.status == 0)
        for text in ["unlock", "status [--json]", "cryptroot-unlock", "3  wrong passphrase", "7  timed out"] {
            #expect(end.out.contains(text), "\(end)")
        }
    }

    @Test func `the key's line decides over the command`() throws {
        var scene = Scene(volumes)
        scene.keys = [
            "command=\"status --json\" \(try materials.alice.line())",
            "from=\"192.0.2.0/24\" \(try materials.bob.line())",
        ]
        let agent = try Rehearsal(scene)
        #expect(try agent.ssh(["unlock"]).out.hasPrefix("{"))
        let end = try agent.ssh(["status"], key: materials.bob)
        #expect(end.status == 255)
        #expect(agent.logs("its from= does not allow 127.0.0.1"), "\(agent.log)")
    }

    @Test func `of a key in several lines the first that admits counts`() throws {
        var scene = Scene(volumes)
        let line = try materials.alice.line()
        scene.keys = [
            "from=\"192.0.2.0/24\",command=\"unlock\" \(line)", "expiry-time=\"20200101\" \(line)",
            "from=\"127.0.0.0/8\",command=\"help\" \(line)", line,
        ]
        let agent = try Rehearsal(scene)
        let end = try agent.ssh(["status"])
        #expect(end.status == 0, "\(end) \(agent.log)")
        #expect(end.out.contains("cryptroot-unlock"), "\(end)")
    }

    @Test func `a volume's name may have blanks and letters`() throws {
        let agent = try Rehearsal(["my\\040root-é \(materials.root) none luks"])
        #expect(try agent.becomes { $0.volume("my root-é")?.asks == true })
        let screen = try agent.login()
        #expect(screen.sees("Passphrase for my root-é: "), "\(screen.screen)")
        screen.type("correct horse\r")
        #expect(screen.sees("my root-é: open"), "\(screen.screen)")
        #expect(screen.end() == 0)
    }
}
