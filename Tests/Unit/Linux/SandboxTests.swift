import CMachine
import Glibc
import Testing

@testable import Linux

@Suite struct SandboxTests {
    @Test func `what is not allowed ends the process`() async {
        await #expect(processExitsWith: .signal(SIGSYS)) {
            _ = try Sandbox.enter(root: nil, user: nil, calls: .session, parent: ChildProcess.parent)
            _ = open("/dev/null", O_RDONLY)
        }
    }

    @Test func `what a session needs is allowed`() async {
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

    /// What a kernel without seccomp leaves between a stranger's code and the machine.
    @Test(
        .enabled(if: geteuid() == 0, "an empty root folder and another user are root's to take"),
        arguments: [
            "open a file", "write a file", "open a device", "open another's memory", "make a device", "make a socket",
            "start a process", "read another's memory", "trace another", "signal another", "become root",
            "leave the folder", "mount",
        ])
    func `without a list of calls the rest still refuses`(act: String) async {
        await #expect(processExitsWith: .exitCode(42)) { [act] in
            let folder = "/tmp/postern-test-sandbox"
            mkdir(folder, 0o555)
            var calls = SystemCalls(names: [], areForbidden: true)
            // So many as this process has open.
            if act == "make a socket" { calls.descriptors = 3 }
            let isFiltered = try Sandbox.enter(root: folder, user: 61181, calls: calls, parent: ChildProcess.parent)
            guard isFiltered, getuid() == 61181 else { _exit(1) }
            let victim = getppid()
            var byte: UInt8 = 0
            var result = 0
            switch act {
            case "open a file": result = Int(open("/etc/passwd", O_RDONLY))
            case "write a file": result = Int(open("/file", O_WRONLY | O_CREAT, 0o600))
            case "open a device": result = Int(open("/dev/null", O_RDONLY))
            case "open another's memory": result = Int(open("/proc/\(victim)/mem", O_RDONLY))
            case "make a device": result = Int(mknod("/null", mode_t(S_IFCHR | 0o666), 0x103))
            case "make a socket": result = Int(socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
            case "start a process": result = forked()
            case "read another's memory":
                withUnsafeMutablePointer(to: &byte) { pointer in
                    var here = iovec(iov_base: pointer, iov_len: 1)
                    var there = iovec(iov_base: pointer, iov_len: 1)
                    result = call(310, Int(victim), address(&here), 1, address(&there), 1)
                }
            case "trace another": result = call(101, 16, Int(victim))
            case "signal another": result = Int(kill(victim, 0))
            case "become root": result = Int(setuid(0))
            case "leave the folder": result = Int(chroot("/"))
            case "mount": result = call(165, 0, 0, 0, 0)
            default: break
            }
            _exit(result == -1 ? 42 : 2)
        }
    }

    @Test(
        arguments: [(59, []), (101, [16, 1]), (310, [1]), (41, [2, 1]), (42, [0]), (169, []), (175, [])]
            as [(Int, [Int])])
    func `a worker cannot do what no job of its asks for`(number: Int, arguments: [Int]) async {
        await #expect(processExitsWith: .signal(SIGSYS)) { [number, arguments] in
            guard try SystemCalls.worker.enforce() else { _exit(1) }
            let all = arguments + [0, 0, 0]
            _ = call(number, all[0], all[1], all[2])
        }
    }

    @Test func `a worker has the ciphers of the kernel`() async {
        await #expect(processExitsWith: .exitCode(42)) {
            guard try SystemCalls.worker.enforce() else { _exit(1) }
            // Where the kernel has none, that is what it says.
            _ = socket(38, Int32(SOCK_STREAM.rawValue), 0)
            _exit(open("/dev/null", O_RDONLY) >= 0 ? 42 : 1)
        }
    }

    @Test func `it ends with its parent`() async {
        await #expect(processExitsWith: .exitCode(1)) {
            _ = try Sandbox.enter(root: nil, user: nil, calls: .session, parent: 1 << 30)
        }
    }

    @Test(
        arguments: [
            ("plain text\\x41", 80, "plain text\\x41"), ("\u{1B}[0m\n", 80, "\\x1b[0m\\x0a"), ("ä", 80, "\\xc3\\xa4"),
            ("123456789", 8, "12345..."), ("", 8, ""),
        ])
    func `what is no plain ASCII is escaped, once`(text: String, limit: Int, expected: String) {
        #expect(printable(text, limit: limit) == expected)
    }
}

/// syscall(2), which is variadic.
private func call(_ number: Int, _ a: Int = 0, _ b: Int = 0, _ c: Int = 0, _ d: Int = 0, _ e: Int = 0) -> Int {
    machine_call(number, a, b, c, d, e)
}

private func forked() -> Int { machine_call(57, 0, 0, 0, 0, 0) }

private func address(_ value: UnsafeMutablePointer<iovec>) -> Int { Int(bitPattern: value) }
