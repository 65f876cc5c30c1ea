import Foundation
import TestPeers
import Testing
import Wire

/// What a client without a terminal is told besides the result.
extension SessionTests {
    @Suite(.serialized) struct DialogueTests {
        private static let hint =
            "Waiting for a passphrase on standard input. At a keyboard it would be shown: press Ctrl-C, and use ssh -t.\n"

        @Test func `whoever types without a terminal is told so`() throws {
            let bench = try Bench()
            let pipe = "(sleep 3; printf 'correct horse\\n') | ssh \"$@\""
            let end = try run(
                "bash", ["-c", pipe, "bash"] + bench.options() + ["root@127.0.0.1", "unlock"],
                environment: ["SSH_AUTH_SOCK": ""], timeout: 40)
            #expect(end.status == 0, "\(end)")
            // A login that takes all that time has nothing to wait for.
            #expect(end.err == DialogueTests.hint || end.err == "" && end.seconds > 3, "\(end)")
        }

        @Test func `a try that the brake holds says so`() throws {
            let bench = try Bench()
            bench.monitor.tryTime = 60_000
            let monitor = bench.monitor
            Thread.detachNewThread {
                guard monitor.saw({ if case .passphrase = $0 { true } else { false } }) else { return }
                var state = FakeMonitor.state()
                state.wait = 6
                monitor.sendState(state)
                monitor.sendState(state)
                monitor.sendState(FakeMonitor.state(.trying))
                monitor.endChannels(.wrongPassphrase, "")
            }
            let end = try bench.ssh(["unlock"], input: .text("battery\n"))
            #expect(end.err == "Waiting 6 s before the next try.\nWrong passphrase.\n", "\(end)")
        }

        @Test(
            arguments: [
                ([0xEF, 0xBB, 0xBF] + Array("horse\r\n".utf8), "It began with a byte order mark"),
                ([0xFF, 0xFE] + utf16("horse\r\n"), "It was text in UTF-16"),
                (utf16("horse\r\n"), "It was text in UTF-16"),
                ([0xFE, 0xFF, 0] + utf16("horse\r\n").dropLast(), "It was text in UTF-16"),
                ([0] + utf16("horse\r\n").dropLast(), "It was text in UTF-16"),
                (Array("horse\n".utf8), nil), ([0xE9, 0x0A], nil), ([0x61, 0, 0x62, 0x63, 0x0A], nil),
            ] as [([UInt8], String?)])
        func `what Windows put around a passphrase is named once it was wrong`(input: [UInt8], text: String?) throws {
            for options in [[], ["-tt"]] {
                // A terminal takes no zeros.
                if options == ["-tt"], input.contains(0), input[0] < 0xFE { continue }
                let bench = try Bench()
                try Data(input).write(to: URL(filePath: bench.folder.path("in")))
                let end = try run(
                    "bash",
                    ["-c", "ssh \"$@\" <\(bench.folder.path("in"))", "bash"] + options + bench.options()
                        + ["root@127.0.0.1", "unlock"], environment: ["SSH_AUTH_SOCK": ""], timeout: 40)
                let said = end.out.replacing("\r\n  ", with: " ") + end.err
                #expect(end.status == 3, "\(end)")
                #expect(said.contains("Wrong passphrase."), "\(end)")
                #expect(text.map { said.contains($0) } ?? !said.contains("It "), "\(end)")
                #expect(said.contains("UTF8Encoding") == (text != nil), "\(end)")
            }
        }

        private static func utf16(_ text: String) -> [UInt8] { text.utf8.flatMap { [$0, 0] } }

        @Test func `scripts that wait for Debian's prompt see it`() throws {
            let bench = try Bench()
            let screen = try bench.terminal(["/bin/cryptroot-unlock"])
            #expect(screen.shows("Please unlock disk root: "), "\(screen.screen)")
            screen.type("battery\r")
            #expect(screen.shows("Wrong passphrase."))
            #expect(screen.shows("Please unlock disk root: "), "\(screen.screen)")
            screen.type("correct horse\r")
            #expect(screen.wait() == 0)
            let other = try Bench()
            let end = try other.ssh(["cryptroot-unlock"], input: .text("correct horse"))
            // The passphrase may be there first.
            #expect(end.out.contains("Please unlock disk root\n") || end.out.hasPrefix("root: open\n"), "\(end)")
        }

        @Test(
            arguments: ["sftp", "scp", "scp -O", "rsync", "other"])
        func `file transfers are told in words that there is none`(kind: String) throws {
            let bench = try Bench()
            let file = bench.folder.path("file")
            try bench.folder.write("x", to: "file")
            let environment = ["SSH_AUTH_SOCK": ""]
            var options = bench.options()
            let end: Finished
            switch kind {
            case "rsync": end = try bench.ssh(["rsync --server -logDtpre.iLsfxC . /tmp"])
            case "other": end = try bench.ssh(["-s", "netconf"])
            default:
                let index = try #require(options.firstIndex(of: "-p"))
                options[index] = "-P"
                let words = kind.split(separator: " ").map { String($0) }
                let ends = kind == "sftp" ? ["root@127.0.0.1"] : [file, "root@127.0.0.1:/tmp/x"]
                end = try run(words[0], words.dropFirst() + options + ends, environment: environment, timeout: 40)
            }
            #expect(end.status != 0 && (kind != "rsync" && kind != "other" || end.status == 6), "\(end)")
            let sentence =
                kind == "other" ? "There is no such subsystem here; see: help" : "No files are served here; see: help"
            #expect(end.err.contains(sentence), "\(end)")
            #expect(!bench.monitor.events.contains { if case .open = $0 { true } else { false } })
        }

        @Test func `a forced command is not run as a subsystem`() throws {
            let shared = try Bench()
            var key = shared.key.usable(index: 7)
            key.forcedCommand = "status"
            let bench = try Bench(keys: [key])
            let end = try bench.ssh(["-s", "sftp"])
            #expect(end.status == 6 && end.out == "" && end.err == "No files are served here; see: help\n", "\(end)")
        }
    }
}
