import Foundation
import Glibc
import TestPeers
import Testing

/// Several prompts at once: one plan behind all of them.
@Suite struct TogetherTests {
    let materials: Materials
    init() throws { materials = try Materials.made.get() }

    @Test func `channels of one connection are served side by side`() throws {
        let agent = try Rehearsal(["root \(materials.root) none luks"])
        let options = ["-o", "ControlPath=\(agent.folder.path("control"))"]
        let master = try agent.login(options: ["-o", "ControlMaster=yes"] + options)
        #expect(master.sees("Passphrase for root: "))
        let status = (0..<3).map { _ in Later { try agent.ssh(["status"], options: options) } }
        for later in status {
            let end = try later.value()
            #expect(end.status == 0 && end.out.contains("  root  "), "\(end)")
        }
        let beside = Later { try agent.ssh(["status", "--json"], options: options) }
        let unlock = try agent.unlock(Materials.passphrase, options: options)
        #expect(unlock.status == 0, "\(unlock)")
        // The connection may be going by then, and the client then tries one of its own.
        _ = try beside.value()
        #expect(master.sees("root: open"))
        #expect(master.sees("Boot continues."))
        #expect(master.end() == 0, "\(master.screen)")
        #expect(agent.end() == 0)
        #expect(agent.lines(with: "login of").count == 1, "\(agent.log)")
    }

    @Test(arguments: ["session", "console"])
    func `the first right answer wins, and the others see it and end`(winner: String) throws {
        let agent = try Rehearsal(["root \(materials.root) none luks"], console: true)
        let console = try #require(agent.console)
        let first = try agent.login()
        let second = try agent.login(key: materials.bob)
        for screen in [console, first, second] {
            #expect(screen.sees("Passphrase for root: "), "\(screen.screen)")
        }
        (winner == "console" ? console : first).type("correct horse\r")
        for screen in [console, first, second] {
            #expect(screen.sees("root: open"), "\(screen.screen)")
            #expect(screen.sees("Boot continues."), "\(screen.screen)")
            #expect(screen.end() == 0, "\(screen.screen)")
            #expect(!screen.screen.contains("horse"))
            #expect(!screen.screen.contains("closed by remote host"))
        }
        #expect(agent.end() == 0)
        let opener = winner == "console" ? "the console" : "alice"
        #expect(agent.lines(with: "root: opened by").first?.contains(opener) == true, "\(agent.log)")
    }

    @Test func `a try that is overtaken ends well`() throws {
        let agent = try Rehearsal(["slow \(materials.slow) none luks"], console: true)
        let console = try #require(agent.console)
        let screen = try agent.login()
        #expect(console.sees("Passphrase for slow: "))
        #expect(screen.sees("Passphrase for slow: "))
        let piped = Later { [materials] in try agent.unlock(Materials.passphrase, key: materials.bob) }
        console.type("correct horse\r")
        screen.type("correct horse\r")
        for terminal in [console, screen] {
            #expect(terminal.sees("slow: open"), "\(terminal.screen)")
            #expect(terminal.end() == 0, "\(terminal.screen)")
            #expect(!terminal.screen.contains("failed"), "\(terminal.screen)")
        }
        let end = try piped.value()
        // It may have come when the agent listened no more.
        #expect(end.status == 0 || end.status == 255, "\(end)")
        #expect(agent.end() == 0)
        #expect(agent.lines(with: "slow: opened by").count == 1, "\(agent.log)")
    }

    @Test func `a wrong one at the console leaves the others alone`() throws {
        let agent = try Rehearsal(["root \(materials.root) none luks"], console: true)
        let console = try #require(agent.console)
        let screen = try agent.login()
        #expect(console.sees("Passphrase for root: "))
        #expect(screen.sees("Passphrase for root: "))
        console.type("wrong\r")
        #expect(console.sees("Wrong passphrase."))
        #expect(console.sees("Passphrase for root: "))
        screen.type("correct horse\r")
        #expect(screen.end() == 0)
        #expect(console.end() == 0, "\(console.screen)")
        #expect(!console.screen.contains("is tried after"), "\(console.screen)")
        #expect(!screen.screen.contains("Wrong passphrase."), "\(screen.screen)")
    }
}
