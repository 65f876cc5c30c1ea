import Foundation
import TestPeers
import Testing
import Wire

/// What ssh(1) gets without a terminal.
@Suite struct CommandTests {
    @Test func statusIsPrinted() throws {
        let bench = try Bench()
        let end = try bench.ssh(["status"])
        #expect(end.status == 0, "\(bench.monitor.events)")
        #expect(end.out.contains("nas"))
        #expect(end.err == "")
        #expect(bench.monitor.exitStatus() == 0)
    }

    @Test(
        "the passphrase ends at a line's end or the input's",
        arguments: ["correct horse", "correct horse\n", "correct horse\r\nrest\n", "correct horse\nmore"])
    func unlocks(input: String) throws {
        let bench = try Bench()
        let end = try bench.ssh(["unlock"], input: .text(input))
        #expect(end.status == 0)
        #expect(end.out.contains("Boot continues."))
        #expect(end.err == "")
        #expect(bench.monitor.exitStatus() == 0)
    }
}
