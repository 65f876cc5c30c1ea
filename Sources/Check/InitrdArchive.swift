/// An archive that the kernel unpacks over an initrd, in cpio's "new ASCII" format: the kernel's documentation has it in
/// driver-api/early-userspace/buffer-format. Of each entry:
///
/// ```
/// "070701", then in 8 hexadecimal digits each: inode, mode, uid, gid, links, time, size of the file, 2 numbers of its
/// device, 2 of the one it is, size of the name with its end, 0; the name, 0; zeros up to 4 bytes; the file; likewise
/// ```
struct InitrdArchive {
    private var bytes: [UInt8] = []
    private var count = 0
    private var folders: [String] = []

    private static let folder = 0o040000
    private static let file = 0o100000

    /// Adds a file, and the folders that it lies in, which may be there.
    ///
    /// - Parameters:
    ///   - path: from the root, which it begins with.
    ///   - content: of the file.
    ///   - mode: its permissions.
    mutating func add(_ path: String, _ content: [UInt8], mode: Int) {
        let parts = path.split(separator: "/")
        var folder = ""
        for part in parts.dropLast() {
            folder += (folder.isEmpty ? "" : "/") + part
            guard !folders.contains(folder) else { continue }
            folders.append(folder)
            write(folder, InitrdArchive.folder | 0o755, [])
        }
        write(folder + (folder.isEmpty ? "" : "/") + (parts.last ?? ""), InitrdArchive.file | mode, content)
    }

    /// The whole archive.
    consuming func finished() -> [UInt8] {
        write("TRAILER!!!", 0, [])
        return bytes
    }

    private mutating func write(_ name: String, _ mode: Int, _ content: [UInt8]) {
        count += 1
        bytes += Array("070701".utf8)
        for value in [count, mode, 0, 0, 1, 0, content.count, 0, 0, 0, 0, name.utf8.count + 1, 0] { append(value) }
        bytes += Array(name.utf8) + [0]
        pad()
        bytes += content
        pad()
    }

    private mutating func append(_ value: Int) {
        let digits = Array("0123456789abcdef".utf8)
        for place in (0..<8).reversed() { bytes.append(digits[value >> (place * 4) & 15]) }
    }

    private mutating func pad() {
        while bytes.count % 4 != 0 { bytes.append(0) }
    }
}
