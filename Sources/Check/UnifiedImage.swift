internal import CLinux
internal import HostPrograms
internal import Linux

/// An image that is one file with its kernel: a program for EFI (PE/COFF) whose sections are the kernel, the initrd and
/// what describes them (UAPI.5).
///
/// ```
/// 0x3c      where the header is, 4 bytes
/// header    "PE\0\0", COFF: machine 2, sections 2, 12 bytes, length of the optional header 2, flags 2; that header
/// section   name 8, size in memory 4, address 4, size in the file 4, place in the file 4, 16 bytes
/// ```
///
/// All numbers are little-endian.
struct UnifiedImage {
    /// Where the initrd lies in the file and how long it is, in bytes; `nil` where there is none.
    private(set) var initrd: (start: Int, count: Int)?
    /// The version of its kernel, or empty.
    private(set) var kernel = ""
    /// What systemd-boot takes for its version and sort key: of its os-release(5).
    private(set) var version = ""
    private(set) var sortKey = ""

    /// As much of the file is looked at for its sections, in bytes.
    private static let mostHeaders = 64 << 10
    /// The largest section that is read, in bytes.
    private static let mostText = 64 << 10
    private static let sectionLength = 40

    /// - Parameter path: of a program for EFI with a kernel in it; nothing else is such an image.
    init?(_ path: String) {
        guard let bytes = try? Files.readStart(of: path, count: UnifiedImage.mostHeaders), bytes.count > 0x40,
            bytes.starts(with: "MZ".utf8)
        else { return nil }
        let header = UnifiedImage.number(bytes, 0x3c, 4)
        guard header >= 0, header + 24 <= bytes.count, bytes[header...].starts(with: [0x50, 0x45, 0, 0]) else {
            return nil
        }
        let start = header + 24 + UnifiedImage.number(bytes, header + 20, 2)
        var hasKernel = false
        for index in 0..<UnifiedImage.number(bytes, header + 6, 2) {
            let place = start + index * UnifiedImage.sectionLength
            guard place + UnifiedImage.sectionLength <= bytes.count else { break }
            let name = String(decoding: bytes[place..<(place + 8)].prefix { $0 != 0 }, as: UTF8.self)
            let count = min(UnifiedImage.number(bytes, place + 8, 4), UnifiedImage.number(bytes, place + 16, 4))
            let section = (start: UnifiedImage.number(bytes, place + 20, 4), count: count)
            // Of what an image has for each of several profiles, the first is the usual one.
            switch name {
            case ".linux": hasKernel = true
            case ".initrd" where initrd == nil: initrd = section
            case ".uname" where kernel.isEmpty:
                kernel = String(decoding: UnifiedImage.text(path, section).prefix { $0 > 0x20 }, as: UTF8.self)
            case ".osrel" where version.isEmpty && sortKey.isEmpty:
                let release = OSRelease(UnifiedImage.text(path, section))
                sortKey = release.sortKey
                version = release.version
            default: break
            }
        }
        guard hasKernel else { return nil }
    }

    /// Writes the initrd to a file.
    ///
    /// - Returns: why there is none, or `nil`.
    func extract(_ path: String, to file: String, seconds: Int, _ interruption: Interruption? = nil) -> String? {
        guard let initrd, initrd.count > 0 else { return "it has no initrd" }
        let script = "tail -c +\(initrd.start + 1) \"$1\" | head -c \(initrd.count) >\"$2\""
        do throws(SystemError) {
            let result = try HostProgram.run(
                ["/bin/sh", "-c", script, "sh", path, file], seconds: seconds, interruption: interruption)
            return result.succeeded ? nil : result.failure
        } catch { return error.description }
    }

    private static func text(_ path: String, _ section: (start: Int, count: Int)) -> [UInt8] {
        guard let file = try? FileDescriptor.open(path, O_RDONLY | O_NONBLOCK),
            lseek(file.number, section.start, SEEK_SET) == section.start
        else { return [] }
        let count = min(section.count, mostText)
        return unsafe [UInt8](unsafeUninitializedCapacity: count) { room, initialized in
            let got = unsafe CLinux.read(file.number, room.baseAddress, count)
            initialized = max(got, 0)
        }
    }

    private static func number(_ bytes: [UInt8], _ place: Int, _ count: Int) -> Int {
        guard place >= 0, place + count <= bytes.count else { return 0 }
        return bytes[place..<(place + count)].reversed().reduce(0) { $0 << 8 | Int($1) }
    }
}
