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

    /// The bytes of a file that nobody else is to see, such as a host key.
    ///
    /// - Throws: `SystemError`; `EFBIG` when it is larger than `limit` bytes.
    public static func readSecret(_ path: String, limit: Int) throws(SystemError) -> SecretBytes {
        let file = try FileDescriptor.open(path, O_RDONLY | O_NOCTTY)
        var mode: UInt32 = 0
        var size: UInt64 = 0
        var device: UInt64 = 0
        try check("fstat(\(path))") { unsafe linux_fstat(file.number, &mode, &size, &device) }
        let isRegular = mode & UInt32(S_IFMT) == UInt32(S_IFREG)
        // One byte more than there should be, to see the end or that the file grew. Files of proc(5) have no size.
        let isSized = isRegular && size > 0
        let secret = try SecretBytes(capacity: isSized ? min(Int(clamping: size), limit) + 1 : limit + 1)
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

    /// Makes a file with `text` in it, or replaces it.
    ///
    /// - Throws: `SystemError` for `open` or `write`.
    public static func write(_ text: String, to path: String, mode: UInt32) throws(SystemError) {
        let file = try FileDescriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, mode: mode)
        let bytes = Array(text.utf8)
        let written = try unsafe bytes.withUnsafeBufferPointer { buffer throws(SystemError) -> Int? in
            unsafe try file.write(UnsafeRawBufferPointer(buffer))
        }
        guard written == bytes.count else { throw SystemError("write(\(path))", code: ENOSPC) }
    }
}
