internal import CLinux
internal import Linux

/// The archives in cpio's "new ASCII" format that lie one behind the other in a file, as the kernel reads an initrd, up to the
/// first byte that begins none: `InitrdArchive` has the format.
struct CPIOArchives {
    /// Where each archive begins.
    private(set) var starts: [Int] = []
    /// Where what is no such archive begins; `nil` where nothing follows but zeros.
    private(set) var rest: Int?

    private static let headerLength = 110
    private static let marks = [Array("070701".utf8), Array("070702".utf8)]
    private static let trailer = Array("TRAILER!!!".utf8)
    /// As many are read.
    static let most = 64
    private static let longestName = 4096
    private static let blockLength = 64 << 10

    /// - Parameter path: of a regular file.
    /// - Throws: `SystemError` for `open` or `read`; `EINVAL` for an archive that is cut off or malformed.
    init(_ path: String) throws(SystemError) {
        let file = try FileDescriptor.open(path, O_RDONLY | O_NONBLOCK)
        var place = 0
        while let start = try CPIOArchives.nextByte(of: file, from: place) {
            let begins = CPIOArchives.marks.contains(try CPIOArchives.read(file, start, 6))
            guard begins, start % 4 == 0 else {
                rest = start
                return
            }
            guard starts.count < CPIOArchives.most else { throw CPIOArchives.malformed(path) }
            starts.append(start)
            place = try CPIOArchives.end(of: file, from: start, path)
        }
    }

    private static func malformed(_ path: String) -> SystemError {
        SystemError("\(path) is no whole archive", code: EINVAL)
    }

    /// Where the archive that begins at `start` has ended, its trailer with it.
    private static func end(
        of file: borrowing FileDescriptor, from start: Int, _ path: String
    ) throws(SystemError) -> Int {
        var place = start
        while true {
            let header = try read(file, place, headerLength)
            guard header.count == headerLength, marks.contains(Array(header[..<6])),
                let size = number(header, 6), let length = number(header, 11), length <= longestName
            else { throw malformed(path) }
            let name = try read(file, place + headerLength, length)
            place = aligned(aligned(place + headerLength + length) + size)
            if name.prefix(while: { $0 != 0 }).elementsEqual(trailer) { return place }
        }
    }

    private static func aligned(_ place: Int) -> Int { (place + 3) & ~3 }

    /// One of the header's numbers behind its mark, which are 8 hexadecimal digits each.
    private static func number(_ header: [UInt8], _ index: Int) -> Int? {
        let digits = header[(6 + index * 8)..<(14 + index * 8)]
        guard digits.first != UInt8(ascii: "-"), digits.first != UInt8(ascii: "+") else { return nil }
        return Int(String(decoding: digits, as: UTF8.self), radix: 16)
    }

    /// The place of the first byte that is not zero, or `nil` up to the end.
    private static func nextByte(of file: borrowing FileDescriptor, from start: Int) throws(SystemError) -> Int? {
        var place = start
        while true {
            let block = try read(file, place, blockLength)
            guard !block.isEmpty else { return nil }
            if let found = block.firstIndex(where: { $0 != 0 }) { return place + found }
            place += block.count
        }
    }

    /// As many bytes as there are, up to `count`.
    private static func read(
        _ file: borrowing FileDescriptor, _ place: Int, _ count: Int
    ) throws(SystemError) -> [UInt8] {
        guard count > 0 else { return [] }
        try check("lseek") { lseek(file.number, place, SEEK_SET) }
        var failure: SystemError?
        let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { room, initialized in
            var got = 0
            do throws(SystemError) {
                while got < count {
                    let part = unsafe UnsafeMutableRawBufferPointer(
                        rebasing: UnsafeMutableRawBufferPointer(room)[got..<count])
                    let some = unsafe try file.read(into: part) ?? 0
                    if some == 0 { break }
                    got += some
                }
            } catch { failure = error }
            initialized = got
        }
        if let failure { throw failure }
        return bytes
    }
}
