internal import CLinux

/// Small files, read whole.
public enum Files {
    /// The bytes of a regular file, pipe or device, all of which must be within `limit`.
    ///
    /// - Throws: `SystemError`; `EFBIG` when it is larger.
    public static func read(_ path: String, limit: Int) throws(SystemError) -> [UInt8] {
        let secret = try readSecret(path, limit: limit)
        return unsafe secret.withUnsafeBytes { unsafe Array($0) }
    }

    /// What `path` names, symbolic links followed, or `nil` when it names nothing.
    public static func kind(_ path: String) -> Kind? {
        var mode: UInt32 = 0
        var size: UInt64 = 0
        var device: UInt64 = 0
        guard unsafe linux_stat(path, &mode, &size, &device) == 0 else { return nil }
        let permissions = mode & 0o7777
        return switch mode & UInt32(S_IFMT) {
        case UInt32(S_IFREG): .file(permissions: permissions)
        case UInt32(S_IFDIR): .folder
        case UInt32(S_IFBLK): .blockDevice(number: device)
        default: .other
        }
    }

    /// What a path can name.
    public enum Kind: Equatable {
        /// A regular file, with its permission bits.
        case file(permissions: UInt32)
        case folder
        /// With its number as `dev_t` has it.
        case blockDevice(number: UInt64)
        case other
    }

    /// The bytes of a regular file, all of which must be within `limit`. Whatever else it is, nothing waits for it.
    ///
    /// - Throws: `SystemError`; `EFBIG` when it is larger, `EINVAL` when it is no regular file.
    public static func readRegular(_ path: String, limit: Int) throws(SystemError) -> [UInt8] {
        let secret = try readSecret(path, limit: limit, onlyRegular: true)
        return unsafe secret.withUnsafeBytes { unsafe Array($0) }
    }

    /// The bytes of a file that nobody else is to see, such as a host key.
    ///
    /// - Throws: `SystemError`; `EFBIG` when it is larger than `limit` bytes, `EINVAL` when it must be a regular file and
    ///   is none.
    public static func readSecret(
        _ path: String, limit: Int, onlyRegular: Bool = false
    ) throws(SystemError) -> SecretBytes {
        let file = try FileDescriptor.open(path, O_RDONLY | O_NOCTTY | (onlyRegular ? O_NONBLOCK : 0))
        var mode: UInt32 = 0
        var size: UInt64 = 0
        var device: UInt64 = 0
        try check("fstat(\(path))") { unsafe linux_fstat(file.number, &mode, &size, &device) }
        let isRegular = mode & UInt32(S_IFMT) == UInt32(S_IFREG)
        guard isRegular || !onlyRegular else { throw SystemError("\(path) is no regular file", code: EINVAL) }
        // One byte more than there should be, to see the end or that the file grew. Files of proc(5) have no size.
        let isSized = isRegular && size > 0
        return try readWhole(file, path, room: isSized ? min(Int(clamping: size), limit) + 1 : limit + 1)
    }

