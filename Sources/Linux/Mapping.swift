internal import CLinux

/// What device-mapper has under a name.
///
/// Any program can choose the name: LVM calls the logical volume `root` of a group `crypt` on some stick `crypt-root`, and maps it as
/// soon as the stick is seen. Only the mapping's own UUID, which cryptsetup makes of the LUKS UUID, says what it is.
public struct Mapping: Equatable, Sendable {
    /// Such as `CRYPT-LUKS2-8d103e4502334756899ebf8892644790-crypt-root`, or `LVM-` and those of a group and a volume.
    public var uuid: String
    public var isSuspended = false
    /// Whether it is removed when its last user has closed it.
    public var isLeaving = false
    /// The targets of its live table, and how many of them encrypt, or hand through.
    public var targets: UInt32 = 1
    public var encrypting: UInt32 = 1
    public var linear: UInt32 = 0

    public init(uuid: String) {
        self.uuid = uuid
    }

    /// Asks the kernel. It takes CAP_SYS_ADMIN: without, and where there is no such mapping, this is `nil`.
    public init?(named name: String) {
        var found = linux_mapping()
        guard unsafe linux_find_mapping(name, &found) == 0 else { return nil }
        uuid = unsafe withUnsafeBytes(of: &found.uuid) { bytes in
            unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        (isSuspended, isLeaving) = (found.is_suspended != 0, found.is_leaving != 0)
        (targets, encrypting, linear) = (found.targets, found.crypt, found.linear)
    }

    /// Looks whether this is the open volume of a LUKS UUID.
    ///
    /// - Parameters:
    ///   - wanted: the LUKS UUID, or `nil` where it is not known and that of any volume will do.
    ///   - mayBePartlyPlain: whether the volume is being encrypted or decrypted in place, or its key changed: then a part
    ///     of the mapping may lie on the disk itself, or on mappings that cryptsetup works with.
    /// - Returns: why it is not, as one sentence, or `nil` when it is.
    public func objection(to wanted: String?, mayBePartlyPlain: Bool = false) -> String? {
        if let reason = strangeness(to: wanted) { return reason }
        if isLeaving { return "its mapping is about to be removed" }
        if isSuspended || targets == 0 { return "its mapping is suspended, or has no table" }
        guard encrypting + (mayBePartlyPlain ? linear : 0) == targets else {
            return "its mapping is not one that encrypts"
        }
        return nil
    }

    /// Why this is none of the volume's, in whatever state, or `nil` when it is.
    public func strangeness(to wanted: String?) -> String? {
        if isVolume(wanted) { return nil }
        let title = uuid.isEmpty ? "without a UUID" : printable(uuid, limit: Mapping.longestTitle)
        return "the name is taken by another mapping (\(title)): it waits until that is gone"
    }

    private static let longestTitle = 100

    /// Whether cryptsetup has made it of a volume with that LUKS UUID, which is there without its dashes. What follows is
    /// the name it had then, cut to what there is room for.
    private func isVolume(_ wanted: String?) -> Bool {
        let dash = UInt8(ascii: "-")
        let own = Array(uuid.utf8)
        let (start, end) = (12, 12 + 32)
        guard uuid.hasPrefix("CRYPT-LUKS1-") || uuid.hasPrefix("CRYPT-LUKS2-"), own.count > end, own[end] == dash else {
            return false
        }
        guard let wanted else { return !own[start..<end].contains(dash) }
        var index = start
        for byte in wanted.utf8 where byte != dash {
            guard index < end, lower(own[index]) == lower(byte) else { return false }
            index += 1
        }
        return index == end
    }

    private func lower(_ byte: UInt8) -> UInt8 {
        (0x41...0x5a).contains(byte) ? byte | 0x20 : byte
    }
}
