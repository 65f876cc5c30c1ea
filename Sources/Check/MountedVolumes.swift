internal import Config
internal import Image
internal import Linux

/// Which file systems are mounted now, as proc(5)'s mountinfo tells:
///
/// ```
/// 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue
/// ```
struct MountedVolumes {
    private struct Mount {
        let number: String
        let place: String
        let source: String
    }

    private var mounts: [Mount] = []

    init() {
        let bytes = (try? Files.read("/proc/self/mountinfo", limit: 4 << 20)) ?? []
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            let fields = line.split(separator: UInt8(ascii: " "))
            guard fields.count > 6, let dash = fields.firstIndex(where: { $0.elementsEqual("-".utf8) }),
                dash + 2 < fields.count, fields[3].elementsEqual("/".utf8)
            else { continue }
            mounts.append(
                Mount(
                    number: String(decoding: fields[2], as: UTF8.self), place: MountedVolumes.path(fields[4]),
                    source: MountedVolumes.path(fields[dash + 2])))
        }
    }

    /// Where the root of a device's file system is mounted, or `nil`.
    func place(of device: DeviceSpec) -> String? {
        for link in Hardware.links(to: device) {
            guard case .blockDevice(let number)? = Files.kind(link) else { continue }
            let major = (number >> 8) & 0xfff
            let minor = (number & 0xff) | ((number >> 12) & 0xfff00)
            let path = Files.resolved(link) ?? link
            // A btrfs has a number of its own.
            let mount = mounts.first {
                $0.number == "\(major):\(minor)" || Files.resolved($0.source)?.utf8.elementsEqual(path.utf8) == true
            }
            if let mount { return mount.place }
        }
        return nil
    }

    /// A path as it was before the kernel wrote blanks and the like as `\040`.
    private static func path(_ field: ArraySlice<UInt8>) -> String {
        var bytes: [UInt8] = []
        var rest = field
        while let byte = rest.popFirst() {
            let digits = rest.prefix(3)
            guard byte == UInt8(ascii: "\\"), digits.count == 3, digits.allSatisfy({ (0x30...0x37).contains($0) })
            else {
                bytes.append(byte)
                continue
            }
            bytes.append(digits.reduce(0) { $0 &* 8 &+ ($1 & 7) })
            rest = rest.dropFirst(3)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
