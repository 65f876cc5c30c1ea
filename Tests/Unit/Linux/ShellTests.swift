import Foundation
import Glibc
import Linux
import Testing

/// The shell that a login may get, on this machine.
@Suite struct ShellTests {
    private let environment = ["PATH=/usr/bin:/bin", "HOME=/", "TERM=vt100", "PS1=PROMPT "]

    /// All that comes until the end.
    private func output(_ ends: PassedDescriptors, _ place: Int, until part: String? = nil) -> String {
        var bytes: [UInt8] = []
        let end = Date().addingTimeInterval(60)
        while Date() < end {
            guard let more = ends.read(place, most: 1000) else {
                usleep(1000)
                continue
            }
            bytes += more
            let text = String(decoding: bytes, as: UTF8.self)
            if more.isEmpty || part.map({ text.contains($0) }) == true { return text }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func status(_ shell: Shell) -> ExitedProcess? {
        let end = Date().addingTimeInterval(60)
        while Date() < end {
            if let exited = ChildProcess.exited(shell.process) { return exited }
            usleep(1000)
        }
        return nil
    }

    @Test func `a command has three pipes and its own exit status`() throws {
        var ends: PassedDescriptors?
        let shell = try Shell("cat; echo $TERM >&2; exit 3", environment: environment, ends: &ends)
        let passed = try #require(ends)
        #expect(passed.write(0, Array("in".utf8)) == 2)
        passed.close(0)
        #expect(output(passed, 1) == "in")
        #expect(output(passed, 2) == "vt100\n")
        let exited = try #require(status(shell))
        #expect(exited.status == 3 && exited.signal == 0)
    }

    @Test func `it holds no descriptor of ours, and leads a session of its own`() throws {
        var ends: PassedDescriptors?
        let shell = try Shell("ls /proc/self/fd | wc -l; ps -o sid= -p $$", environment: environment, ends: &ends)
        // ls has the folder open, too.
        #expect(output(try #require(ends), 1).split(whereSeparator: \.isWhitespace) == ["4", "\(shell.process.id)"])
        #expect(status(shell)?.status == 0)
    }

    @Test func `at a terminal it has the window's size, and a signal reaches its foreground alone`() throws {
        var ends: PassedDescriptors?
        let shell = try Shell(
            nil, environment: environment, size: Shell.Size(columns: 132, rows: 43), ends: &ends)
        let passed = try #require(ends)
        func type(_ text: String) { #expect(passed.write(0, Array(text.utf8)) == text.utf8.count) }
        #expect(output(passed, 0, until: "PROMPT ").contains("PROMPT "))
        type("stty size; tty; echo $((40 + 2))\n")
        let first = output(passed, 0, until: "\n42\r\n")
        #expect(first.contains("43 132\r\n/dev/pts/"), "\(first)")
        shell.resize(Shell.Size(columns: 90, rows: 30))
        type("stty size\n")
        #expect(output(passed, 0, until: "30 90\r\n").contains("30 90\r\n"))
        type("sleep 1000; echo status $?\n")
        #expect(output(passed, 0, until: "echo status").contains("sleep 1000"))
        // Time to begin.
        usleep(300_000)
        shell.signal(SIGTERM)
        #expect(output(passed, 0, until: "status 143\r\n").contains("status 143\r\n"))
        type("exit 7\n")
        #expect(status(shell)?.status == 7)
    }

    @Test func `all of its session hears that it is hung up, and what does not heed that is killed`() throws {
        var ends: PassedDescriptors?
        let line = "trap '' HUP; sleep 1000 & trap 'echo hung up' HUP; echo $!; while :; do sleep 1; done"
        let shell = try Shell(line, environment: environment, ends: &ends)
        let passed = try #require(ends)
        let job = try #require(Int32(output(passed, 1, until: "\n").split(separator: "\n").first ?? ""))
        shell.hangUp()
        #expect(output(passed, 1, until: "hung up\n").contains("hung up\n"))
        #expect(kill(job, 0) == 0)
        shell.killSession()
        let exited = try #require(status(shell))
        #expect(exited.signal == SIGKILL && exited.status == 137)
        var isGone = false
        for _ in 0..<1000 where !isGone {
            let state = try? String(contentsOfFile: "/proc/\(job)/stat", encoding: .utf8)
            isGone = state?.contains(") Z ") != false
            usleep(1000)
        }
        #expect(isGone)
    }

    @Test func `input that nobody reads is no end of this process`() throws {
        Sandbox.ignoreBrokenPipes()
        var ends: PassedDescriptors?
        let shell = try Shell("exec <&-; echo ready; sleep 1000", environment: environment, ends: &ends)
        let passed = try #require(ends)
        #expect(output(passed, 1, until: "\n") == "ready\n")
        #expect(passed.write(0, [1]) == nil)
        shell.killSession()
        #expect(status(shell)?.signal == SIGKILL)
    }
}