    /// The bytes of a regular file that belongs to this process's user and is no symbolic link.
    ///
    /// - Throws: `SystemError`; `EFBIG` when it is larger than `limit` bytes, `EINVAL` when it is anything else.
    static func readOwn(_ path: String, limit: Int) throws(SystemError) -> [UInt8] {
        let file = try FileDescriptor.open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW)
        var mode: UInt32 = 0
        var size: UInt64 = 0
        var device: UInt64 = 0
        try check("fstat(\(path))") { unsafe linux_fstat(file.number, &mode, &size, &device) }
        guard mode & UInt32(S_IFMT) == UInt32(S_IFREG), linux_owns(file.number) != 0 else {
            throw SystemError("\(path) is no regular file of this user", code: EINVAL)
        }
        let secret = try readWhole(file, path, room: limit + 1)
        return unsafe secret.withUnsafeBytes { unsafe Array($0) }
    }

    /// The bytes of an open file, which are fewer than `room`.
    ///
    /// - Throws: `SystemError`; `EFBIG` when they are not.
    static func readWhole(
        _ file: borrowing FileDescriptor, _ path: String, room: Int
    ) throws(SystemError) -> SecretBytes {
        let secret = try SecretBytes(capacity: room)
        var ended = false
        while !ended {
            guard secret.count < secret.capacity else { throw SystemError("read(\(path))", code: EFBIG) }
            try unsafe secret.fill { room throws(SystemError) -> Int in
                let count = unsafe try file.read(into: room) ?? 0
                ended = count == 0
                return count
            }
        }
        return secret
    }

    /// The first bytes of a regular file or block device: `count`, or fewer where it ends before.
    ///
    /// - Throws: `SystemError`; `EINVAL` when it is anything else.
    public static func readStart(of path: String, count: Int) throws(SystemError) -> [UInt8] {
        switch kind(path) {
        case .file, .blockDevice, nil: break
        case .folder, .other: throw SystemError("read(\(path))", code: EINVAL)
        }
        let file = try FileDescriptor.open(path, O_RDONLY | O_NONBLOCK)
        let bytes = try SecretBytes(capacity: count)
        var ended = false
        while !ended, bytes.count < count {
            try unsafe bytes.fill { room throws(SystemError) -> Int in
                let read = unsafe try file.read(into: room) ?? 0
                ended = read == 0
                return read
            }
        }
        return unsafe bytes.withUnsafeBytes { unsafe Array($0) }
    }

    public static func exists(_ path: String) -> Bool {
        unsafe access(path, F_OK) == 0
    }

    public static func isFolder(_ path: String) -> Bool {
        var mode: UInt32 = 0
        var size: UInt64 = 0
        var device: UInt64 = 0
        return unsafe linux_stat(path, &mode, &size, &device) == 0 && mode & UInt32(S_IFMT) == UInt32(S_IFDIR)
    }

    /// Whether `path` names a block device, or `nil` when it names nothing.
    public static func isBlockDevice(_ path: String) -> Bool? {
        var mode: UInt32 = 0
        var size: UInt64 = 0
        var device: UInt64 = 0
        guard unsafe linux_stat(path, &mode, &size, &device) == 0 else { return nil }
        return mode & UInt32(S_IFMT) == UInt32(S_IFBLK)
    }

    /// The names in a folder, without `.` and `..`, in no order; empty when it cannot be read.
    public static func names(in folder: String) -> [String] {
        guard let stream = unsafe opendir(folder) else { return [] }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe String(cString: linux_entry_name(entry))
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// The path with every symbolic link followed, or `nil` when it names nothing.
    public static func resolved(_ path: String) -> String? {
        guard let resolved = unsafe realpath(path, nil) else { return nil }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved)
    }

    /// Makes a folder if it is not there.
    ///
    /// - Throws: `SystemError` for `mkdir`.
    public static func makeFolder(_ path: String, mode: UInt32) throws(SystemError) {
        guard unsafe mkdir(path, mode) != 0, linux_errno() != EEXIST else { return }
        throw SystemError("mkdir(\(path))")
    }

    /// Removes an empty folder, if it is there.
    public static func removeFolder(_ path: String) {
        _ = unsafe rmdir(path)
    }

    /// Removes a file, if it is there.
    public static func remove(_ path: String) {
        _ = unsafe unlink(path)
    }

    /// Makes a file with `text` in it, or replaces it.
    ///
    /// - Throws: `SystemError` for `open` or `write`.
    public static func write(_ text: String, to path: String, mode: UInt32) throws(SystemError) {
        try write(Array(text.utf8), to: path, mode: mode)
    }

    /// Makes a file with `bytes` in it, or puts it in the place of the one that was there: who reads it sees the one or
    /// the other, whole.
    ///
    /// - Throws: `SystemError` for `open`, `write` or `rename`.
    public static func replace(_ path: String, with bytes: [UInt8], mode: UInt32) throws(SystemError) {
        let new = path + ".new"
        remove(new)
        do throws(SystemError) {
            try write(bytes, to: new, mode: mode)
            try check("rename(\(path))") { unsafe rename(new, path) }
        } catch {
            remove(new)
            throw error
        }
    }

    private static func write(_ bytes: [UInt8], to path: String, mode: UInt32) throws(SystemError) {
        let file = try FileDescriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: mode)
        let written = try unsafe bytes.withUnsafeBufferPointer { buffer throws(SystemError) -> Int? in
            unsafe try file.write(UnsafeRawBufferPointer(buffer))
        }
        guard written == bytes.count else { throw SystemError("write(\(path))", code: ENOSPC) }
    }
}
