import Foundation
import TestPeers
import Testing
import Wire

/// A terminal that a script forces (`ssh -tt`, `RequestTTY force`) while its input is a pipe.
extension SessionTests {
    @Suite(.serialized) struct ForcedTerminalTests {
        /// What is piped, the exit status, what is tried, and what the screen shows.
        private static let rows: [(String, Int32, [String], String)] = [
            ("correct horse\n", 0, ["correct horse"], "Boot continues."),
            ("correct horse\r\n", 0, ["correct horse"], "Boot continues."),
            ("correct horse", 0, ["correct horse"], "Boot continues."),
            ("battery\n", 3, ["battery"], "Wrong passphrase."), ("battery", 3, ["battery"], "Wrong passphrase."),
            ("", 2, [], "The passphrase on standard input is empty."),
            ("\n", 2, [], "The passphrase on standard input is empty."),
            ("correct horse\nmore\n", 0, ["correct horse"], "Boot continues."),
            ("battery\ncorrect horse\n", 3, ["battery"], "Wrong passphrase."),
            ("battery\ncorrect horse", 3, ["battery"], "Wrong passphrase."),
            ("partly", 4, ["partly"], "As asked."), ("missing\n", 5, ["missing"], "As asked."),
            (String(repeating: "x", count: 513), 2, [], "at most 512 bytes"),
            (String(repeating: "x", count: 513) + "\n", 2, [], "at most 512 bytes"),
        ]

        @Test(arguments: rows)
        func `what is piped is tried once, and has the exit code that it has without a terminal`(
            input: String, status: Int32, tried: [String], text: String
        ) throws {
            let bench = try Bench()
            let end = try bench.ssh(["unlock"], options: ["-tt"], input: .text(input))
            #expect(end.status == status, "\(end) \(bench.monitor.events)")
            #expect(end.out.contains(text), "\(end)")
            #expect(end.out.components(separatedBy: "Wrong passphrase.").count <= 2, "\(end)")
            #expect(bench.passphrases == tried)
            #expect(bench.monitor.exitStatus() == 0, "\(bench.monitor.events)")
        }

        @Test(arguments: [("correct horse", 0), ("battery\n", 3)] as [(String, Int32)])
        func `the input ends during a try`(input: String, status: Int32) throws {
            let bench = try Bench()
            bench.monitor.tryTime = 1200
            let end = try bench.ssh([], options: ["-o", "RequestTTY=force"], input: .text(input))
            #expect(end.status == status, "\(end) \(bench.monitor.events)")
            #expect(end.out.contains("Trying root"), "\(end)")
        }

        @Test(
            arguments: [("correct horse", 0, 60), ("battery", 3, 1)] as [(String, Int32, Int)])
        func `the input ends after the answer`(passphrase: String, status: Int32, seconds: Int) throws {
            let bench = try Bench()
            let pipe = "(printf '\(passphrase)\\n'; sleep \(seconds)) | { ssh \"$@\"; echo status $?; kill $$; }"
            let end = try run(
                "bash", ["-c", pipe, "bash", "-tt"] + bench.options() + ["root@127.0.0.1", "unlock"],
                environment: ["SSH_AUTH_SOCK": ""], timeout: 40)
            #expect(end.out.contains("status \(status)\n"), "\(end) \(bench.monitor.events)")
        }

        @Test func `a second line that comes after the answer is tried`() throws {
            let bench = try Bench()
            let pipe = "(printf 'battery\\n'; sleep 2; printf 'correct horse\\n') | ssh \"$@\""
            let end = try run(
                "bash", ["-c", pipe, "bash", "-tt"] + bench.options() + ["root@127.0.0.1", "unlock"],
                environment: ["SSH_AUTH_SOCK": ""], timeout: 40)
            // On a machine so slow that the first is still tried by then, the second was typed unseen.
            #expect(
                end.status == 0 && bench.passphrases == ["battery", "correct horse"]
                    || end.status == 3 && bench.passphrases == ["battery"], "\(end) \(bench.monitor.events)")
        }

        @Test func `what is typed before anything asks is kept`() throws {
            let bench = try Bench()
            let screen = try bench.terminal()
            #expect(screen.shows("Passphrase for root: "))
            bench.monitor.sendState(FakeMonitor.state(.deviceMissing))
            #expect(screen.shows("Waiting for root"))
            screen.type("correct horse\r")
            bench.monitor.sendState(FakeMonitor.state())
            #expect(screen.wait() == 0, "\(screen.screen)")
        }

        @Test func `a line that a lost client did not finish is forgotten`() throws {
            let bench = try Bench()
            let screen = try bench.terminal(options: ["-o", "LogLevel=DEBUG3"])
            #expect(screen.shows("Passphrase for root: "))
            screen.type("correct horse")
            screen.signal(SIGKILL)
            #expect(bench.monitor.exitStatus() == 0)
            #expect(bench.passphrases.isEmpty)
            #expect(!bench.monitor.saw(timeout: 0) { if case .inputEnded = $0 { true } else { false } })
        }

        @Test(
            arguments: [
                ("\u{3}", "Left: this machine waits on."), ("\u{4}", "Left: this machine waits on."),
                ("battery\r\u{3}", "Left: the passphrase is still being tried."),
                ("battery\r\u{4}", "Left: the passphrase is still being tried."),
            ])
        func `leaving is said in words`(keys: String, text: String) throws {
            let bench = try Bench()
            bench.monitor.tryTime = 60_000
            let screen = try bench.terminal()
            #expect(screen.shows("Passphrase for root: "))
            screen.type(keys)
            #expect(screen.shows(text), "\(screen.screen)")
            #expect(screen.wait() == 6)
            #expect(!bench.monitor.saw(timeout: 0) { if case .inputEnded = $0 { true } else { false } })
        }
    }
}

extension Bench {
    /// What the sessions had tried.
    var passphrases: [String] {
        monitor.events.compactMap { if case .passphrase(let text) = $0 { text } else { nil } }
    }
}
