internal import CLinux
public import Linux
internal import Wire

/// The job that reads a key file into locked memory.
public enum KeyFile {
    /// What the frames that carry a key take besides it, in bytes.
    private static let roomAround = 16 << 10

    static func report(_ order: KeyOrder) -> WorkerReport {
        Capabilities.keep(for: order.device == nil ? .readHeaderOrKey : .mountKeyVolume)
        do throws(KeyError) { return .key(try read(order)) } catch {
            return .done(.failed(because: error.description))
        }
    }

    /// Reads the key that `order` names: from the initrd, a key volume, or the folder that stands for one.
    static func read(_ order: KeyOrder) throws(KeyError) -> SecretBytes {
        if let device = order.device {
            // The device must get its setting back, or the root file system that it may be stays read-only.
            return try WorkerRights.finishing { () throws(KeyError) in try KeyVolume.read(device, order) }
        }
        if let path = order.folder {
            let folder: Folder
            do throws(SystemError) { folder = try Folder(path) } catch { throw .file(order, code: error.code) }
            return try read(order, beneath: folder)
        }
        let file: FileDescriptor
        // The initrd is as trusted as this program, and so are its symbolic links and devices.
        do throws(SystemError) { file = try FileDescriptor.open(order.path, O_RDONLY | O_NOCTTY | O_NONBLOCK) } catch {
            throw .file(order, code: error.code)
        }
        return try read(order, from: file, orDevice: true)
    }

    /// What a key is that no worker could read.
    public enum Problem {
        /// There is nothing of that name.
        case missing
        /// One sentence.
        case flaw(String)
    }

    /// Reads a key of the initrd itself, as a worker would, and forgets it.
    ///
    /// - Parameters:
    ///   - path: the file or block device.
    ///   - offset: where the key begins, in bytes.
    ///   - size: how long it is, in bytes, or `nil` for all that follows.
    ///   - root: the tree of the image that it lies in, or `nil` for this machine.
    /// - Returns: why it is no good, or `nil`, also where nobody but root can tell.
    public static func problem(_ path: String, offset: Int, size: Int?, inImage root: String?) -> Problem? {
        let order = KeyOrder(
            device: nil, folder: nil, path: path, offset: UInt64(clamping: offset),
            size: size.map { UInt32(clamping: $0) })
        do throws(KeyError) {
            if let root {
                let file: FileDescriptor
                do throws(SystemError) { file = try Folder(root).open(asRoot: path) } catch {
                    throw .file(order, code: error.code)
                }
                _ = try read(order, from: file)
            } else {
                _ = try read(order)
            }
            return nil
        } catch {
            switch error {
            case .file(_, ENOENT), .file(_, ENOTDIR): return .missing
            case .file(_, EACCES), .file(_, EPERM), .lockedMemory: return nil
            default: return .flaw(error.description)
            }
        }
    }

    /// Reads a key of this machine as a worker would.
    ///
    /// - Parameters:
    ///   - path: the file or block device.
    ///   - folder: where the key volume that has it is mounted, or `nil` where it is on none.
    ///   - offset: where the key begins, in bytes.
    ///   - size: how long it is, in bytes, or `nil` for all that follows.
    ///   - problem: becomes one sentence where there is no key.
    /// - Returns: the key, or `nil`.
    public static func key(
        _ path: String, in folder: String?, offset: Int, size: Int?, problem: inout String
    ) -> SecretBytes? {
        let order = KeyOrder(
            device: nil, folder: folder, path: path, offset: UInt64(clamping: offset),
            size: size.map { UInt32(clamping: $0) })
        do throws(KeyError) { return try read(order) } catch {
            problem = error.description
            return nil
        }
    }

    /// Reads the key out of a folder that somebody else may have filled.
    static func read(_ order: KeyOrder, beneath folder: borrowing Folder) throws(KeyError) -> SecretBytes {
        let file: FileDescriptor
        do throws(SystemError) { file = try folder.open(beneath: order.path) } catch {
            switch error.code {
            case ELOOP: throw .symbolicLink(order)
            case EXDEV: throw .leadsOut(order)
            default: throw .file(order, code: error.code)
            }
        }
        return try read(order, from: file)
    }

    private static func read(
        _ order: KeyOrder, from file: borrowing FileDescriptor, orDevice: Bool = false
    ) throws(KeyError) -> SecretBytes {
        var mode: UInt32 = 0
        var fileSize: UInt64 = 0
        var device: UInt64 = 0
        guard unsafe linux_fstat(file.number, &mode, &fileSize, &device) == 0 else {
            throw .file(order, code: linux_errno())
        }
        switch mode & UInt32(S_IFMT) {
        case UInt32(S_IFREG): break
        case UInt32(S_IFBLK) where orDevice:
            // A raw stick has its size at its end.
            let end = lseek(file.number, 0, SEEK_END)
            guard end >= 0 else { throw .file(order, code: linux_errno()) }
            fileSize = UInt64(end)
        default: throw .notRegular(order)
        }
        guard fileSize > 0 else { throw .empty(order) }
        guard order.offset < fileSize else { throw .tooShort(order, bytes: fileSize) }
        // As for cryptsetup(8), the limit is on the key and not on the file around it.
        let size = order.size.map { UInt64($0) } ?? (fileSize - order.offset)
        guard size <= Limits.keyFile else { throw .tooLarge(order) }
        guard size > 0 else { throw .empty(order) }
        guard size <= fileSize - order.offset else { throw .tooShort(order, bytes: fileSize) }
        guard lseek(file.number, Int(order.offset), SEEK_SET) >= 0 else { throw .file(order, code: linux_errno()) }
        let key: SecretBytes
        do throws(SystemError) {
            key = try SecretBytes(capacity: Int(size))
            // Two copies more are made on the way to the monitor. If there is no room for them, it can be said now.
            _ = try SecretBytes(capacity: 2 * Int(size) + KeyFile.roomAround)
        } catch { throw .lockedMemory(error) }
        while key.count < key.capacity {
            let before = key.count
            do throws(SystemError) {
                try unsafe key.fill { room throws(SystemError) in unsafe try file.read(into: room) ?? 0 }
            } catch { throw .file(order, code: error.code) }
            // It was cut short since fstat.
            guard key.count > before else { throw .tooShort(order, bytes: order.offset + UInt64(key.count)) }
        }
        return key
    }
}
