internal import CLinux

/// How a machine goes.
public enum Power: Sendable {
    case restart
    case powerOff

    /// Asks systemd, as process 1, to end all units and then do it: SIGRTMIN+5 and SIGRTMIN+4 of systemd(1), which ask for no
    /// program. It takes root.
    ///
    /// - Returns: whether it was asked.
    public func askSystemd() -> Bool {
        CLinux.kill(1, linux_realtime_signal(self == .restart ? 5 : 4)) == 0
    }

    /// Has the kernel write what is still to be written to disks, and do it; reboot(2). It takes CAP_SYS_BOOT.
    ///
    /// - Returns: why not. Otherwise there is no return.
    public func perform() -> SystemError {
        let failed = linux_leave(self == .restart ? 0 : 1)
        return SystemError("reboot", code: failed)
    }
}
