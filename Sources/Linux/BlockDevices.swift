/// The block devices that the kernel knows.
public enum BlockDevices {
    /// The paths of their nodes: all that hold something, but not memory disks and floppies, whose drives may hang.
    public static var all: [String] {
        Files.names(in: "/sys/class/block").filter { name in
            if name.hasPrefix("ram") || name.hasPrefix("fd") { return false }
            guard let size = try? Files.read("/sys/class/block/\(name)/size", limit: 64) else { return false }
            return size.first != UInt8(ascii: "0")
        }.map { name in
            // The kernel writes `!` for a slash in a name, as in `cciss!c0d0`.
            "/dev/\(name.split(separator: "!", omittingEmptySubsequences: false).joined(separator: "/"))"
        }
    }
}
