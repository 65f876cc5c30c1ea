internal import CCryptsetup
internal import CLinux
public import Linux

/// What a passphrase came to.
public enum KeyTry {
    /// It opens no key slot that was tried.
    case wrong
    /// It opens `slot`, and this is the volume key. There is none while the volume is being reencrypted.
    case right(slot: Int32, volumeKey: SecretBytes?)
}

extension LUKSVolume {
    /// Looks for the key slot that `passphrase` opens, and takes the volume key out of it. Nothing is activated.
    ///
    /// This runs the slots' key derivation: about two seconds a slot and, for argon2, up to `derivationMemory`.
    ///
    /// - Parameters:
    ///   - passphrase: what was typed, or all of a key file.
    ///   - keySlot: the one slot to try, or `nil` for all.
    /// - Returns: the slot and the volume key, or that the passphrase is wrong.
    /// - Throws: `LUKSError.unusedKeySlot`, `derivationMemory`, `requirements`, `keySlot` or `lockedMemory`.
    public borrowing func tryPassphrase(_ passphrase: SecretBytes, keySlot: Int32?) throws(LUKSError) -> KeyTry {
        if let keySlot, !holdsKey(keySlot) { throw .unusedKeySlot(path: headerPath, slot: keySlot) }
        // Two volume keys are then in force, in different slots; libcryptsetup hands out one.
        if isBeingReencrypted { return try tryPassphraseOfAllKeys(passphrase) }
        let key: SecretBytes
        do throws(SystemError) { key = try SecretBytes(capacity: LUKSVolume.largestVolumeKey) } catch {
            throw .lockedMemory(error)
        }
        let handle = unsafe self.handle
        var result: Int32 = 0
        unsafe key.fill { room in
            var size = room.count
            result = unsafe passphrase.withUnsafeBytes { bytes in
                unsafe crypt_volume_key_get(
                    handle, keySlot ?? CRYPT_ANY_SLOT, room.baseAddress?.assumingMemoryBound(to: CChar.self), &size,
                    bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
            }
            return result >= 0 ? size : 0
        }
        guard let found = try self.slot(result, keySlot) else { return .wrong }
        return .right(slot: found, volumeKey: key)
    }

    private borrowing func tryPassphraseOfAllKeys(_ passphrase: SecretBytes) throws(LUKSError) -> KeyTry {
        let handle = unsafe self.handle
        let result = unsafe passphrase.withUnsafeBytes { bytes in
            unsafe crypt_activate_by_passphrase(
                handle, nil, CRYPT_ANY_SLOT, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count, 0)
        }
        guard let found = try slot(result, nil) else { return .wrong }
        return .right(slot: found, volumeKey: nil)
    }

    /// Volume keys are 64 bytes for AES-XTS, and more with integrity or with a disk that encrypts by itself.
    private static let largestVolumeKey = 512

    /// The slot that a result names, or `nil` for a wrong passphrase.
    private borrowing func slot(_ result: Int32, _ keySlot: Int32?) throws(LUKSError) -> Int32? {
        switch result {
        case 0...: return result
        case -EPERM, -ENOENT: return nil
        case -ENOMEM: throw .derivationMemory(path: headerPath, kibibytes: derivationMemory(keySlot: keySlot))
        case -ETXTBSY: throw .requirements(path: headerPath)
        default: throw .keySlot(path: headerPath, code: -result)
        }
    }
}
