/// The block devices that the kernel knows.
public enum BlockDevices {
    /// The paths of their nodes: all that hold something, but not memory disks and floppies, whose drives may hang.
    public static var all: [String] {
        Files.names(in: "/sys/class/block").filter { name in
            if name.hasPrefix("ram") || name.hasPrefix("fd") { return false }
            return isEmpty("/sys/class/block/\(name)") == false
        }.map { name in
            // The kernel writes `!` for a slash in a name, as in `cciss!c0d0`.
            "/dev/\(name.split(separator: "!", omittingEmptySubsequences: false).joined(separator: "/"))"
        }
    }

    /// What device-mapper calls the device of that path, or `nil` for any other device.
    public static func mapping(_ path: String) -> String? {
        guard path.hasPrefix("/dev/dm-") else { return nil }
        guard let line = try? Files.read("/sys/class/block/\(path.dropFirst(5))/dm/name", limit: 256) else {
            return nil
        }
        return String(decoding: line.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }

    /// Whether `path` is a block device of no size. `number` is its device number, as stat(2) has it.
    static func isEmpty(_ path: String, _ number: UInt64) -> Bool {
        guard number != 0, Files.isBlockDevice(path) == true else { return false }
        let major = ((number >> 8) & 0xfff) | ((number >> 32) & 0xffff_f000)
        let minor = (number & 0xff) | ((number >> 12) & 0xffff_ff00)
        return isEmpty("/sys/dev/block/\(major):\(minor)") == true
    }

    /// Whether the size in a device's folder of sysfs is 0, or `nil` where it does not say.
    private static func isEmpty(_ folder: String) -> Bool? {
        guard let size = try? Files.read("\(folder)/size", limit: 64) else { return nil }
        return size.first == UInt8(ascii: "0")
    }
}
