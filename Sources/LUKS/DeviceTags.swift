internal import CBlkid
internal import CLinux
public import Linux

/// What stands on a block device, or in an image, as libblkid finds it. Empty strings where it finds nothing.
public struct DeviceTags: Equatable, Sendable {
    /// Such as `crypto_LUKS`, `ext4` or `linux_raid_member`.
    public var type = ""
    public var uuid = ""
    public var label = ""
    public var partitionUUID = ""
    public var partitionLabel = ""

    public init() {}

    /// Reads what stands on the device at `path`, and its entry in the partition table it belongs to.
    ///
    /// Where signatures of two kinds stand on one device, as after a careless mkfs, neither is believed.
    ///
    /// - Parameters:
    ///   - path: the device's, or an image's.
    ///   - confine: called with the device open and before its contents are parsed, to give up rights.
    /// - Throws: `SystemError` for `open`.
    public init(probing path: String, confine: () -> Void = {}) throws(SystemError) {
        // Without O_NONBLOCK an optical drive would pull its tray in.
        let file = try FileDescriptor.open(path, O_RDONLY | O_NONBLOCK)
        // The entry lies on the disk that the partition is part of, which libblkid opens by its path.
        unsafe probe(file) { probe in
            unsafe blkid_probe_enable_superblocks(probe, 0)
            unsafe blkid_probe_enable_partitions(probe, 1)
            unsafe blkid_probe_set_partitions_flags(probe, BLKID_PARTS_ENTRY_DETAILS)
            guard unsafe blkid_do_fullprobe(probe) >= 0 else { return }
            partitionUUID = unsafe value(probe, "PART_ENTRY_UUID")
            partitionLabel = unsafe value(probe, "PART_ENTRY_NAME")
        }
        confine()
        unsafe probe(file) { probe in
            unsafe blkid_probe_enable_superblocks(probe, 1)
            unsafe blkid_probe_enable_partitions(probe, 0)
            unsafe blkid_probe_set_superblocks_flags(
                probe, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_UUID | BLKID_SUBLKS_LABEL)
            // 0 is one signature, 1 none, and -2 several.
            guard unsafe blkid_do_safeprobe(probe) == 0 else { return }
            type = unsafe value(probe, "TYPE")
            uuid = unsafe value(probe, "UUID")
            label = unsafe value(probe, "LABEL")
        }
    }
}

/// Lends `body` a new probe of the open device.
private func probe(_ file: borrowing FileDescriptor, _ body: (blkid_probe) -> Void) {
    guard let probe = unsafe blkid_new_probe() else { return }
    defer { unsafe blkid_free_probe(probe) }
    guard unsafe blkid_probe_set_device(probe, file.number, 0, 0) == 0 else { return }
    unsafe body(probe)
}

private func value(_ probe: blkid_probe, _ name: String) -> String {
    var text: UnsafePointer<CChar>?
    guard unsafe blkid_probe_lookup_value(probe, name, &text, nil) == 0, let text = unsafe text else { return "" }
    return unsafe String(cString: text)
}
