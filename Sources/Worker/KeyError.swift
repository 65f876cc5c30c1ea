internal import CLinux
internal import Linux
internal import Wire

/// Why a key file gave no key. The texts are read in the prompt, by someone who may fix it from afar.
enum KeyError: Error, Equatable, CustomStringConvertible {
    /// It cannot be opened or read; in most cases it is not there. `code` is an `errno` value here and below.
    case file(KeyOrder, code: Int32)
    case notRegular(KeyOrder)
    case empty(KeyOrder)
    case tooLarge(KeyOrder)
    /// It ends before the key does.
    case tooShort(KeyOrder, bytes: UInt64)
    case symbolicLink(KeyOrder)
    case leadsOut(KeyOrder)
    case volume(String, code: Int32)
    case noFilesystem(String)
    case filesystem(String, type: String)
    case mount(String, type: String, code: Int32)
    case lockedMemory(SystemError)

    var description: String {
        switch self {
        case .file(let order, let code): "\(subject(order)): \(text(code))"
        case .notRegular(let order): "\(subject(order)) is not a regular file"
        case .empty(let order): "\(subject(order)) is empty"
        case .tooLarge(let order):
            "\(subject(order)) is larger than \(Limits.keyFile >> 20) MiB; keyfile-size= takes a part of it"
        case .tooShort(let order, let bytes):
            "\(subject(order)) has only \(bytes) bytes, but \(part(order)) is asked for"
        case .symbolicLink(let order): "\(subject(order)) lies behind a symbolic link, which is not followed there"
        case .leadsOut(let order): "\(subject(order)) leads out of the key volume"
        case .volume(let device, let code): "key volume \(device) cannot be read: \(text(code))"
        case .noFilesystem(let device): "key volume \(device) has no file system"
        case .filesystem(let device, let type):
            "key volume \(device) has a file system that is not mounted here: \(type), not ext4, xfs, btrfs or vfat"
        case .mount(let device, let type, ENODEV):
            "key volume \(device) does not mount: the kernel has no module for \(type)"
        case .mount(let device, let type, let code): "key volume \(device) does not mount as \(type): \(text(code))"
        case .lockedMemory(let error): "no locked memory for the key file: \(error.description)"
        }
    }

    private func subject(_ order: KeyOrder) -> String {
        if let device = order.device { return "key file \(order.path) on \(device)" }
        if let folder = order.folder { return "key file \(order.path) in \(folder)" }
        return "key file \(order.path)"
    }

    /// The part of the file that the key is.
    private func part(_ order: KeyOrder) -> String {
        guard let size = order.size else { return "what follows byte \(order.offset)" }
        return order.offset == 0 ? "a key of \(size)" : "a key of \(size) from byte \(order.offset) on"
    }

    private func text(_ code: Int32) -> String {
        unsafe String(cString: strerror(code))
    }
}
