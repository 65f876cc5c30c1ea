internal import CLinux

/// The table of what is mounted, and when it changes; proc_pid_mountinfo(5).
public final class MountWatch {
    private static let table = "/proc/self/mountinfo"
    /// The largest table that is read, in bytes: an initrd's has some thirty lines.
    private static let limit = 1 << 20

    private let file: FileDescriptor

    /// - Throws: `SystemError` for `open`.
    public init() throws(SystemError) {
        file = try FileDescriptor.open(MountWatch.table, O_RDONLY)
    }

    /// The descriptor, for `poll`: urgent at each change since it was last waited for.
    public var number: Int32 { file.number }

    /// Whether something is mounted at the path, which has no character that the table writes in another way.
    public func holds(_ path: String) -> Bool {
        let table = (try? Files.read(MountWatch.table, limit: MountWatch.limit)) ?? []
        return table.split(separator: UInt8(ascii: "\n")).contains { line in
            // Such as "36 35 98:0 /root /place rw,noatime …": the fifth word is the place.
            let words = line.split(separator: UInt8(ascii: " "), maxSplits: 5)
            return words.count > 4 && words[4].elementsEqual(path.utf8)
        }
    }
}
