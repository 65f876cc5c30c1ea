internal import CLinux
internal import CSeccomp

/// The system calls that a confined process may still make. Any other ends it with SIGSYS, exit status 159.
@frozen public struct SystemCalls: Equatable, Sendable {
    /// Their names; one that this machine's architecture does not have is passed over.
    var names: [String]
    /// Whether terminals may be set up (`ioctl` with the requests of termios(3), of the window's size and of what is
    /// yet to be sent).
    var terminals = false
    /// Whether acknowledgements may be hurried, which is the only option of a socket that may be set.
    var quickAcknowledgements = false

    /// What any poll loop of ours needs: descriptors that it has, memory, time, randomness, and its end.
    private static let loop = [
        "read", "write", "sendto", "recvfrom", "poll", "ppoll", "close", "brk", "munmap", "mremap", "madvise", "mlock",
        "munlock", "futex", "getrandom", "getpid", "clock_gettime", "gettimeofday", "restart_syscall", "rt_sigreturn",
        "exit", "exit_group",
    ]

    /// For a session: libssh on a connected socket, and frames.
    public static let session = SystemCalls(names: loop, quickAcknowledgements: true)
    /// For a signer: frames and arithmetic.
    public static let signer = SystemCalls(names: [
        "read", "write", "sendto", "poll", "ppoll", "brk", "munmap", "mremap", "madvise", "mlock", "munlock", "futex",
        "getrandom", "getpid", "clock_gettime", "restart_syscall", "rt_sigreturn", "exit", "exit_group",
    ])
    /// For the prompt on consoles that are open already.
    public static let console = SystemCalls(names: loop, terminals: true)

    /// Leaves these system calls alone to this process.
    ///
    /// - Returns: whether the kernel does that; not when it was built without seccomp(2).
    /// - Throws: `SystemError` for libseccomp.
    func allowAlone() throws(SystemError) -> Bool {
        guard let filter = unsafe seccomp_init(SCMP_ACT_KILL_PROCESS) else {
            throw SystemError("seccomp_init", code: ENOMEM)
        }
        defer { unsafe seccomp_release(filter) }
        for name in names { try unsafe allow(name, filter) }
        // Memory that may be executed is never asked for.
        let execute = UInt64(PROT_EXEC)
        let notExecutable = scmp_arg_cmp(arg: 2, op: SCMP_CMP_MASKED_EQ, datum_a: execute, datum_b: 0)
        try unsafe allow("mmap", filter, [notExecutable])
        if quickAcknowledgements {
            var level: UInt64 = 0
            var option: UInt64 = 0
            unsafe linux_quickack_option(&level, &option)
            let rule = [equal(1, level), equal(2, option)]
            try unsafe allow("setsockopt", filter, rule)
        }
        if terminals {
            for request in [TCGETS, TCSETS, TCSETSW, TCSETSF, TIOCGWINSZ, TIOCOUTQ, TCFLSH] {
                try unsafe allow("ioctl", filter, [equal(1, UInt64(request))])
            }
        }
        switch unsafe seccomp_load(filter) {
        case 0: return true
        case -EINVAL, -ENOSYS, -ECANCELED: return false
        case let code: throw SystemError("seccomp_load", code: -code)
        }
    }

    private func equal(_ argument: UInt32, _ value: UInt64) -> scmp_arg_cmp {
        scmp_arg_cmp(arg: argument, op: SCMP_CMP_EQ, datum_a: value, datum_b: 0)
    }

    private func allow(
        _ name: String, _ filter: scmp_filter_ctx, _ conditions: [scmp_arg_cmp] = []
    ) throws(SystemError) {
        let number = unsafe seccomp_syscall_resolve_name(name)
        guard number != __NR_SCMP_ERROR else {
            throw SystemError("seccomp_syscall_resolve_name(\(name))", code: ENOSYS)
        }
        let result = unsafe seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, UInt32(conditions.count), conditions)
        // What this architecture has under no number needs no rule.
        guard result == 0 || result == -EDOM else { throw SystemError("seccomp_rule_add(\(name))", code: -result) }
    }
}
