internal import CLinux

/// A folder that paths are looked up in without leaving it: of the file tree, or of a file system mounted for it alone.
public struct Folder: ~Copyable {
    private let descriptor: FileDescriptor

    /// Opens a folder of the file tree.
    ///
    /// - Throws: `SystemError` for `open`.
    public init(_ path: String) throws(SystemError) {
        descriptor = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY)
    }

    /// Mounts the file system on `device`, read-only, nosuid, nodev and noexec, at no path: no other process sees it.
    ///
    /// It is unmounted when this value and every file opened from it are gone, even when the process is killed. The
    /// corresponding C functions are `fsopen`, `fsconfig` and `fsmount` (Linux 5.2).
    ///
    /// - Parameters:
    ///   - device: the block device's path.
    ///   - type: the file system's driver, such as `ext4`.
    ///   - option: one more mount option, `name` or `name=value`.
    /// - Throws: `SystemError` for `mount`.
    public init(mounting device: String, type: String, option: String?) throws(SystemError) {
        let parts = option?.split(separator: "=", maxSplits: 1).map { String($0) } ?? []
        let number: Int32
        switch parts.count {
        case 0: number = unsafe linux_mount_detached(type, device, nil, nil)
        case 1: number = unsafe linux_mount_detached(type, device, parts[0], nil)
        default: number = unsafe linux_mount_detached(type, device, parts[0], parts[1])
        }
        guard number >= 0 else { throw SystemError("mount(\(device))") }
        descriptor = FileDescriptor(owning: number)
    }

    /// Opens a file for reading whose path, taken from this folder, goes through no symbolic link and not out of it.
    ///
    /// The corresponding C function is `openat2` (Linux 5.6).
    ///
    /// - Throws: `SystemError` for `openat2`: `ELOOP` at a symbolic link, `EXDEV` where `..` leads out.
    public borrowing func open(beneath path: String) throws(SystemError) -> FileDescriptor {
        // A path from the volume's root is written with a slash, which openat2 takes for a way out.
        try open(String(path.drop { $0 == "/" }), linux_resolve_beneath_no_symlinks())
    }

    /// Opens a file for reading as if this folder were the root: links in the tree of an image lead where they will lead
    /// in it.
    ///
    /// - Throws: `SystemError` for `openat2`.
    public borrowing func open(asRoot path: String) throws(SystemError) -> FileDescriptor {
        try open(path, linux_resolve_in_root())
    }

    private borrowing func open(_ path: String, _ resolve: UInt64) throws(SystemError) -> FileDescriptor {
        // Without O_NONBLOCK a FIFO would hold the worker until someone writes to it.
        let flags = O_RDONLY | O_NOCTTY | O_NONBLOCK
        return FileDescriptor(
            owning: try check("openat2(\(path))") { unsafe linux_openat2(descriptor.number, path, flags, resolve) })
    }
}

/// A block device that the kernel takes no writes for, until it is restored or the owner goes.
///
/// Another process that does the same to the same device waits: otherwise the second would remember the first one's
/// setting as the device's own, and leave it read-only for ever.
public struct ReadOnlyDevice: ~Copyable {
    private let descriptor: FileDescriptor
    private let before: Int32

    /// Sets the device read-only. The corresponding ioctl is `BLKROSET`.
    ///
    /// - Throws: `SystemError` for `open`, `flock` or `ioctl`; `ENOTTY` when it is not a block device.
    public init(_ path: String) throws(SystemError) {
        let descriptor = try FileDescriptor.open(path, O_RDONLY | O_NONBLOCK)
        try check("flock(\(path))") { linux_lock(descriptor.number) }
        var before: Int32 = 0
        try check("ioctl(\(path), BLKROGET)") { unsafe linux_block_read_only(descriptor.number, &before) }
        try check("ioctl(\(path), BLKROSET)") { linux_set_block_read_only(descriptor.number, 1) }
        self.descriptor = descriptor
        self.before = before
    }

    deinit {
        _ = linux_set_block_read_only(descriptor.number, before)
    }

    /// Gives the device its former setting back.
    public consuming func restore() {}
}
