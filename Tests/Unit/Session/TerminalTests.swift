import Foundation
import TestPeers
import Testing
import Wire

/// What a person sees.
extension SessionTests {
    @Suite(.serialized) struct TerminalTests {
        @Test func `the right passphrase lets the boot go on`() throws {
            let bench = try Bench()
            let screen = try bench.terminal()
            #expect(screen.shows("Passphrase for root: "), "\(screen.screen)")
            screen.type("correct horse\r")
            #expect(screen.shows("root: open"))
            #expect(screen.shows("Boot continues."))
            #expect(screen.wait() == 0)
            #expect(!screen.screen.contains("horse"))
            #expect(!screen.screen.contains("closed by remote host"))
            #expect(bench.monitor.exitStatus() == 0)
        }

        @Test func `a wrong one is asked again`() throws {
            let bench = try Bench()
            let screen = try bench.terminal()
            #expect(screen.shows("Passphrase for root: "))
            screen.type("battery staple\r")
            #expect(screen.shows("Wrong passphrase."))
            #expect(screen.shows("Passphrase for root: "))
            screen.type("correct horsf\u{7F}e\r")
            #expect(screen.shows("Boot continues."))
            #expect(screen.wait() == 0)
        }

        @Test(arguments: ["\u{3}", "\u{4}"])
        func `leaving is neither success nor a wrong passphrase`(key: String) throws {
            let bench = try Bench()
            let screen = try bench.terminal()
            #expect(screen.shows("Passphrase for root: "))
            screen.type(key)
            #expect(screen.wait() == 6)
            #expect(bench.monitor.saw { if case .close = $0 { true } else { false } })
        }

        @Test func `progress is shown`() throws {
            let bench = try Bench()
            bench.monitor.tryTime = 2500
            let screen = try bench.terminal()
            #expect(screen.shows("Passphrase for root: "))
            screen.type("correct horse\r")
            #expect(screen.shows("Trying root ... 1 s"))
            #expect(screen.shows("Trying root ... 2 s"))
            #expect(screen.wait() == 0)
        }

        @Test func `what is typed during a try is not the next passphrase`() throws {
            let bench = try Bench()
            bench.monitor.tryTime = 700
            let screen = try bench.terminal()
            #expect(screen.shows("Passphrase for root: "))
            screen.type("battery staple\r")
            #expect(screen.shows("Trying root"))
            screen.type("unseen\r")
            #expect(screen.shows("Passphrase for root: "))
            screen.type("correct horse\r")
            #expect(screen.wait() == 0)
            let tried = bench.monitor.events.compactMap { if case .passphrase(let text) = $0 { text } else { nil } }
            #expect(tried == ["battery staple", "correct horse"])
        }

        @Test func `what is typed before the prompt is taken`() throws {
            let bench = try Bench()
            let screen = try bench.terminal()
            screen.type("correct horse\n")
            #expect(screen.wait() == 0, "\(screen.screen)")
        }

        @Test(
            arguments: [(0, 0), (1, 1), (10_000, 10_000), (65_535, 65_535)] as [(UInt16, UInt16)])
        func `a window of any size is served`(columns: UInt16, rows: UInt16) throws {
            let bench = try Bench()
            let screen = try bench.terminal(columns: columns, rows: rows)
            #expect(screen.shows("Passphrase"), "\(screen.screen)")
            screen.resize(columns: rows, rows: columns)
            screen.resize(columns: 80, rows: 24)
            screen.type("correct horse\r")
            #expect(screen.wait() == 0)
        }

        @Test func `keys are exchanged anew during the prompt`() throws {
            let bench = try Bench()
            let screen = try bench.terminal(options: ["-v"])
            #expect(screen.shows("Passphrase for root: "))
            // The escape of ssh(1) for a new key exchange, which counts only after a newline.
            screen.type("\r~R")
            #expect(screen.shows("SSH2_MSG_KEXINIT received"))
            #expect(screen.shows("SSH2_MSG_NEWKEYS received"), "\(screen.screen)")
            screen.type("correct horse\r")
            #expect(screen.shows("Boot continues."), "\(screen.screen)")
            #expect(screen.wait() == 0)
        }

        @Test func `status at a terminal has its line ends`() throws {
            let bench = try Bench()
            let screen = try bench.terminal(["status"])
            #expect(screen.wait() == 0)
            #expect(screen.screen.contains("nas"))
            #expect(!screen.screen.replacing("\r\n", with: "").contains("\n"))
        }

        @Test func `a lost client ends the session`() throws {
            let bench = try Bench()
            let screen = try bench.terminal()
            #expect(screen.shows("Passphrase for root: "))
            screen.signal(SIGKILL)
            #expect(bench.monitor.exitStatus() == 0)
        }
    }
}
