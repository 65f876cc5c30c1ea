internal import CLinux
internal import CSeccomp

/// The system calls that a confined process may still make. Any other ends it with SIGSYS, exit status 159.
@frozen public struct SystemCalls: Equatable, Sendable {
    /// Their names; one that this machine's architecture does not have is passed over.
    var names: [String]
    /// Whether the names are those that may not be made, and all others may.
    var areForbidden = false
    /// Whether terminals may be set up (`ioctl` with the requests of termios(3), of the window's size and of what is
    /// yet to be sent).
    var terminals = false
    /// Whether acknowledgements may be hurried, which is the only option of a socket that may be set.
    var quickAcknowledgements = false
    /// Whether any socket may be made, where all calls but some may.
    var network = false
    /// Processes and threads that its user may have beside it.
    var processes: UInt64 = 0
    /// Descriptors that a process has by then; it gets no more. poll(2) refuses more than may be open, so it is not 0.
    var descriptors: UInt64 = 16
    /// Bytes of address space: the largest frame, what is made of it, and what libraries keep.
    var memory: UInt64 = 256 << 20
    /// Bytes of it that its parent may raise that to, by `Sandbox.allowMostMemory`; it has no system call to do so itself.
    var mostMemory: UInt64 = 256 << 20

    /// Bytes of address space for whoever serves a stranger. A session takes 8 MiB with 1024 authorized keys, RSA keys of
    /// 4096 bits on both sides and a post-quantum key exchange, of which 6 are the program; another 2 where its client
    /// sends packets of 256 KiB and reads no answer.
    private static let strangersMemory: UInt64 = 32 << 20

    /// What any poll loop of ours needs: descriptors that it has, memory, time, and its end.
    private static let loop = [
        "read", "write", "sendto", "poll", "ppoll", "close", "brk", "munmap", "mremap", "madvise", "mlock", "munlock",
        "futex", "getrandom", "clock_gettime", "restart_syscall", "rt_sigreturn", "exit", "exit_group",
    ]

    /// For a session: libssh on a connected socket, and frames.
    public static let session = SystemCalls(
        names: loop + ["recvfrom", "getpid", "gettimeofday"], quickAcknowledgements: true, descriptors: 6,
        memory: strangersMemory)
    /// The same where shells are permitted, whose descriptors come with frames.
    public static var sessionWithShells: SystemCalls {
        var calls = session
        calls.names.append("recvmsg")
        calls.descriptors += UInt64(Shell.most * PassedDescriptors.most)
        return calls
    }
    /// For a signer: frames and arithmetic.
    public static let signer = SystemCalls(
        names: loop + ["getpid"], descriptors: 5, memory: strangersMemory, mostMemory: strangersMemory)
    /// For the prompt on consoles that are open already.
    public static let console = SystemCalls(names: loop, terminals: true)
    /// For a worker: libcryptsetup and libdevmapper make most of the others, and one that was left out of a list would
    /// leave a volume locked. So it is told what it may not do: run programs, look into processes, load code into the
    /// kernel, replace it, or reach the network. Of sockets it may have those of the kernel's ciphers.
    public static let worker = SystemCalls(names: ["execve", "connect"] + machinery, areForbidden: true)
    /// For a notifier: curl, which is the distribution's, and whose libraries nobody can know. It serves nobody, and changes
    /// no mount, key or clock.
    public static let notifier = SystemCalls(
        names: machinery + ["accept", "accept4", "mount", "umount2", "unshare", "keyctl", "add_key", "request_key"],
        areForbidden: true, network: true, processes: 16, descriptors: 64, memory: 1 << 30, mostMemory: 1 << 30)

    /// What neither of the two has to do with: running other programs' code, other processes' memory, and the machine.
    private static let machinery = [
        "execveat", "ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "bpf", "perf_event_open",
        "userfaultfd", "io_uring_setup", "init_module", "finit_module", "delete_module", "kexec_load",
        "kexec_file_load", "reboot", "swapon", "swapoff", "pivot_root", "chroot", "setns", "open_by_handle_at",
        "listen",
    ]

    /// What is in it, for a person.
    public var description: String {
        var words = names
        if !areForbidden {
            words.append("mmap (not executable)")
        } else if !network {
            words.append("socket (but AF_ALG)")
        }
        if quickAcknowledgements { words.append("setsockopt (TCP_QUICKACK)") }
        if terminals { words.append("ioctl (of terminals)") }
        return words.joined(separator: " ")
    }

    /// Leaves these system calls alone to this process, or all but these.
    ///
    /// - Returns: whether the kernel does that; not when it was built without seccomp(2).
    /// - Throws: `SystemError` for libseccomp.
    @discardableResult public func enforce() throws(SystemError) -> Bool {
        guard let filter = unsafe seccomp_init(areForbidden ? SCMP_ACT_ALLOW : SCMP_ACT_KILL_PROCESS) else {
            throw SystemError("seccomp_init", code: ENOMEM)
        }
        defer { unsafe seccomp_release(filter) }
        for name in names { try unsafe add(name, filter) }
        if areForbidden {
            if !names.isEmpty, !network {
                let other = scmp_arg_cmp(arg: 0, op: SCMP_CMP_NE, datum_a: UInt64(AF_ALG), datum_b: 0)
                try unsafe add("socket", filter, [other])
            }
        } else {
            // Memory that may be executed is never asked for.
            let execute = UInt64(PROT_EXEC)
            let notExecutable = scmp_arg_cmp(arg: 2, op: SCMP_CMP_MASKED_EQ, datum_a: execute, datum_b: 0)
            try unsafe add("mmap", filter, [notExecutable])
        }
        if quickAcknowledgements {
            var level: UInt64 = 0
            var option: UInt64 = 0
            unsafe linux_quickack_option(&level, &option)
            let rule = [equal(1, level), equal(2, option)]
            try unsafe add("setsockopt", filter, rule)
        }
        if terminals {
            for request in [TCGETS, TCSETS, TCSETSW, TCSETSF, TIOCGWINSZ, TIOCOUTQ, TCFLSH] {
                try unsafe add("ioctl", filter, [equal(1, UInt64(request))])
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

    private func add(
        _ name: String, _ filter: scmp_filter_ctx, _ conditions: [scmp_arg_cmp] = []
    ) throws(SystemError) {
        let number = unsafe seccomp_syscall_resolve_name(name)
        guard number != __NR_SCMP_ERROR else {
            throw SystemError("seccomp_syscall_resolve_name(\(name))", code: ENOSYS)
        }
        let result = unsafe seccomp_rule_add_array(
            filter, areForbidden ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ALLOW, number, UInt32(conditions.count), conditions)
        // What this architecture has under no number needs no rule.
        guard result == 0 || result == -EDOM else { throw SystemError("seccomp_rule_add(\(name))", code: -result) }
    }
}
