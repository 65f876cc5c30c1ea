internal import CLinux

/// How a process gives up its rights before it reads what a stranger sent.
public enum Sandbox {
    /// Shuts this process in, from the outside inwards: the folder, the user, the capabilities, the limits, its tie to
    /// its parent, and the system calls. Nothing of it can be undone.
    ///
    /// - Parameters:
    ///   - root: an empty folder to be shut into, or `nil` where the caller has no right to that.
    ///   - user: the user and group to become, or `nil` likewise.
    ///   - calls: the system calls that are left.
    ///   - parent: the process whose end is to be this one's, as it was at the start.
    ///   - endsGently: whether this process is to be asked to end, as `ChildProcess.endWithParent` has it.
    /// - Returns: whether the kernel filters system calls. A kernel built without that still lets its owner in.
    /// - Throws: `SystemError` for the first step that failed.
    public static func enter(
        root: String?, user: UInt32?, calls: SystemCalls, parent: Int32, endsGently: Bool = false
    ) throws(SystemError) -> Bool {
        try check("prctl(PR_SET_NO_NEW_PRIVS)") { linux_set_no_new_privileges() }
        // Frames and passphrases are locked in memory, and older kernels let an ordinary user lock 64 KiB.
        linux_allow_locked_memory(lockedMemory)
        if let root { try check("chroot(\(root))") { unsafe linux_shut_into(root) } }
        // It takes a capability that becoming another user takes away.
        linux_drop_bounding_set()
        if let user { try check("setresuid(\(user))") { linux_become(user, user) } }
        try check("capset") { linux_drop_capabilities() }
        try check("setrlimit(RLIMIT_CORE)") { linux_limit_core(0) }
        try check("setrlimit(RLIMIT_FSIZE)") { linux_limit_file_size(0) }
        try check("setrlimit(RLIMIT_NPROC)") { linux_limit_processes(calls.processes) }
        try check("setrlimit(RLIMIT_NOFILE)") { linux_limit_open_files(calls.descriptors) }
        try check("setrlimit(RLIMIT_AS)") { linux_limit_address_space(calls.memory, calls.mostMemory) }
        // A change of user makes a process dumpable or not as the kernel's settings have it.
        try check("prctl(PR_SET_DUMPABLE)") { linux_set_not_dumpable() }
        ChildProcess.endWithParent(parent, gently: endsGently)
        return try calls.enforce()
    }

    /// What `enter` leaves a process, for a person.
    public static func summary(_ calls: SystemCalls) -> String {
        let login = calls.memory < calls.mostMemory ? " before the login, \(calls.mostMemory >> 20) MiB after it" : ""
        return "\(calls.descriptors) descriptors, \(calls.memory >> 20) MiB\(login); system calls: \(calls.description)"
    }

    /// Gives a confined child the address space that `SystemCalls.mostMemory` keeps for it. The corresponding C function is
    /// `prlimit`; where a container's root may not do that, the child goes on with less.
    public static func allowMostMemory(_ child: StartedProcess) {
        if let process = child.living { _ = linux_raise_address_space(process) }
    }

    /// Keeps other processes of this user from looking into this one, and its memory out of core dumps: for the time
    /// before `enter`, when secrets may already be there.
    public static func hideMemory() {
        _ = linux_set_not_dumpable()
        _ = linux_overwrite_freed_memory()
    }

    /// A write to a pipe that nobody reads from now on fails, and does not end this process.
    public static func ignoreBrokenPipes() { linux_ignore_broken_pipes() }

    private static let lockedMemory: UInt64 = 32 << 20
}
