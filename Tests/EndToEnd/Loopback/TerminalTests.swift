import Foundation
import TestPeers
import Testing

/// What a person types at ssh(1), and sees.
@Suite struct TerminalTests {
    let materials: Materials
    let agent: Rehearsal

    init() throws {
        materials = try Materials.made.get()
        agent = try Rehearsal(["root \(materials.root) none luks"])
    }

    /// Whatever was typed, the transcript must not have.
    private func checkEnd(of screen: Pseudoterminal, _ secrets: [String]) {
        #expect(screen.end() == 0, "\(screen.screen)")
        #expect(!screen.screen.contains("closed by remote host"), "\(screen.screen)")
        for secret in secrets { #expect(!screen.screen.contains(secret), "\(screen.screen)") }
        #expect(agent.end() == 0)
    }

    @Test func `wrong then right`() throws {
        let screen = try agent.login()
        #expect(screen.sees("to be unlocked."))
        #expect(screen.sees("REHEARSAL: nothing is opened in earnest."))
        #expect(screen.sees("Passphrase for root: "), "\(screen.screen)")
        screen.type("wrong staple\r")
        #expect(screen.sees("Wrong passphrase."))
        #expect(screen.sees("The next one is tried after 1 s."))
        #expect(screen.sees("Passphrase for root: "))
        screen.type("correct horse\r")
        #expect(screen.sees("root: open"))
        #expect(screen.sees("Boot continues."))
        checkEnd(of: screen, ["staple", "horse"])
    }

    @Test(
        arguments: [
            ("backspace", "correct horsf\u{7F}e\r"), ("^H", "correct horsf\u{8}e\r"),
            ("^U", "nonsense\u{15}correct horse\r"),
            ("^W", "correct house\u{17}horse\r"), ("LF", "correct horse\n"),
            ("UTF-8", "correct horseé\u{7F}\r"), ("bracketed paste", "\u{1B}[200~correct horse\u{1B}[201~\r"),
            ("an arrow key", "correct horse\u{1B}[D\r"),
        ])
    func `keys edit the line`(name: String, typed: String) throws {
        let screen = try agent.login()
        #expect(screen.sees("Passphrase for root: "))
        screen.type(typed)
        #expect(screen.sees("Boot continues."), "\(name): \(screen.screen)")
        checkEnd(of: screen, ["horse", "nonsense", "200~"])
    }

    @Test(arguments: ["\u{3}", "\u{4}"])
    func `Ctrl-C and Ctrl-D leave, and the machine waits on`(key: String) throws {
        let screen = try agent.login()
        #expect(screen.sees("Passphrase for root: "))
        screen.type(key)
        #expect(screen.end() == 6, "\(screen.screen)")
        #expect(!screen.screen.contains("closed by remote host"), "\(screen.screen)")
        #expect(try agent.status().volume("root")?.asks == true)
    }

    @Test func `one too long is not tried`() throws {
        let screen = try agent.login()
        #expect(screen.sees("Passphrase for root: "))
        screen.type(String(repeating: "x", count: 513) + "\r")
        #expect(screen.sees("Not tried: a passphrase has at most 512 bytes."))
        #expect(screen.sees("Passphrase for root: "))
        screen.type("correct horse\r")
        checkEnd(of: screen, ["xxx", "horse"])
        #expect(!agent.log.contains("wrong passphrase"))
    }

    @Test func `progress is shown while a key is derived`() throws {
        let agent = try Rehearsal(["slow \(materials.slow) none luks", "data \(materials.data) none luks"])
        let screen = try agent.login()
        #expect(screen.sees("Passphrase for slow, data: "), "\(screen.screen)")
        screen.type("correct horse\r")
        #expect(screen.sees("slow ... 1 s"), "\(screen.screen)")
        #expect(screen.sees("slow: open"))
        #expect(screen.sees("data: wrong passphrase"))
        #expect(screen.sees("Passphrase for data: "), "\(screen.screen)")
        screen.type("battery staple\r")
        #expect(screen.sees("data: open"))
        #expect(screen.sees("Boot continues."))
        #expect(screen.end() == 0)
        #expect(agent.end() == 0)
    }

    @Test func `status at a terminal`() throws {
        let screen = try agent.login(["status"])
        #expect(screen.end() == 0)
        #expect(screen.screen.contains("  root  "))
        #expect(try agent.login(["nonsense"]).end() == 6)
    }
}
