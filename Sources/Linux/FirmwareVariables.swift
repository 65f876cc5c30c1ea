internal import CLinux

/// The variables of this machine's firmware, each a file of efivarfs: four bytes of attributes, then its value.
public struct FirmwareVariables: ~Copyable {
    private let folder: FileDescriptor

    /// Whether the machine was started by EFI.
    public static var areThere: Bool { Files.exists("/sys/firmware/efi") }

    /// Mounts efivarfs at no path: no other process sees it, and it goes with this value. It takes `CAP_SYS_ADMIN`.
    ///
    /// - Throws: `SystemError` for `mount`: `ENODEV` where the kernel has no efivarfs, `EOPNOTSUPP` where the firmware gives
    ///   the kernel no access.
    public init(writable: Bool) throws(SystemError) {
        folder = FileDescriptor(owning: try check("mount(efivarfs)") { linux_mount_variables(writable ? 1 : 0) })
    }

    /// Those that a booted system has mounted.
    ///
    /// - Throws: `SystemError` for `open`.
    public init(mounted path: String) throws(SystemError) {
        folder = try FileDescriptor.open(path, O_RDONLY | O_DIRECTORY)
    }

    /// The value of a variable, or `nil` when there is none.
    ///
    /// - Throws: `SystemError`; `EFBIG` when it is larger than `limit` bytes.
    public borrowing func value(of name: String, limit: Int) throws(SystemError) -> [UInt8]? {
        let number = unsafe linux_open_in(folder.number, name, O_RDONLY, 0)
        if number == -1, linux_errno() == ENOENT { return nil }
        let file = FileDescriptor(owning: try check("open(\(name))") { number })
        let bytes = try Files.readWhole(file, name, room: FirmwareVariables.attributes.count + limit + 1)
        return unsafe bytes.withUnsafeBytes { unsafe Array($0.dropFirst(FirmwareVariables.attributes.count)) }
    }

    /// Makes a variable, or gives it another value, which lasts and which the firmware shows at boot and afterwards.
    ///
    /// It takes `CAP_LINUX_IMMUTABLE`: the kernel protects the files of variables that are there.
    ///
    /// - Throws: `SystemError`
    public borrowing func set(_ name: String, to value: [UInt8]) throws(SystemError) {
        let old = unsafe linux_open_in(folder.number, name, O_RDONLY, 0)
        defer { if old >= 0 { _ = close(old) } }
        if old >= 0 { try check("ioctl(\(name))") { linux_set_immutable(old, 0) } }
        defer { if old >= 0 { _ = linux_set_immutable(old, 1) } }
        let file = FileDescriptor(
            owning: try check("open(\(name))") {
                unsafe linux_open_in(folder.number, name, O_WRONLY | O_CREAT, 0o644)
            })
        // One write is one call of the firmware.
        _ = try unsafe (FirmwareVariables.attributes + value).withUnsafeBufferPointer { buffer throws(SystemError) in
            unsafe try file.write(UnsafeRawBufferPointer(buffer))
        }
    }

    /// EFI_VARIABLE_NON_VOLATILE, EFI_VARIABLE_BOOTSERVICE_ACCESS and EFI_VARIABLE_RUNTIME_ACCESS.
    private static let attributes: [UInt8] = [7, 0, 0, 0]
}
