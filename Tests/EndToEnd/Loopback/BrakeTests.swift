import Foundation
import TestPeers
import Testing

/// What slows guessing down holds back one key, and neither another one nor the console.
@Suite struct BrakeTests {
    @Test func `a key that guesses waits and nobody else does`() throws {
        let materials = try Materials.made.get()
        let agent = try Rehearsal(["root \(materials.root) none luks"], console: true)
        let console = try #require(agent.console)
        let (aliceName, bobName) = (try name(of: materials.alice), try name(of: materials.bob))
        let bob = try agent.login(key: materials.bob)
        let options = ["-o", "ControlPath=\(agent.folder.path("control"))"]
        let alice = try agent.login(options: ["-o", "ControlMaster=yes"] + options)
        for screen in [console, alice, bob] { #expect(screen.sees("Passphrase for root: "), "\(screen.screen)") }
        // Eight at once: the last one's turn comes after a minute and a half.
        let guesses = (0..<8).map { _ in Later { try agent.unlock("guess", options: options) } }
        #expect(agent.logs("wrong passphrase from \(aliceName)"), "\(agent.log)")
        // Bob's turn comes between two of alice's.
        bob.type("mistyped\r")
        #expect(bob.sees("Wrong passphrase."), "\(bob.screen)")
        #expect(bob.sees("The next one is tried after 1 s."), "\(bob.screen)")
        let before = try #require(
            agent.log.components(separatedBy: "wrong passphrase from \(bobName)").first)
        #expect(before.components(separatedBy: "wrong passphrase from").count - 1 < 8, "\(agent.log)")
        // The console's comes at once, as often as it likes.
        for _ in 0..<2 {
            console.type("mistyped\r")
            #expect(console.sees("Wrong passphrase."), "\(console.screen)")
            #expect(console.sees("Passphrase for root: "))
        }
        console.type("correct horse\r")
        #expect(console.sees("Boot continues."), "\(console.screen)")
        for screen in [console, alice, bob] { #expect(screen.end() == 0, "\(screen.screen)") }
        #expect(!console.screen.contains("is tried after"))
        let ends = try guesses.map { try $0.value() }
        let wrong = ends.filter { $0.status == 3 }
        #expect(wrong.contains { $0.err.contains("The next one is tried after 1 s.") }, "\(ends)")
        // Those whose turn had not come were never tried, and end with the boot.
        #expect(wrong.count < 8 && ends.allSatisfy { $0.status == 3 || $0.status == 0 }, "\(ends)")
        #expect(agent.lines(with: "wrong passphrase from \(aliceName)").count == wrong.count)
        #expect(agent.end() == 0)
    }

    @Test func `the delay grows and a right one ends it`() throws {
        let materials = try Materials.made.get()
        let agent = try Rehearsal(["root \(materials.root) none luks", "data \(materials.data) none luks"])
        let screen = try agent.login()
        #expect(screen.sees("Passphrase for root, data: "), "\(screen.screen)")
        for delay in [1, 2] {
            screen.type("guess\r")
            #expect(screen.sees("The next one is tried after \(delay) s."), "\(screen.screen)")
            #expect(screen.sees("Passphrase for root, data: "))
        }
        screen.type("correct horse\r")
        #expect(screen.sees("Passphrase for data: "), "\(screen.screen)")
        screen.type("guess\r")
        #expect(screen.sees("The next one is tried after 1 s."), "\(screen.screen)")
        screen.type("battery staple\r")
        #expect(screen.sees("Boot continues."), "\(screen.screen)")
        #expect(screen.end() == 0)
    }

    /// As the log has it.
    private func name(of key: KeyPair) throws -> String {
        let end = try run("ssh-keygen", ["-l", "-f", key.path + ".pub"])
        let words = end.out.split(separator: " ")
        return "\(words[1]) (\(words[2]))"
    }
}
