public import Config
internal import Linux

extension InitrdSystem {
    /// Finds what built an initrd's tree.
    ///
    /// - Parameter root: the tree, or empty in the initrd itself.
    /// - Returns: `nil` where it is neither's.
    public static func found(beneath root: String) -> InitrdSystem? {
        let isSystemd =
            root.isEmpty && ServiceManager.isSystemd
            || ["/usr/lib/systemd/systemd", "/lib/systemd/systemd"].contains { Files.exists(root + $0) }
        if isSystemd { return .systemd }
        return Files.isFolder(root + "/scripts") ? .initramfsTools : nil
    }

    /// Who makes the images of this machine. Debian has dracut's program without dracut's images, and the other way
    /// round initramfs-tools-core, which has mkinitramfs, without those of initramfs-tools.
    static var ofThisMachine: InitrdSystem? {
        let hasTools = Files.exists("/usr/sbin/update-initramfs")
        let hasDracut = ["/usr/bin/dracut", "/usr/sbin/dracut"].contains { Files.exists($0) }
        if hasDracut, !hasTools || Files.exists("/etc/kernel/postinst.d/dracut") { return .systemd }
        return hasTools ? .initramfsTools : nil
    }
}
