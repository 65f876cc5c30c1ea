import Linux
import Testing
import Wire

/// The permit table, message by message in each phase.
@Suite struct PermitTests {
    enum Phase: CaseIterable {
        /// Nobody has logged in.
        case login
        /// Logged in, no channel open.
        case quiet
        /// Channel 1 is open for `unlock` at a terminal.
        case prompting
        /// Its passphrase is being tried.
        case trying
        /// Its passphrase was answered.
        case answered
        /// Channel 1 is open for `unlock` without a terminal, and its passphrase was answered.
        case scripted
        /// Channel 1 is open for `status`.
        case showing
        /// Channel 1 is open for a shell at a terminal.
        case shelled
    }

    private func table(_ phase: Phase) throws -> PermitTable {
        var table = PermitTable()
        var past: [(UInt8, SessionMessage)] = []
        if phase != .login { past.append((0, .authenticated(key: 0, user: "root"))) }
        switch phase {
        case .login, .quiet: break
        case .prompting: past.append((1, .open(.unlock, terminal: true)))
        case .trying, .answered: past += [(1, .open(.unlock, terminal: true)), (1, .passphrase(try secret([1])))]
        case .scripted: past += [(1, .open(.unlock, terminal: false)), (1, .passphrase(try secret([1])))]
        case .showing: past.append((1, .open(.status(json: false), terminal: false)))
        case .shelled: past.append((1, .open(.shell, terminal: true)))
        }
        for (channel, message) in past { #expect(table.judge(channel, message) == .permitted) }
        if phase == .answered || phase == .scripted { table.answered(1) }
        return table
    }

    private func isPermitted(_ channel: UInt8, _ message: SessionMessage, _ phase: Phase) throws -> Bool {
        var table = try table(phase)
        return table.judge(channel, message) == .permitted
    }

    @Test(arguments: Phase.allCases) func `a line for the log goes on channel 0, always`(phase: Phase) throws {
        #expect(try isPermitted(0, .log(.info, "x"), phase))
        #expect(try !isPermitted(1, .log(.info, "x"), phase))
    }

    @Test(arguments: Phase.allCases) func `a login comes once, on channel 0`(phase: Phase) throws {
        #expect(try isPermitted(0, .authenticated(key: 0, user: ""), phase) == (phase == .login))
        #expect(try !isPermitted(1, .authenticated(key: 0, user: ""), phase))
    }

    @Test(arguments: Phase.allCases) func `a channel opens after the login, once, as 1 to 10`(phase: Phase) throws {
        let isLoggedIn = phase != .login
        #expect(try isPermitted(1, .open(.unlock, terminal: true), phase) == (phase == .quiet))
        for channel: UInt8 in [2, 10] {
            #expect(try isPermitted(channel, .open(.help, terminal: false), phase) == isLoggedIn)
        }
        for channel: UInt8 in [0, 11, 255] {
            #expect(try !isPermitted(channel, .open(.unlock, terminal: true), phase))
        }
    }

    @Test(arguments: Phase.allCases)
    func `a passphrase goes to an open unlock that waits for one, without a terminal once`(phase: Phase) throws {
        let takes = phase == .prompting || phase == .answered
        #expect(try isPermitted(1, .passphrase(secret([1])), phase) == takes)
        for channel: UInt8 in [0, 2, 255] { #expect(try !isPermitted(channel, .passphrase(secret([1])), phase)) }
    }

    @Test(arguments: Phase.allCases)
    func `the input of a terminal ends once, after a passphrase, and then none follows`(phase: Phase) throws {
        let ends = phase == .trying || phase == .answered
        #expect(try isPermitted(1, .inputEnded, phase) == ends)
        for channel: UInt8 in [0, 2, 255] { #expect(try !isPermitted(channel, .inputEnded, phase)) }
        guard ends else { return }
        var table = try table(phase)
        #expect(table.judge(1, .inputEnded) == .permitted)
        table.answered(1)
        #expect(table.judge(1, .inputEnded) != .permitted)
        #expect(table.judge(1, .passphrase(try secret([1]))) != .permitted)
    }

    @Test(arguments: Phase.allCases) func `what is open is closed, once`(phase: Phase) throws {
        let isOpen = phase != .login && phase != .quiet
        #expect(try isPermitted(1, .close, phase) == isOpen)
        for channel: UInt8 in [0, 2, 255] { #expect(try !isPermitted(channel, .close, phase)) }
        var table = try table(phase)
        _ = table.judge(1, .close)
        #expect(table.judge(1, .close) != .permitted)
        #expect((table.judge(1, .open(.unlock, terminal: true)) == .permitted) == (phase != .login))
    }

    @Test(arguments: Phase.allCases) func `a window and a signal are a shell's`(phase: Phase) throws {
        let window = SessionMessage.terminal(type: "vt100", columns: 80, rows: 24)
        for message in [window, .signal(2)] {
            #expect(try isPermitted(1, message, phase) == (phase == .shelled))
            for channel: UInt8 in [0, 2, 255] { #expect(try !isPermitted(channel, message, phase)) }
        }
    }

    @Test func `without a terminal there is no window`() throws {
        var table = try table(.quiet)
        #expect(table.judge(1, .open(.shellCommand("ls"), terminal: false)) == .permitted)
        #expect(table.judge(1, .signal(15)) == .permitted)
        #expect(table.judge(1, .terminal(type: "vt100", columns: 80, rows: 24)) != .permitted)
    }

    @Test func `log lines are counted`() {
        var table = PermitTable()
        for _ in 0..<PermitTable.mostLogLines { #expect(table.judge(0, .log(.info, "x")) == .permitted) }
        #expect(table.judge(0, .log(.info, "x")) == .forbidden("too many log lines"))
    }

    @Test func `the console opens its prompt without a login, and never logs in`() throws {
        var table = PermitTable(isConsole: true)
        #expect(table.judge(2, .open(.status(json: false), terminal: true)) != .permitted)
        #expect(table.judge(2, .open(.help, terminal: true)) != .permitted)
        #expect(table.judge(2, .open(.reboot, terminal: true)) != .permitted)
        #expect(table.judge(2, .open(.shell, terminal: true)) != .permitted)
        #expect(table.judge(2, .open(.shellCommand("ls"), terminal: true)) != .permitted)
        #expect(table.judge(2, .open(.entries(json: false), terminal: true)) != .permitted)
        #expect(table.judge(2, .open(.rebootInto("a"), terminal: true)) != .permitted)
        #expect(table.judge(2, .open(.unlockOnly(["root"]), terminal: true)) != .permitted)
        #expect(table.judge(1, .open(.unlock, terminal: true)) == .permitted)
        #expect(table.judge(0, .authenticated(key: 0, user: "x")) != .permitted)
    }

    @Test func `ten channels are tried at once, each by itself`() throws {
        var table = try table(.quiet)
        for channel: UInt8 in 1...10 {
            #expect(table.judge(channel, .open(.unlock, terminal: true)) == .permitted)
            #expect(table.judge(channel, .passphrase(try secret([1]))) == .permitted)
        }
        table.answered(3)
        #expect(table.judge(3, .passphrase(try secret([1]))) == .permitted)
        #expect(table.judge(4, .passphrase(try secret([1]))) != .permitted)
    }
}
