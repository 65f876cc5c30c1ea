internal import CLinux

/// A file of lines that keeps within a bound: the oldest lines go.
public struct LineFile: Sendable {
    private let path: String
    private let mode: UInt32
    /// The largest size, in bytes.
    private let limit: Int

    public init(_ path: String, mode: UInt32, limit: Int) {
        self.path = path
        self.mode = mode
        self.limit = limit
    }

    /// Adds a line, which has its line end. A file that has no room for it keeps its newest half, and who reads it sees the
    /// file before or after, whole. A line that takes more than half of the bound is left out.
    ///
    /// - Throws: `SystemError`; `ENOSPC` where the line could not be written, and the file is as it was.
    public func append(_ line: [UInt8]) throws(SystemError) {
        guard line.count <= limit / 2, try !appendWithin(line) else { return }
        let old = (try? Files.readRegular(path, limit: limit)) ?? []
        try Files.replace(path, with: newestHalf(of: old) + line, mode: mode)
    }

    /// - Returns: whether there was room.
    private func appendWithin(_ line: [UInt8]) throws(SystemError) -> Bool {
        let file = try FileDescriptor.open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, mode: mode)
        let size = lseek(file.number, 0, SEEK_END)
        guard Int(size) + line.count <= limit else { return false }
        let written = try unsafe line.withUnsafeBufferPointer { buffer throws(SystemError) -> Int? in
            unsafe try file.write(UnsafeRawBufferPointer(buffer))
        }
        guard written == line.count else {
            // The rest of a line is no line.
            _ = ftruncate(file.number, size)
            throw SystemError("write(\(path))", code: ENOSPC)
        }
        return true
    }

    /// The newest whole lines, which take at most half of the bound.
    private func newestHalf(of bytes: [UInt8]) -> ArraySlice<UInt8> {
        let lineEnd = UInt8(ascii: "\n")
        guard let last = bytes.lastIndex(of: lineEnd) else { return [] }
        let whole = bytes[...last]
        guard whole.count > limit / 2 else { return whole }
        // What follows the first line end is a whole line.
        let half = whole.suffix(limit / 2 + 1)
        return half.firstIndex(of: lineEnd).map { half[($0 + 1)...] } ?? []
    }
}
