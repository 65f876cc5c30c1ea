import Glibc
import Testing

@testable import Linux

/// Processes that were started, and their ends.
@Suite struct ProcessTests {
    private func sleeper() throws -> StartedProcess {
        let pipe = try FileDescriptor.pipe()
        return try ChildProcess.spawn(["/bin/sleep", "60"], output: pipe.second.number)
    }

    @Test func `a process that was reaped is not signalled any more, though its number is another's`() throws {
        let sleeper = try sleeper()
        // As if the number had been the one of an earlier process.
        let earlier = StartedProcess(sleeper.id)
        earlier.wasReaped()
        ChildProcess.kill(earlier)
        ChildProcess.terminate(earlier)
        ChildProcess.giveWay(earlier, true)
        #expect(
            getpriority(__priority_which_t(PRIO_PROCESS.rawValue), id_t(sleeper.id))
                == getpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0))
        // The first of two signals counts: had one of those above been sent, the status would be another. A job that a shell
        // started in the background ignores this one, and the program that it spawns must not.
        _ = kill(sleeper.id, SIGINT)
        var status: Int32 = 0
        #expect(waitpid(sleeper.id, &status, 0) == sleeper.id)
        #expect(status & 0x7f == SIGINT)
    }

    @Test func `a process is ended by its descriptor, and its end is seen once`() throws {
        let sleeper = try sleeper()
        ChildProcess.terminate(sleeper)
        var end: ExitedProcess?
        while end == nil { end = ChildProcess.exited(sleeper) }
        #expect(end == ExitedProcess(sleeper.id, SIGTERM))
        #expect(ChildProcess.exited(sleeper) == nil)
        ChildProcess.kill(sleeper)
    }
}
