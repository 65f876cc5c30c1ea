internal import CLinux
public import Linux

/// Why a volume could not be read or opened. A wrong passphrase is not among them.
public enum LUKSError: Error, Equatable, CustomStringConvertible {
    /// The device or file is not there, or cannot be opened. `code` is an `errno` value here and below.
    case device(path: String, code: Int32)
    case noHeader(path: String, code: Int32)
    /// There is a LUKS header, but no copy of it can be read.
    case damaged(path: String)
    /// The header asks for what this libcryptsetup does not know, or an offline reencryption is under way.
    case requirements(path: String)
    /// Another volume stands where `wanted` was meant.
    case anotherVolume(path: String, uuid: String, wanted: String)
    /// The header would leave data, or a key, unencrypted.
    case plainText(path: String)
    /// The key slot named by `key-slot=` is empty, or its key is not the volume's.
    case unusedKeySlot(path: String, slot: Int32)
    case keySlot(path: String, code: Int32)
    case derivationMemory(path: String, kibibytes: UInt32)
    /// Something else has the volume's name, or what has it is not usable.
    case name(String)
    case inUse(path: String)
    case activation(path: String, name: String, code: Int32)
    case closing(name: String, code: Int32)
    case lockedMemory(SystemError)

    public var description: String {
        switch self {
        case .device(let path, let code): "\(path): \(text(code))"
        case .noHeader(let path, let code): "no LUKS header on \(path): \(text(code))"
        case .damaged(let path): "LUKS header on \(path) is damaged, and no copy of it can be read"
        case .requirements(let path):
            "\(path) is being reencrypted offline, or needs a newer version of cryptsetup"
        case .anotherVolume(let path, let uuid, let wanted):
            "\(path) is refused: it is another volume, with the LUKS UUID \(uuid) and not \(wanted); if it is meant, boot "
                + "with postern=off and build the image again"
        case .plainText(let path): "\(path) is refused: its LUKS header leaves data or a key unencrypted"
        case .unusedKeySlot(let path, let slot): "key slot \(slot) of \(path) holds no key of the volume"
        case .keySlot(let path, let code): "key slot of \(path) cannot be read: \(text(code))"
        case .derivationMemory(let path, 0): "key derivation of \(path) takes more memory than is free"
        case .derivationMemory(let path, let kibibytes):
            "key derivation of \(path) takes \((kibibytes + 1023) / 1024) MiB of memory, more than is free"
        case .name(let reason): reason
        // To libcryptsetup these two are the same.
        case .inUse(let path): "\(path) is in use (mounted, or open under another name), or module dm_crypt is missing"
        case .activation(let path, let name, ENOKEY): "\(path) cannot be opened as \(name): no kernel keyring"
        case .activation(let path, let name, EDQUOT): "\(path) cannot be opened as \(name): kernel keyring is full"
        case .activation(let path, let name, ENOTSUP):
            "\(path) cannot be opened as \(name): no device-mapper (module dm_mod or dm_crypt is missing)"
        case .activation(let path, let name, let code): "\(path) cannot be opened as \(name): \(text(code))"
        case .closing(_, EBUSY): "it is in use"
        case .closing(_, let code): text(code)
        case .lockedMemory(let error): "no locked memory: \(error.description)"
        }
    }

    private func text(_ code: Int32) -> String {
        unsafe String(cString: strerror(code))
    }
}
