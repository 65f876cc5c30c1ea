import Foundation
import TestPeers
import Testing
import Wire

/// What ssh(1) gets without a terminal.
extension SessionTests {
    @Suite(.serialized) struct CommandTests {
        @Test func `status is printed`() throws {
            let bench = try Bench()
            let end = try bench.ssh(["status"])
            #expect(end.status == 0, "\(end) \(bench.monitor.events)")
            #expect(end.out.contains("nas"))
            #expect(end.err == "")
            #expect(bench.monitor.exitStatus() == 0)
        }

        @Test func `status for scripts is one object`() throws {
            let bench = try Bench()
            let end = try bench.ssh(["status", "--json"])
            let object = try JSONSerialization.jsonObject(with: Data(end.out.utf8)) as? [String: Any]
            #expect(end.status == 0)
            #expect(object?["host"] as? String == "nas")
        }

        @Test func `help is answered without the monitor`() throws {
            let bench = try Bench()
            let end = try bench.ssh(["help"])
            #expect(end.status == 0)
            #expect(end.out.contains("unlock"))
            #expect(end.err == "")
            #expect(!bench.monitor.events.contains { if case .open = $0 { true } else { false } })
        }

        @Test(
            arguments: ["correct horse", "correct horse\n", "correct horse\r\nrest\n", "correct horse\nmore"])
        func `the passphrase ends at a line's end or the input's`(input: String) throws {
            let bench = try Bench()
            let end = try bench.ssh(["unlock"], input: .text(input))
            #expect(end.status == 0, "\(end) \(bench.monitor.events)")
            #expect(end.out.contains("root: open"))
            #expect(end.out.contains("Boot continues."))
            #expect(end.err == "")
            #expect(bench.monitor.exitStatus() == 0)
        }

        @Test func `a plain login unlocks`() throws {
            let bench = try Bench()
            #expect(try bench.ssh([], options: ["-T"], input: .text("correct horse\n")).status == 0)
        }

        @Test func `a script that keeps its input open is served`() throws {
            let bench = try Bench()
            let end = try bench.ssh(["unlock"], input: .left(open: "correct horse\n"))
            #expect(end.status == 0, "\(end)")
            #expect(end.err == "")
        }

        @Test func `a wrong passphrase has its exit code`() throws {
            let bench = try Bench()
            let end = try bench.ssh(["unlock"], input: .text("battery staple\n"))
            #expect(end.status == 3)
            #expect(end.out == "")
            #expect(end.err.contains("Wrong passphrase."))
        }

        @Test(
            arguments: [("internal", 1), ("partly", 4), ("missing", 5), ("refused", 6), ("late", 7)]
                as [(String, Int32)])
        func `what the monitor says is the exit status`(passphrase: String, status: Int32) throws {
            let bench = try Bench()
            let end = try bench.ssh(["unlock"], input: .text(passphrase))
            #expect(end.status == status, "\(end)")
            #expect(end.err.contains("As asked."))
        }

        @Test(
            arguments: [
                ("sudo reboot", 6, "sudo reboot: no such command here; see: help"),
                ("scp -t /tmp", 6, "No files are served here; see: help"),
                ("cryptroot-unlock && exit", 2, "no shell reads this line; write: cryptroot-unlock"),
                ("/bin/cryptroot-unlock; exit", 6, "No shell reads this line: write unlock alone"),
                ("echo -n secret | cryptroot-unlock", 6, "No shell reads this line: write unlock alone"),
                ("cat > /lib/cryptsetup/passfifo", 6, "No shell reads this line: write unlock alone"),
                ("sh -c cryptroot-unlock", 6, "No shell reads this line: write unlock alone"),
                ("status --xml", 2, "usage: status [--json]"),
                ("unlock -x", 2, "usage: unlock [VOLUME...]"), ("\u{1B}[2J\nls", 6, "\\x1b[2J\\x0als: no such command"),
                (String(repeating: "x", count: 1025), 6, "1024 bytes"),
            ] as [(String, Int32, String)])
        func `what is no command is refused in one sentence`(command: String, status: Int32, sentence: String) throws {
            let bench = try Bench()
            let end = try bench.ssh([command])
            #expect(end.status == status)
            #expect(end.out == "")
            #expect(end.err.contains(sentence))
            #expect(end.err.split(separator: "\n").count == 1)
            #expect(!end.err.contains("secret"))
            #expect(bench.monitor.exitStatus() == 0)
        }

        @Test(
            arguments: [("", "empty"), ("\n", "empty"), (String(repeating: "x", count: 513), "512 bytes")])
        func `what is no passphrase is refused`(input: String, sentence: String) throws {
            let bench = try Bench()
            let end = try bench.ssh(["unlock"], input: .text(input))
            #expect(end.status == 2, "\(end)")
            #expect(end.err.contains(sentence))
            #expect(!bench.monitor.events.contains { if case .passphrase = $0 { true } else { false } })
        }

        @Test func `the longest passphrase is taken`() throws {
            let bench = try Bench()
            let longest = String(repeating: "x", count: 512)
            _ = try bench.ssh(["unlock"], input: .text(longest + "\n"))
            #expect(bench.monitor.events.contains { if case .passphrase(longest) = $0 { true } else { false } })
        }

        @Test func `without a passphrase it times out`() throws {
            let bench = try Bench { $0.loginGraceTime = 2 }
            let end = try bench.ssh(["unlock"], input: .left(open: ""))
            #expect(end.status == 7, "\(end)")
            #expect(end.err.hasSuffix("use ssh -t.\nNo passphrase came on standard input.\n"), "\(end)")
        }

        @Test func `it ends when somebody else unlocks`() throws {
            let bench = try Bench()
            let monitor = bench.monitor
            Thread.detachNewThread {
                guard monitor.saw({ if case .open = $0 { true } else { false } }) else { return }
                monitor.endChannels(.done, "")
            }
            let end = try bench.ssh(["unlock"], input: .left(open: ""))
            #expect(end.status == 0)
            #expect(end.out == "Boot continues.\n")
        }
    }
}
