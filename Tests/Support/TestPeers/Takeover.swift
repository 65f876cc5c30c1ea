import CMachine
import Foundation
import Glibc

/// What code could do that a stranger has brought into one of our processes: a system call of its choice.
public enum Takeover {
    /// Has a process that waits for something make a system call with these arguments. Needs root, and x86-64.
    ///
    /// With `bytes`, the argument at `place` is a pointer to them, in that process's memory.
    public static func call(
        _ process: Int32, _ number: Int, _ arguments: [Int] = [], bytes: [UInt8] = [], at place: Int = -1
    ) throws {
        let all = arguments + [Int](repeating: 0, count: 6 - arguments.count)
        let end = Date().addingTimeInterval(90)
        while machine_inject(process, number, all, bytes, UInt(bytes.count), Int32(place)) == -1 {
            // It was just busy.
            guard errno == EAGAIN, Date() < end else {
                throw PeerError.tool("no call in \(process): \(String(cString: strerror(errno)))")
            }
            usleep(10_000)
        }
    }

    /// Calls that no confined process has a use for, with arguments that the kernel would take from root: open a file or
    /// a device, make a socket, start a process or a program, read another process's memory, and so on.
    public static func forbidden(near other: Int32) -> [(name: String, number: Int, arguments: [Int])] {
        let noFile = -100
        return [
            ("open", 2, []), ("openat", 257, [noFile]), ("socket", 41, [Int(AF_INET), 1]), ("fork", 57, []),
            ("clone", 56, [Int(SIGCHLD)]), ("execve", 59, []), ("process_vm_readv", 310, [Int(other)]),
            ("ptrace", 101, [16, Int(other)]), ("mknodat", 259, [noFile]), ("kill", 62, [Int(other), 0]),
            ("setuid", 105, []), ("mprotect", 10, [0, 4096, 7]), ("mmap of code", 9, [0, 4096, 7, 0x22, -1]),
            ("ioctl", 16, [0, 0x5412]), ("connect", 42, [4]), ("dup", 32, [0]), ("prctl", 157, [38]),
            ("setrlimit", 160, [9]), ("prlimit64", 302, [0, 9]),
        ]
    }
}
