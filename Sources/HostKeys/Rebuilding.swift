internal import Linux

/// How this machine's initrds are built.
public enum Rebuilding {
    /// The command that builds them again, or `nil` where another program does that.
    ///
    /// - Parameters:
    ///   - root: a prefix of the paths, for tests.
    ///   - kernel: the version of the only kernel whose image is to be built, or `nil` for all.
    /// - Returns: the command.
    public static func command(beneath root: String = "", kernel: String? = nil) -> String? {
        func has(_ path: String) -> Bool { Files.exists(root + path) }
        if has("/etc/NIXOS") { return "nixos-rebuild boot" }
        let hasTools = has("/usr/sbin/update-initramfs")
        let hasDracut = has("/usr/bin/dracut") || has("/usr/sbin/dracut")
        // Debian has dracut's program without dracut's images, and parts of initramfs-tools beside dracut.
        if hasDracut, !hasTools || has("/etc/kernel/postinst.d/dracut") {
            return "dracut --force " + (kernel.map { "--kver " + $0 } ?? "--regenerate-all")
        }
        if hasTools { return "update-initramfs -u -k " + (kernel ?? "all") }
        if has("/usr/bin/mkinitcpio") { return "mkinitcpio -P" }
        return nil
    }
}
