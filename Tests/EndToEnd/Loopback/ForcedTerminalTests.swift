import Foundation
import TestPeers
import Testing

/// Scripts whose terminal is forced, on the shipped agent with real volumes.
@Suite struct ForcedTerminalTests {
    let materials: Materials
    init() throws { materials = try Materials.made.get() }

    @Test(
        arguments: [
            ("correct horse\n", 0, "Boot continues."), ("correct horse", 0, "Boot continues."),
            ("wrong\n", 3, "Wrong passphrase."), ("wrong", 3, "Wrong passphrase."), ("", 2, "input is empty."),
            ("\n", 2, "input is empty."), ("correct horse\nmore\n", 0, "Boot continues."),
            ("wrong\ncorrect horse\n", 3, "Wrong passphrase."),
        ] as [(String, Int32, String)])
    func `a piped passphrase has the result and exit code that it has without a terminal`(
        input: String, status: Int32, text: String
    ) throws {
        let agent = try Rehearsal(["root \(materials.root) none luks"])
        let end = try agent.ssh(["unlock"], options: ["-tt"], input: .text(input))
        #expect(end.status == status, "\(end) \(agent.log)")
        #expect(end.out.contains(text), "\(end)")
        #expect(agent.lines(with: "wrong passphrase from").count == (status == 3 ? 1 : 0), "\(agent.log)")
        if status == 0 { #expect(agent.end() == 0) }
    }

    @Test func `the input may end during a try`() throws {
        let agent = try Rehearsal(["slow \(materials.slow) none luks"])
        let end = try agent.ssh([], options: ["-o", "RequestTTY=force"], input: .text("correct horse\n"))
        #expect(end.status == 0, "\(end)")
        #expect(end.out.contains("Trying slow") && end.out.contains("slow: open"), "\(end)")
    }

    @Test(
        arguments: [("correct horse", 0, 60), ("wrong", 3, 5)] as [(String, Int32, Int)])
    func `the input may end after the answer`(passphrase: String, status: Int32, seconds: Int) throws {
        let agent = try Rehearsal(["root \(materials.root) none luks"])
        let pipe = "(printf '\(passphrase)\\n'; sleep \(seconds)) | { ssh \"$@\"; echo status $?; kill $$; }"
        let end = try run(
            "bash", ["-c", pipe, "bash", "-tt"] + agent.options() + ["root@127.0.0.1", "unlock"],
            environment: ["SSH_AUTH_SOCK": ""], timeout: patience)
        #expect(end.out.contains("status \(status)\n"), "\(end) \(agent.log)")
    }

    @Test func `what is still locked is said`() throws {
        let agent = try Rehearsal(["root \(materials.root) none luks", "data \(materials.data) none luks"])
        #expect(try agent.becomes { $0.volumes.allSatisfy { $0.asks } })
        let end = try agent.ssh([], options: ["-tt"], input: .text(Materials.passphrase))
        #expect(end.status == 4 && end.out.contains("Still locked: data."), "\(end)")
    }

    @Test func `what is missing is waited for and said`() throws {
        let agent = try Rehearsal(["data /nowhere/data none luks"], settings: ["ContinueTimeout 1"])
        let end = try agent.ssh(["unlock"], options: ["-tt"], input: .text(Materials.passphrase))
        #expect(end.status == 5 && end.out.contains("device /nowhere/data is missing."), "\(end)")
    }

    @Test func `a mark before a passphrase is tried without it in one try`() throws {
        let agent = try Rehearsal(["root \(materials.root) none luks"])
        let wrong = try agent.unlock("\u{FEFF}wrong")
        #expect(wrong.status == 3 && wrong.err.contains("began with a byte order mark"), "\(wrong)")
        #expect(wrong.err.contains("The next one is tried after 1 s.\n"), "\(wrong)")
        let end = try agent.unlock("\u{FEFF}\(Materials.passphrase)\r")
        #expect(end.status == 0, "\(end)")
        #expect(agent.lines(with: "wrong passphrase from").count == 1, "\(agent.log)")
    }

    @Test func `what the brake holds is said everywhere`() throws {
        let agent = try Rehearsal(["root \(materials.root) none luks"])
        let screen = try agent.login()
        for delay in [1, 2, 4, 8, 16] {
            #expect(screen.sees("Passphrase for root: "), "\(screen.screen)")
            screen.type("wrong\r")
            #expect(screen.sees("The next one is tried after \(delay) s."), "\(screen.screen)")
        }
        #expect(screen.sees("Passphrase for root: "))
        let tries = screen.screen.components(separatedBy: "Trying").count
        screen.type("correct horse\r")
        let piped = Later { try agent.unlock("wrong") }
        #expect(screen.sees(" s before the next try"), "\(screen.screen)")
        #expect(screen.screen.components(separatedBy: "Trying").count == tries, "\(screen.screen)")
        let text = try agent.ssh(["status"]).out
        #expect(text.contains(/Waiting [0-9]+ s before the next try\./) || text.contains("being tried"), "\(text)")
        #expect(screen.end() == 0, "\(screen.screen)")
        let end = try piped.value()
        #expect(end.err.contains(/Waiting [0-9]+ s before the next try\./), "\(end)")
        #expect(agent.end() == 0)
    }

    @Test func `keys with a command of other unlockers hold`() throws {
        let command = "/usr/bin/systemd-tty-ask-password-agent --console"
        var scene = Scene(["root \(materials.root) none luks"])
        scene.keys = ["command=\"\(command)\" \(try materials.alice.line())"]
        scene.keys?.append("command=\"halt\" \(try materials.bob.line())")
        let agent = try Rehearsal(scene)
        let printed = try run(
            try Rehearsal.binary(), ["-T", "-f", agent.folder.path("postern.conf")], timeout: patience)
        #expect(printed.out.contains("command=\"unlock\" ssh-ed25519 SHA256:"), "\(printed)")
        let checked = try run(
            try Rehearsal.binary(), ["check", "-f", agent.folder.path("postern.conf")], timeout: patience)
        #expect(checked.out.contains("authorized_keys:2: command= \"halt\" is no command"), "\(checked)")
        #expect(!checked.out.contains("authorized_keys:1:"), "\(checked)")
        #expect(try agent.ssh(["status"], key: materials.bob).status == 255)
        let end = try agent.ssh(["status"], input: .text("correct horse"))
        #expect(end.status == 0 && end.out.contains("Boot continues."), "\(end)")
    }
}
