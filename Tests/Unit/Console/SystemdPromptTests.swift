import Foundation
import Glibc
import SeenTerminal
import Testing
import Wire

/// The console's prompt by systemd-ask-password(1), which is the real one, and so is what answers it.
@Suite(.serialized) struct SystemdPromptTests {
    private static let folder = "/run/systemd/ask-password"
    private static let askPassword = "/usr/bin/systemd-ask-password"

    /// A question as it stands: its text, and where an answer goes.
    private struct Question: Equatable {
        let message: String
        let socket: String
        let process: pid_t
    }

    /// The question that a child of `console` has put, or `nil`.
    private func question(of console: ConsoleUnderTest) -> Question? {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: SystemdPromptTests.folder)) ?? []
        for name in names where name.hasPrefix("ask.") {
            guard let text = try? String(contentsOfFile: "\(SystemdPromptTests.folder)/\(name)", encoding: .utf8) else {
                continue
            }
            var fields: [String: String] = [:]
            for line in text.split(separator: "\n") {
                guard let equals = line.firstIndex(of: "=") else { continue }
                fields[String(line[..<equals])] = String(line[line.index(after: equals)...])
            }
            guard fields["Id"] == "postern", let message = fields["Message"], let socket = fields["Socket"],
                let process = fields["PID"].flatMap({ pid_t($0) }), parent(of: process) == console.id
            else { continue }
            return Question(message: message, socket: socket, process: process)
        }
        return nil
    }

    private func parent(of process: pid_t) -> pid_t? {
        let text = (try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)) ?? ""
        guard let fields = text.split(separator: ")").last?.split(separator: " "), fields.count > 1 else { return nil }
        return pid_t(fields[1])
    }

    /// Waits for a question, which is not one that was answered already.
    private func asked(
        _ console: ConsoleUnderTest, _ message: String, after last: Question? = nil
    ) throws -> Question {
        var found: Question?
        try console.wait("it asks: \(message)") {
            found = question(of: console)
            return found?.message == message && found != last
        }
        return try #require(found)
    }

    /// Types an answer, as an agent of systemd's would; `nil` takes the question away.
    private func answer(_ question: Question, _ text: String?) throws {
        let reply = Process()
        reply.executableURL = URL(filePath: "/lib/systemd/systemd-reply-password")
        reply.arguments = [text == nil ? "0" : "1", question.socket]
        let input = Pipe()
        reply.standardInput = input
        try reply.run()
        input.fileHandleForWriting.write(Data(((text ?? "") + "\n").utf8))
        try input.fileHandleForWriting.close()
        reply.waitUntilExit()
        #expect(reply.terminationStatus == 0)
    }

    private func isGone(_ question: Question) -> Bool {
        kill(question.process, 0) == -1 && !FileManager.default.fileExists(atPath: question.socket)
    }

    @Test func `a wrong answer is asked for again, and a right one ends it`() throws {
        let console = try ConsoleUnderTest([], askPassword: SystemdPromptTests.askPassword)
        try console.wait("it asks for the state") { console.opened == 1 }
        console.send(.state(machine()))
        let first = try asked(console, "Passphrase for crypt-root:")
        try answer(first, "wrong")
        try console.wait("it is sent") { console.passphrases == ["wrong"] }
        console.send(.state(machine(.trying)))
        console.work(milliseconds: 200)
        #expect(question(of: console) == nil)
        console.send(.tried([TryResult(name: "crypt-root", outcome: .wrong)], retryAfter: 0))
        console.send(.state(machine()))
        let second = try asked(console, "Wrong passphrase. Passphrase for crypt-root:")
        try answer(second, "it's \"right\" \\ %s ü")
        try console.wait("it is sent") { console.passphrases.last == "it's \"right\" \\ %s ü" }
        console.send(.state(machine(.open, asks: false)))
        console.send(.tried([TryResult(name: "crypt-root", outcome: .opened)], retryAfter: 0))
        console.send(.finish(.done, reason: ""))
        #expect(try console.exitStatus() == 0)
        #expect(console.logged.isEmpty)
    }

    @Test func `when another prompt wins, the question goes; while its volume is tried, it stands`() throws {
        let console = try ConsoleUnderTest([], askPassword: SystemdPromptTests.askPassword)
        console.send(.state(machine()))
        let first = try asked(console, "Passphrase for crypt-root:")
        console.send(.state(machine(.trying)))
        console.work(milliseconds: 200)
        #expect(question(of: console) == first)
        console.send(.state(machine(.open, asks: false)))
        try console.wait("the question goes") { isGone(first) }
        console.send(.state(machine()))
        let second = try asked(console, "Passphrase for crypt-root:")
        console.send(.finish(.done, reason: ""))
        #expect(try console.exitStatus() == 0)
        #expect(isGone(second))
        #expect(console.passphrases.isEmpty && console.logged.isEmpty)
    }

    @Test func `a question that was taken away, an empty answer and one that is too long are asked again`() throws {
        let console = try ConsoleUnderTest([], askPassword: SystemdPromptTests.askPassword)
        console.send(.state(machine()))
        let first = try asked(console, "Passphrase for crypt-root:")
        try answer(first, nil)
        let second = try asked(console, "Passphrase for crypt-root:", after: first)
        try answer(second, "")
        let third = try asked(console, "Passphrase for crypt-root:", after: second)
        try answer(third, String(repeating: "x", count: 513))
        try console.wait("it says so") {
            question(of: console)?.message.hasPrefix("Not tried: a passphrase has at most 512 bytes.") == true
        }
        let longest = String(repeating: "y", count: 512)
        try answer(try #require(question(of: console)), longest)
        try console.wait("the longest is sent") { console.passphrases == [longest] }
        console.closeSocket()
        #expect(try console.exitStatus() == 0)
        #expect(console.logged.isEmpty)
    }

    @Test func `no question outlives the console, however that ends`() throws {
        for signal in [SIGTERM, SIGKILL] {
            let console = try ConsoleUnderTest([], askPassword: SystemdPromptTests.askPassword)
            console.send(.state(machine()))
            let question = try asked(console, "Passphrase for crypt-root:")
            kill(console.id, signal)
            #expect(try console.exitStatus() == (signal == SIGTERM ? 0 : 128 + SIGKILL))
            try console.wait("the question goes") { isGone(question) }
        }
    }

    @Test func `without the program it says so three times, and does not spin`() throws {
        let console = try ConsoleUnderTest([], askPassword: "/nonexistent/systemd-ask-password")
        console.send(.state(machine()))
        try console.wait("it says so") { console.logged.count == 3 }
        #expect(
            console.logged[0] == "no question on the console: /nonexistent/systemd-ask-password ended with status 127")
        console.work(milliseconds: 300)
        #expect(console.logged.count == 3 && console.usedTime < 500)
        console.send(.finish(.done, reason: ""))
        #expect(try console.exitStatus() == 0)
    }

    @Test func `a program that ends as if its question had been taken away, again and again, is complained of`() throws
    {
        let console = try ConsoleUnderTest([], askPassword: "/bin/false")
        console.send(.state(machine()))
        try console.wait("it says so") { !console.logged.isEmpty }
        #expect(console.logged == ["no question on the console: /bin/false ended with status 1"])
        console.send(.finish(.done, reason: ""))
        #expect(try console.exitStatus() == 0)
    }

    @Test func `it keeps no capability, and cannot gain any`() throws {
        let console = try ConsoleUnderTest([], askPassword: SystemdPromptTests.askPassword)
        console.send(.state(machine()))
        _ = try asked(console, "Passphrase for crypt-root:")
        #expect(console.field("CapEff") == "0000000000000000")
        #expect(console.field("NoNewPrivs") == "1")
        console.closeSocket()
        #expect(try console.exitStatus() == 0)
    }

    @Test func `the last line is printed when the console takes it late`() throws {
        var seen = ""
        // The console is given up after a second: this process may have slept for as long.
        for _ in 0..<5 where !seen.contains("The machine restarts") {
            let terminal = try Pseudoterminal()
            let console = try ConsoleUnderTest([], askPassword: SystemdPromptTests.askPassword, console: terminal)
            try console.wait("it asks for the state") { console.opened == 1 }
            terminal.fill()
            console.send(.finish(.refused, reason: "The machine restarts, asked for by owner@laptop."))
            usleep(100_000)
            terminal.isReading = true
            #expect(try console.exitStatus() == 0)
            #expect(console.logged.isEmpty)
            seen = terminal.seen.text
        }
        #expect(seen.contains("The machine restarts, asked for by owner@laptop."))
    }

    @Test func `a console that takes nothing holds up no end`() throws {
        let terminal = try Pseudoterminal()
        let console = try ConsoleUnderTest([], askPassword: SystemdPromptTests.askPassword, console: terminal)
        try console.wait("it asks for the state") { console.opened == 1 }
        terminal.fill()
        console.send(.finish(.refused, reason: "The machine restarts, asked for by owner@laptop."))
        #expect(try console.exitStatus() == 0)
        #expect(console.logged.isEmpty)
    }
}
