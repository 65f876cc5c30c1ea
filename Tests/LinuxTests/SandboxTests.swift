import Glibc
import Linux
import Testing

@Suite struct SandboxTests {
    @Test func whatIsNotAllowedEndsTheProcess() async {
        await #expect(processExitsWith: .signal(SIGSYS)) {
            _ = try Sandbox.enter(root: nil, user: nil, calls: .session, parent: ChildProcess.parent)
            _ = open("/dev/null", O_RDONLY)
        }
    }

    @Test func whatASessionNeedsIsAllowed() async {
        await #expect(processExitsWith: .exitCode(42)) {
            // Room is made before: this process has more address space than a session may have.
            let secret = try SecretBytes(capacity: 4)
            var waiting = PollSet()
            _ = try Sandbox.enter(root: nil, user: nil, calls: .session, parent: ChildProcess.parent)
            _ = secret.append(1)
            waiting.wait(milliseconds: 1)
            _exit(Clock.now() > 0 ? 42 : 1)
        }
    }

    @Test func itEndsWithItsParent() async {
        await #expect(processExitsWith: .exitCode(1)) {
            _ = try Sandbox.enter(root: nil, user: nil, calls: .session, parent: 1 << 30)
        }
    }

    @Test(
        "what is no plain ASCII is escaped, once",
        arguments: [
            ("plain text\\x41", 80, "plain text\\x41"), ("\u{1B}[0m\n", 80, "\\x1b[0m\\x0a"), ("ä", 80, "\\xc3\\xa4"),
            ("123456789", 8, "12345..."), ("", 8, ""),
        ])
    func escapes(text: String, limit: Int, expected: String) {
        #expect(printable(text, limit: limit) == expected)
    }
}
