internal import CLinux

/// Bytes that many processes read and none can change: a sealed memfd_create(2).
public enum SealedBytes {
    /// Makes one, close-on-exec.
    ///
    /// - Throws: `SystemError`; `ENOSYS` on a kernel without it.
    public static func make(_ bytes: SecretBytes) throws(SystemError) -> FileDescriptor {
        let made = unsafe bytes.withUnsafeBytes { unsafe linux_sealed($0.baseAddress, $0.count) }
        return FileDescriptor(owning: try check("memfd_create") { made })
    }

    /// What is in one, of `limit` bytes at most. The place at which others read stays where it is.
    ///
    /// - Throws: `SystemError`; `EFBIG` when there are more or none.
    public static func read(_ descriptor: borrowing FileDescriptor, limit: Int) throws(SystemError) -> SecretBytes {
        var mode: UInt32 = 0
        var size: UInt64 = 0
        var device: UInt64 = 0
        try check("fstat") { unsafe linux_fstat(descriptor.number, &mode, &size, &device) }
        guard size > 0, size <= UInt64(limit) else { throw SystemError("read", code: EFBIG) }
        let bytes = try SecretBytes(capacity: Int(size))
        let number = descriptor.number
        while bytes.count < bytes.capacity {
            let offset = bytes.count
            try unsafe bytes.fill { room throws(SystemError) -> Int in
                let count = unsafe pread(number, room.baseAddress, room.count, off_t(offset))
                guard count > 0 else { throw SystemError("read") }
                return count
            }
        }
        return bytes
    }
}
