import Glibc
import Linux
import SeenTerminal
import Testing
import Wire

/// Terminals that fail, and the end of the monitor.
@Suite(.serialized) struct ConsoleEndTests {
    @Test func `a terminal that cannot be opened is left out`() throws {
        let terminal = try Pseudoterminal()
        let console = try ConsoleUnderTest([terminal], also: ["/dev/nonexistent", "/dev/null"])
        console.send(.state(machine()))
        try console.wait("the other one prompts") { terminal.seen.cursorRow == prompt }
        try console.wait("both are logged") { console.logged.count == 2 }
        #expect(console.logged[0].contains("open(/dev/nonexistent): No such file or directory"))
        #expect(console.logged[1].contains("/dev/null"))
    }

    @Test func `without any terminal it waits for the end`() throws {
        let console = try ConsoleUnderTest([], also: ["/dev/nonexistent"])
        console.send(.state(machine()))
        try console.wait("it says so") { console.logged.contains("there is no terminal to prompt on") }
        console.work(milliseconds: 300)
        #expect(console.usedTime < 150)
        console.send(.finish(.done, reason: ""))
        #expect(try console.exitStatus() == 0)
    }

    @Test func `an unplugged terminal neither spins nor ends the others`() throws {
        let one = try Pseudoterminal()
        let other = try Pseudoterminal()
        let console = try ConsoleUnderTest([one, other])
        console.send(.state(machine()))
        try console.wait("both prompt") { one.seen.cursorRow == prompt && other.seen.cursorRow == prompt }
        one.type("typed before\r")
        try console.wait("it is sent") { console.passphrases == ["typed before"] }
        one.hangUp()
        try console.wait("it is logged") { console.logged.contains { $0.contains("\(one.path) has hung up") } }
        let before = console.usedTime
        console.work(milliseconds: 500)
        #expect(console.usedTime - before < 100)
        console.send(.tried([TryResult(name: "crypt-root", outcome: .wrong)], retryAfter: 0))
        other.type("right\r")
        try console.wait("the other one goes on") { console.passphrases.count == 2 }
        #expect(console.logged.count == 1)
    }

    @Test func `a terminal that takes nothing holds nobody`() throws {
        let stopped = try Pseudoterminal()
        let other = try Pseudoterminal()
        let console = try ConsoleUnderTest([stopped, other])
        console.send(.state(machine()))
        try console.wait("both prompt") { stopped.seen.cursorRow == prompt && other.seen.cursorRow == prompt }
        stopped.isReading = false
        for round in 0..<60 {
            let notices = (0..<40).map { "\(round)-\($0) " + String(repeating: "x", count: 60) }
            console.send(.state(machine(notices: notices)))
        }
        try console.wait("the other one reads on") {
            other.seen.text.contains("59-39 ") && other.seen.cursorRow == prompt
        }
        let before = console.usedTime
        console.work(milliseconds: 500)
        #expect(console.usedTime - before < 100)
        #expect(!stopped.seen.text.contains("59-39 "))
        stopped.isReading = true
        try console.wait("what was lost is drawn anew") {
            stopped.seen.text.contains("59-39 ") && stopped.seen.cursorRow == prompt
        }
        #expect(stopped.seen.text.components("nas has waited") == 2)
    }

    @Test func `a stopped terminal does not hold the boot`() throws {
        let stopped = try Pseudoterminal()
        stopped.isReading = false
        let console = try ConsoleUnderTest([stopped])
        for round in 0..<60 {
            let notices = (0..<40).map { "\(round)-\($0) " + String(repeating: "x", count: 60) }
            console.send(.state(machine(notices: notices)))
        }
        console.work(milliseconds: 300)
        console.send(.finish(.done, reason: ""))
        let before = Clock.now()
        #expect(try console.exitStatus() == 0)
        #expect(Clock.now() - before < 3000)
        #expect(stopped.isOrdinary)
    }

    @Test(arguments: [true, false])
    func `the end of the monitor gives the terminal back`(bySignal: Bool) throws {
        let terminal = try Pseudoterminal()
        let console = try ConsoleUnderTest([terminal])
        console.send(.state(machine()))
        try console.wait("it prompts") { terminal.seen.cursorRow == prompt }
        terminal.type("half")
        if bySignal { kill(console.id, SIGTERM) } else { console.closeSocket() }
        #expect(try console.exitStatus() == 0)
        #expect(terminal.isOrdinary)
        #expect(terminal.seen.text.hasSuffix("  crypt-root  locked\n"))
    }

    @Test func `a terminal that another program sets is made raw again`() throws {
        let terminal = try Pseudoterminal()
        let before = terminal.settings
        let console = try ConsoleUnderTest([terminal])
        console.send(.state(machine()))
        try console.wait("it prompts") { terminal.seen.cursorRow == prompt }
        terminal.set(before)
        terminal.type("\u{4}")
        try console.wait("it is raw") { !terminal.isOrdinary }
        terminal.set(before)
        terminal.type("\r")
        try console.wait("it is raw again") { !terminal.isOrdinary }
        terminal.type("right\r")
        try console.wait("it still reads") { console.passphrases == ["right"] }
    }

    @Test(.enabled(if: geteuid() == 0, "needs root"))
    func `it gives up its rights`() throws {
        let terminal = try Pseudoterminal()
        let console = try ConsoleUnderTest([terminal])
        console.send(.state(machine()))
        try console.wait("it prompts") { terminal.seen.cursorRow == prompt }
        #expect(console.field("Uid") == "65533\t65533\t65533\t65533")
        #expect(console.field("NoNewPrivs") == "1")
        #expect(console.field("Seccomp") == "2")
        #expect(console.field("CapEff") == "0000000000000000")
    }
}
