import Foundation
import Glibc
import TestPeers
import Testing
import Wire

/// A shell over ssh. The fake monitor runs one of this machine, by the same code.
extension SessionTests {
    @Suite(.serialized) struct ShellTests {
        @Test func `at a terminal there are a banner, the window's size, job control and the exit status`() throws {
            let bench = try Bench()
            let screen = try bench.terminal(["shell"], options: ["-o", "SetEnv=TERM=xterm"], columns: 91, rows: 33)
            #expect(screen.shows("You are root in the initrd of nas."), "\(screen.screen) \(bench.monitor.events)")
            #expect(screen.shows("PROMPT "), "\(screen.screen)")
            screen.type("stty size; tty\r")
            #expect(screen.shows("33 91\r\n/dev/pts/"), "\(screen.screen)")
            screen.resize(columns: 132, rows: 43)
            screen.type("while [ \"$(stty size)\" != '43 132' ]; do sleep 0.1; done; echo resized $?\r")
            #expect(screen.shows("resized 0"), "\(screen.screen)")
            screen.type("sleep 1000; echo interrupted $?\r")
            #expect(screen.shows("sleep 1000"))
            usleep(500_000)
            screen.type("\u{3}")
            #expect(screen.shows("PROMPT "), "\(screen.screen)")
            screen.type("sleep 1000 & sleep 999\r")
            #expect(screen.shows("sleep 999"))
            usleep(500_000)
            screen.type("\u{1A}")
            #expect(screen.shows("Stopped"), "\(screen.screen)")
            screen.type("kill %1 %2; exit 7\r")
            if screen.shows("stopped jobs", timeout: 2) { screen.type("exit 7\r") }
            #expect(screen.wait() == 7, "\(screen.screen)")
            #expect(bench.monitor.exitStatus() == 0)
        }

        @Test func `a command has its output, its errors and its exit status`() throws {
            let bench = try Bench()
            let end = try bench.ssh(["shell", "-c", "echo  'a;b'; echo c >&2; exit 3"])
            #expect(end.status == 3, "\(end) \(bench.monitor.events)")
            #expect(end.out == "a;b\n")
            #expect(end.err == "c\n")
            #expect(bench.monitor.exitStatus() == 0)
        }

        @Test func `commands may come on standard input`() throws {
            let bench = try Bench()
            let end = try bench.ssh(["shell"], input: .text("echo one\necho two\nexit 4\n"))
            #expect(end.status == 4, "\(end)")
            #expect(end.out == "one\ntwo\n")
        }

        @Test func `much output comes whole, and in its order`() throws {
            let bench = try Bench()
            let end = try bench.ssh(["shell", "-c", "seq 1000000; exit 5"], timeout: 300)
            #expect(end.status == 5, "\(end.status) \(end.err)")
            #expect(end.out.utf8.count == 6_888_896)
            #expect(end.out.hasSuffix("\n999999\n1000000\n"))
        }

        @Test func `much input comes whole, also where the shell reads late`() throws {
            let bench = try Bench()
            let text = String(repeating: "0123456789abcde\n", count: 400_000)
            let end = try bench.ssh(["shell", "-c", "sleep 3; cksum"], input: .text(text), timeout: 300)
            #expect(end.status == 0, "\(end)")
            let here = try run("cksum", [], input: .text(text))
            #expect(end.out == here.out)
        }

        @Test func `one that a signal ends is none that exits`() throws {
            let bench = try Bench()
            let end = try bench.ssh(["shell", "-c", "echo a; kill -TERM $$; sleep 10"])
            // ssh's own status: the server has sent the signal's name in place of one.
            #expect(end.status == 255, "\(end)")
            #expect(end.out == "a\n")
        }

        @Test func `who reads no input and leaves processes behind ends when it ends`() throws {
            let bench = try Bench()
            let end = try bench.ssh(
                ["shell", "-c", "exec <&-; sleep 1000 & sleep 1; echo done"], input: .left(open: "x\n"))
            #expect(end.status == 0, "\(end)")
            #expect(end.out == "done\n")
        }

        @Test func `a key without terminals has a shell on pipes`() throws {
            let bench = try Bench()
            bench.monitor.setup.rules.keys = [bench.key.usable(permitsTerminal: false)]
            // OpenSSH's client goes away where it is refused a terminal that it has to have.
            let refused = try bench.ssh(["shell"], options: ["-tt"])
            #expect(refused.err.contains("PTY allocation request failed"), "\(refused)")
            let end = try bench.ssh(["shell"], options: ["-T"], input: .text("tty; exit 9\n"))
            #expect(end.status == 9, "\(end) \(bench.monitor.events)")
            #expect(end.out == "not a tty\n")
        }

        @Test func `a flood of output can be interrupted`() throws {
            let bench = try Bench()
            let screen = try bench.terminal(["shell"])
            #expect(screen.shows("PROMPT "), "\(screen.screen)")
            screen.type("yes flood\r")
            #expect(screen.shows("flood\r\nflood\r\n"))
            screen.type("\u{3}")
            screen.type("exit 8\r")
            #expect(screen.wait() == 8)
        }
    }
}
