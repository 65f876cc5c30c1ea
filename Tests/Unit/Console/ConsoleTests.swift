import Glibc
import SeenTerminal
import Testing
import Wire

let prompt = "Passphrase for crypt-root: "

@Suite(.serialized) struct ConsoleTests {
    @Test func `every terminal shows the dialogue and the first right answer wins`() throws {
        let one = try Pseudoterminal()
        let other = try Pseudoterminal(columns: 40)
        let console = try ConsoleUnderTest([one, other])
        try console.wait("it asks for the state") { console.opened == 1 }
        console.send(.state(machine()))
        try console.wait("both prompt") { one.seen.cursorRow == prompt && other.seen.cursorRow == prompt }
        #expect(!one.isOrdinary)
        #expect(one.settings.c_lflag & tcflag_t(ECHO) == 0)
        other.type("half")
        one.type("wrong\u{7F}\u{7F}\u{15}secret\r")
        try console.wait("it is sent") { console.passphrases == ["secret"] }
        console.send(.state(machine(.trying)))
        try console.wait("progress is shown") { one.seen.cursorRow == "Trying crypt-root ... 1 s" }
        #expect(other.seen.cursorRow == prompt)
        console.send(.state(machine(.open, asks: false)))
        console.send(.tried([TryResult(name: "crypt-root", outcome: .opened)], retryAfter: 0))
        console.send(.finish(.done, reason: ""))
        #expect(try console.exitStatus() == 0)
        for terminal in [one, other] {
            #expect(
                terminal.seen.text == """

                    nas has waited 1 minute to be unlocked.
                      crypt-root  locked
                    \(terminal === one ? "Passphrase for crypt-root:\n" : "")crypt-root: open
                    Boot continues.

                    """)
            #expect(terminal.isOrdinary)
        }
        #expect(console.logged.isEmpty)
    }

    @Test func `a wrong passphrase is asked for again`() throws {
        let terminal = try Pseudoterminal()
        let console = try ConsoleUnderTest([terminal])
        console.send(.state(machine()))
        try console.wait("it prompts") { terminal.seen.cursorRow == prompt }
        terminal.type("wrong\r")
        try console.wait("it is sent") { console.passphrases == ["wrong"] }
        console.send(.tried([TryResult(name: "crypt-root", outcome: .wrong)], retryAfter: 0))
        try console.wait("it prompts again") {
            terminal.seen.text.hasSuffix("Wrong passphrase.\n" + prompt.dropLast())
        }
        terminal.type("right\r")
        try console.wait("it is sent") { console.passphrases == ["wrong", "right"] }
    }

    @Test func `an empty line and Ctrl-C only draw the prompt again`() throws {
        let terminal = try Pseudoterminal()
        let console = try ConsoleUnderTest([terminal])
        console.send(.state(machine()))
        try console.wait("it prompts") { terminal.seen.cursorRow == prompt }
        terminal.type("\r" + "half\u{3}" + "\u{4}" + String(repeating: "x", count: 513) + "\r" + "whole\r")
        try console.wait("the whole line is sent") { !console.passphrases.isEmpty }
        #expect(console.passphrases == ["whole"])
        try console.wait("it tries") { terminal.seen.cursorRow.hasPrefix("Trying") }
        #expect(terminal.seen.text.components(prompt.dropLast()) == 5)
        #expect(terminal.seen.text.contains("\nNot tried: a passphrase has at most 512 bytes.\n"))
    }

    @Test func `what was typed before the prompt is dropped`() throws {
        let terminal = try Pseudoterminal()
        terminal.type("garbage\r")
        let console = try ConsoleUnderTest([terminal])
        console.send(.state(machine()))
        try console.wait("it prompts") { terminal.seen.cursorRow == prompt }
        terminal.type("right\r")
        try console.wait("it is sent") { console.passphrases == ["right"] }
    }

    @Test func `a passphrase typed during a try waits for the answer`() throws {
        let one = try Pseudoterminal()
        let other = try Pseudoterminal()
        let console = try ConsoleUnderTest([one, other])
        console.send(.state(machine()))
        try console.wait("both prompt") { one.seen.cursorRow == prompt && other.seen.cursorRow == prompt }
        one.type("first\r")
        try console.wait("it is sent") { console.passphrases == ["first"] }
        other.type("second\r")
        try console.wait("it is taken") { other.seen.cursorRow.hasPrefix("Trying") }
        one.type("third\r" + "dropped\r")
        console.work(milliseconds: 100)
        #expect(console.passphrases == ["first"])
        let wrong = MonitorMessage.tried([TryResult(name: "crypt-root", outcome: .wrong)], retryAfter: 0)
        console.send(wrong)
        try console.wait("the second is sent") { console.passphrases.count == 2 }
        console.send(wrong)
        try console.wait("the third is sent") { console.passphrases == ["first", "second", "third"] }
        try console.wait("the other one prompts again") { other.seen.cursorRow == prompt }
        console.send(.state(machine(.open, asks: false)))
        console.send(.tried([TryResult(name: "crypt-root", outcome: .alreadyOpen)], retryAfter: 0))
        try console.wait("both know") { other.seen.text.contains("crypt-root: open") }
        other.type("late\r")
        console.work(milliseconds: 100)
        #expect(console.passphrases.count == 3)
    }

    @Test func `the state of a key file counts`() throws {
        let terminal = try Pseudoterminal()
        let console = try ConsoleUnderTest([terminal])
        var state = machine(.trying, asks: false)
        state.volumes[0].seconds = 5
        console.send(.state(state))
        try console.wait("seconds go on") { terminal.seen.cursorRow == "Trying crypt-root ... 7 s" }
    }

    @Test func `a rehearsal leaves Ctrl-C to the person's shell`() throws {
        let terminal = try Pseudoterminal()
        let console = try ConsoleUnderTest([terminal])
        console.send(.state(machine().rehearsing))
        try console.wait("it prompts") { terminal.seen.cursorRow == prompt }
        #expect(terminal.seen.text.contains("\nREHEARSAL: nothing is opened in earnest.\n"))
        #expect(terminal.settings.c_lflag & tcflag_t(ISIG) != 0)
        #expect(terminal.settings.c_lflag & tcflag_t(ICANON | ECHO) == 0)
    }
}

extension MachineState {
    var rehearsing: MachineState {
        var copy = self
        copy.rehearsal = true
        return copy
    }
}

extension String {
    /// How often `part` occurs.
    func components(_ part: Substring) -> Int {
        ranges(of: part).count
    }
}
