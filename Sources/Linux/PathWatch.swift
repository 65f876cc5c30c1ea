internal import CLinux

/// Paths that may come and go, such as udev's links, watched by inotify(7).
///
/// What is watched is the nearest folder on the way to each path that is there. A block device without a size is not
/// there: an array that was not started has a node. When it gets its size, a uevent tells and inotify does not.
public struct PathWatch: ~Copyable {
    private let descriptor: FileDescriptor
    private let paths: [String]
    /// What was last seen at each path.
    private var known: [Identity?]

    /// What tells a file or device from another one that has taken its place.
    private struct Identity: Equatable {
        var filesystem: UInt64 = 0
        var inode: UInt64 = 0
        var device: UInt64 = 0

        init?(_ path: String) {
            guard unsafe linux_identity(path, &filesystem, &inode, &device) == 0 else { return nil }
            if BlockDevices.isEmpty(path, device) { return nil }
        }
    }

    /// The descriptor, for `poll`.
    public var number: Int32 { descriptor.number }

    /// Starts to watch. All paths count as missing until the first `changes`.
    ///
    /// - Throws: `SystemError` for `inotify_init1`.
    public init(_ paths: [String]) throws(SystemError) {
        let flags = Int32(IN_NONBLOCK | IN_CLOEXEC)
        descriptor = FileDescriptor(owning: try check("inotify_init1") { inotify_init1(flags) })
        self.paths = paths
        known = [Identity?](repeating: nil, count: paths.count)
    }

    /// Which paths have come or gone since the last call, in order. One that names another file now, as when udev turns
    /// a link to another disk, has gone and come.
    public mutating func changes() -> [(path: String, isThere: Bool)] {
        drain()
        var changes: [(path: String, isThere: Bool)] = []
        for index in paths.indices {
            // The watch comes first: what appears between the two is then an event.
            watch(paths[index])
            let found = Identity(paths[index])
            guard found != known[index] else { continue }
            if known[index] != nil { changes.append((paths[index], false)) }
            if found != nil { changes.append((paths[index], true)) }
            known[index] = found
        }
        return changes
    }

    private borrowing func drain() {
        var buffer = [UInt8](repeating: 0, count: 4096)
        var isMore = true
        while isMore {
            let number = descriptor.number
            isMore = unsafe buffer.withUnsafeMutableBytes { unsafe read(number, $0.baseAddress, $0.count) > 0 }
        }
    }

    /// How often one path is walked again: a folder that is there may be one that cannot be watched.
    private static let mostRetries = 8

    private borrowing func watch(_ path: String) {
        let mask = UInt32(
            IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF
                | IN_ONLYDIR)
        var folder = path
        var below: String?
        var retries = 0
        while let slash = folder.lastIndex(of: "/") {
            folder = slash == folder.startIndex ? "/" : String(folder[..<slash])
            guard unsafe inotify_add_watch(descriptor.number, folder, mask) != -1 else {
                if folder == "/" { return }
                below = folder
                continue
            }
            // A folder that was made after it could not be watched and before this one was, made no event.
            guard let missed = below, Files.isFolder(missed), retries < PathWatch.mostRetries else { return }
            retries += 1
            folder = path
            below = nil
        }
    }
}
