internal import CCryptsetup
internal import CLinux
public import Linux

extension DMCryptFlags {
    /// In libcryptsetup's terms. It adds by itself what is stored in the header, and the kernel keyring for LUKS2.
    var native: UInt32 {
        var native: UInt32 = 0
        if contains(.readOnly) { native |= activate_readonly }
        if contains(.discard) { native |= activate_allow_discards }
        if contains(.sameCPUCrypt) { native |= activate_same_cpu_crypt }
        if contains(.submitFromCryptCPUs) { native |= activate_submit_from_crypt_cpus }
        if contains(.noReadWorkqueue) { native |= activate_no_read_workqueue }
        if contains(.noWriteWorkqueue) { native |= activate_no_write_workqueue }
        return native
    }
}

/// Whether the mapping is this process's work.
public enum Activation: Equatable, Sendable {
    /// It is made. When udev did not answer in time, links such as `/dev/disk/by-id/dm-name-NAME` may be missing.
    case made(udevAnswered: Bool)
    /// Somebody else had it made before.
    case existed
}

extension LUKSVolume {
    /// How long udev may take to answer one device-mapper cookie, in seconds.
    ///
    /// libdevmapper waits until udev's rule 95-dm-notify.rules has run `dmsetup udevcomplete`: for ever, in an image
    /// with udevd and without the rule or the program. Real answers take milliseconds, and a slow disk's some seconds.
    private static let udevPatience: Int32 = 10

    /// Maps the volume at `/dev/mapper/NAME` with its volume key. There is no key derivation any more.
    ///
    /// - Throws: `LUKSError.name`, `inUse` or `activation`.
    public borrowing func activate(
        as name: String, volumeKey: SecretBytes, flags: DMCryptFlags
    ) throws(LUKSError) -> Activation {
        let handle = unsafe self.handle
        return try mapping(name) {
            unsafe volumeKey.withUnsafeBytes { bytes in
                unsafe crypt_activate_by_volume_key(
                    handle, name, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count, flags.native)
            }
        }
    }

    /// Maps a volume that is being reencrypted, deriving its keys once more.
    ///
    /// - Throws: `LUKSError.name`, `inUse` or `activation`.
    public borrowing func activate(
        as name: String, passphrase: SecretBytes, flags: DMCryptFlags
    ) throws(LUKSError) -> Activation {
        let handle = unsafe self.handle
        return try mapping(name) {
            unsafe passphrase.withUnsafeBytes { bytes in
                unsafe crypt_activate_by_passphrase(
                    handle, name, CRYPT_ANY_SLOT, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count,
                    flags.native)
            }
        }
    }

    /// Removes the mapping of that name, and its key from the kernel's memory.
    ///
    /// - Throws: `LUKSError.closing`, with `EBUSY` where it is in use.
    public static func close(_ name: String) throws(LUKSError) {
        linux_bound_udev_cookies(udevPatience)
        let result = unsafe crypt_deactivate(nil, name)
        _ = linux_unbound_udev_cookies()
        guard result == 0 else { throw .closing(name: name, code: -result) }
    }

    /// Runs an activation with the wait for udev bounded, and reads its result.
    private borrowing func mapping(_ name: String, _ call: () -> Int32) throws(LUKSError) -> Activation {
        linux_bound_udev_cookies(LUKSVolume.udevPatience)
        let result = call()
        let unanswered = linux_unbound_udev_cookies()
        switch result {
        case 0...: return .made(udevAnswered: unanswered == 0)
        case -EEXIST, -EBUSY:
            // Busy is also what a device says that is mounted, or mapped under another name.
            if try isOpen(as: Mapping(named: name)) { return .existed }
            throw .inUse(path: device)
        default: throw .activation(path: device, name: name, code: -result)
        }
    }
}
