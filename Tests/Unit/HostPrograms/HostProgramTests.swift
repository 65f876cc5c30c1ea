import Foundation
import TestPeers
import Testing

@testable import HostPrograms

/// Programs of the host, run to their end within bounds.
@Suite struct HostProgramTests {
    private func shell(_ script: String, limit: Int = 1000, seconds: Int = 60) throws -> HostProgram.Result {
        try HostProgram.run(["/bin/sh", "-c", script], environment: ["EXTRA=more"], limit: limit, seconds: seconds)
    }

    @Test func `output, errors and status are those of the program`() throws {
        let result = try shell("echo one; echo two >&2; exit 3")
        #expect(result.end == .exited(3))
        #expect(result.output == Array("one\n".utf8))
        #expect(result.errors == Array("two\n".utf8))
        #expect(result.failure == "two")
        #expect(!result.succeeded)
        #expect(try shell("exit 4").failure == "it ended with status 4")
    }

    @Test func `what a program writes at once before its end is read to the last byte`() throws {
        let result = try shell("head -c 300000 /dev/zero", limit: 300_000)
        #expect(result.succeeded)
        #expect(result.output.count == 300_000)
    }

    @Test func `it has nothing to read, no terminal, no descriptor but three, and the environment that is given`()
        throws
    {
        let result = try shell(
            "cat; (: </dev/tty) 2>/dev/null || echo no terminal; ls /proc/self/fd; echo $LC_ALL $EXTRA")
        // The fourth is the folder that ls reads.
        #expect(String(decoding: result.output, as: UTF8.self) == "no terminal\n0\n1\n2\n3\nC more\n")
    }

    @Test func `who writes more than allowed is killed`() throws {
        let result = try shell("yes")
        #expect(result.end == .wroteTooMuch)
        #expect(result.output.count == 1000)
        #expect(result.failure == "it wrote too much")
    }

    @Test func `errors beyond the bound are left out, and the program goes on`() throws {
        let result = try shell("head -c 200000 /dev/zero >&2; echo done")
        #expect(result.output == Array("done\n".utf8))
        #expect(result.errors.count == HostProgram.mostErrors)
    }

    @Test func `who takes too long is killed with what it has started`() throws {
        let folder = try TemporaryFolder()
        let result = try shell("sleep 600 & echo $! >\(folder.path("child")); wait", seconds: 1)
        #expect(result.end == .tookTooLong)
        let child = try String(contentsOfFile: folder.path("child"), encoding: .utf8)
        let id = try #require(Int32(child.trimmingCharacters(in: .whitespacesAndNewlines)))
        // It is gone once whoever reaps it has done so.
        while let state = try? String(contentsOfFile: "/proc/\(id)/stat", encoding: .utf8), !state.contains(") Z ") {
            usleep(10_000)
        }
    }

    @Test func `a child in the background that keeps the output open is not waited for`() throws {
        let result = try shell("sleep 600 & echo $!")
        #expect(result.succeeded)
        let id = try #require(Int32(String(decoding: result.output, as: UTF8.self).dropLast()))
        #expect(kill(id, SIGKILL) == 0)
    }

    @Test func `a program that is not there ends with 127, and is not found`() throws {
        #expect(try HostProgram.run(["/nonexistent/program"]).end == .exited(127))
        #expect(HostProgram.find("no-such-program") == nil)
        #expect(HostProgram.find("sh") == "/usr/bin/sh")
        #expect(HostProgram.find("bin", in: ["/usr"]) == nil)
    }
}
