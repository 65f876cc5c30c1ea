internal import CCryptsetup
internal import CLinux
public import Linux

/// A LUKS header that has been read, and the device it belongs to.
@safe public struct LUKSVolume: ~Copyable {
    let handle: OpaquePointer
    /// The encrypted device's path.
    let device: String
    /// The path of the device or file that the header lies on.
    let headerPath: String
    private let log: LibraryLog

    /// Reads the header of `device`, which lies on the device itself unless `header` names another one or a file.
    ///
    /// Where one of LUKS2's two copies is damaged, this repairs it on the disk, as cryptsetup(8) does; see `neverWrite`.
    ///
    /// - Throws: `LUKSError.device`, `noHeader`, `damaged` or `requirements`.
    public init(device: String, header: String?, log: LibraryLog) throws(LUKSError) {
        LibraryLog.silence()
        let headerPath = header ?? device
        // libcryptsetup says no more than "not a block device" of what it cannot open.
        try LUKSVolume.requireReadable(headerPath)
        if header != nil { try LUKSVolume.requireReadable(device) }
        var handle: OpaquePointer?
        let made = unsafe crypt_init_data_device(&handle, headerPath, device)
        guard made == 0, let handle = unsafe handle else { throw .device(path: device, code: -made) }
        unsafe log.attach(to: handle)
        var loaded = unsafe crypt_load(handle, nil, nil)
        if loaded != 0, unsafe access(LUKSVolume.locks, W_OK) != 0 {
            // Without a place for its lock, libcryptsetup reads no header. No lock is needed where nothing is written.
            LUKSVolume.neverWrite()
            loaded = unsafe crypt_load(handle, nil, nil)
        }
        guard loaded == 0 else {
            unsafe crypt_free(handle)
            if loaded == -ETXTBSY { throw .requirements(path: headerPath) }
            let tags = (try? DeviceTags(probing: headerPath)) ?? DeviceTags()
            if loaded == -EINVAL, tags.type == "crypto_LUKS" { throw .damaged(path: headerPath) }
            throw .noHeader(path: headerPath, code: -loaded)
        }
        unsafe self.handle = handle
        self.device = device
        self.headerPath = headerPath
        self.log = log
    }

    deinit {
        unsafe crypt_free(handle)
    }

    /// Where libcryptsetup keeps its locks (`DEFAULT_LUKS2_LOCK_PATH`).
    private static let locks = "/run/cryptsetup"

    private static func requireReadable(_ path: String) throws(LUKSError) {
        do throws(SystemError) {
            let file = try FileDescriptor.open(path, O_RDONLY | O_NONBLOCK)
            // A bad sector opens well.
            var start: UInt64 = 0
            _ = unsafe try withUnsafeMutableBytes(of: &start) { room throws(SystemError) in
                unsafe try file.read(into: room)
            }
        } catch { throw .device(path: path, code: error.code) }
    }

    /// Keeps this process from writing to any header: a damaged copy is not repaired. It cannot be taken back.
    ///
    /// libcryptsetup repairs under its lock alone. The lock is a file under `/run`, which needs root besides.
    public static func neverWrite() {
        crypt_metadata_locking(nil, 0)
    }

    /// Whether a mapping is this volume, whoever opened it.
    ///
    /// - Parameters:
    ///   - mapping: what stands under the volume's name.
    ///   - wanted: the LUKS UUID that the volume must have, or `nil` where that of this header counts.
    /// - Returns: whether there is one, and it is this volume.
    /// - Throws: `LUKSError.name` when it is something else.
    public borrowing func isOpen(as mapping: Mapping?, _ wanted: String? = nil) throws(LUKSError) -> Bool {
        guard let mapping else { return false }
        guard let objection = mapping.objection(to: wanted ?? uuid, mayBePartlyPlain: isBeingReencrypted) else {
            return true
        }
        throw .name(objection)
    }

    /// 1 or 2.
    public var version: UInt8 {
        isLUKS2 ? 2 : 1
    }

    var isLUKS2: Bool {
        unsafe strcmp(crypt_get_type(handle), "LUKS2") == 0
    }

    public var uuid: String {
        guard let text = unsafe crypt_get_uuid(handle) else { return "" }
        return unsafe String(cString: text)
    }

    /// Whether the data is partly under another key, because an online reencryption has not ended.
    public var isBeingReencrypted: Bool {
        guard isLUKS2 else { return false }
        let status = unsafe crypt_reencrypt_status(handle, nil)
        return status == CRYPT_REENCRYPT_CLEAN || status == CRYPT_REENCRYPT_CRASH
    }

    /// The type names of a LUKS2 header's tokens that open a key slot, such as `systemd-tpm2` or `clevis`, at most 32.
    ///
    /// A token that is bound to no slot, or to an empty one, opens nothing: it was left over when its slot was wiped.
    public var tokenTypes: [String] {
        guard isLUKS2 else { return [] }
        var types: [String] = []
        let slots = (0..<max(unsafe crypt_keyslot_max("LUKS2"), 0)).filter { holdsKey($0) }
        let count = unsafe crypt_token_max("LUKS2")
        for token in 0..<min(max(count, 0), 32) {
            var type: UnsafePointer<CChar>?
            let status = unsafe crypt_token_status(handle, token, &type)
            guard status != CRYPT_TOKEN_INVALID, status != CRYPT_TOKEN_INACTIVE, let type = unsafe type,
                slots.contains(where: { unsafe crypt_token_is_assigned(handle, token, $0) == 0 })
            else { continue }
            types.append(unsafe String(cString: type))
        }
        return types
    }

    /// The key slots that would be tried.
    ///
    /// - Parameter keySlot: the one slot to be tried, or `nil` for all.
    /// - Returns: their numbers, each with the memory that argon2 takes for it in KiB, 0 for PBKDF2.
    public borrowing func derivations(keySlot: Int32?) -> [(slot: Int32, kibibytes: UInt32)] {
        var all: [(slot: Int32, kibibytes: UInt32)] = []
        let count = unsafe crypt_keyslot_max(crypt_get_type(handle))
        for slot in 0..<max(count, 0) where holdsKey(slot) {
            // A slot of priority "ignore" is tried only when it is named.
            let isTried = unsafe !isLUKS2 || crypt_keyslot_get_priority(handle, slot) != CRYPT_SLOT_PRIORITY_IGNORE
            guard keySlot.map({ $0 == slot }) ?? isTried else { continue }
            var derivation = unsafe crypt_pbkdf_type()
            let isKnown = unsafe isLUKS2 && crypt_keyslot_get_pbkdf(handle, slot, &derivation) == 0
            all.append((slot, unsafe isKnown ? derivation.max_memory_kb : 0))
        }
        return all
    }

    /// Finds the most memory that argon2 takes for one of the key slots that would be tried.
    ///
    /// - Parameter keySlot: the one slot to be tried, or `nil` for all.
    /// - Returns: the memory in KiB; 0 for PBKDF2 alone.
    public borrowing func derivationMemory(keySlot: Int32?) -> UInt32 {
        derivations(keySlot: keySlot).reduce(0) { max($0, $1.kibibytes) }
    }

    /// Whether a key slot holds the volume's key, and not none or one that is bound to nothing.
    func holdsKey(_ slot: Int32) -> Bool {
        let status = unsafe crypt_keyslot_status(handle, slot)
        return status == CRYPT_SLOT_ACTIVE || status == CRYPT_SLOT_ACTIVE_LAST
    }
}
