/// One line that holds something, without its end and the blanks around it.
struct Line {
    /// Counted from 1.
    let number: Int
    let bytes: ArraySlice<UInt8>
}

/// The lines of a file that are neither blank nor a comment.
struct Lines {
    /// What a line may hold besides printable ASCII.
    enum Content {
        /// UTF-8 without control characters: the line is shown to people and rendered again.
        case text
        /// Any byte but zero: an old comment in Latin-1 must not cost a key.
        case bytes
    }

    private let bytes: [UInt8]
    private let content: Content
    private let limit: Int
    private var position = 0
    private var end: Int
    private var number = 0
    private var reportedLength = false

    /// - Parameters:
    ///   - bytes: the file.
    ///   - content: what a line may hold.
    ///   - limit: the longest line, in bytes.
    init(_ bytes: [UInt8], content: Content, limit: Int) {
        self.bytes = bytes
        self.content = content
        self.limit = limit
        end = min(bytes.count, FileLimits.fileBytes)
        // The byte order mark that some editors put first.
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    }

    /// The next line; those that cannot be read become findings and are skipped.
    mutating func next(_ notes: inout Notes) -> Line? {
        cutFile(&notes)
        while position < end {
            let start = position
            while position < end, bytes[position] != UInt8(ascii: "\n") { position += 1 }
            var line = bytes[start..<position]
            position += 1
            number += 1
            if line.last == UInt8(ascii: "\r") { line.removeLast() }
            line = trimmed(line)
            guard let first = line.first, first != UInt8(ascii: "#") else { continue }
            if let problem = problem(of: line) {
                notes.add(number, problem.what, problem.remedy)
                continue
            }
            return Line(number: number, bytes: line)
        }
        return nil
    }

    /// Reports a file over the limit, and ends it after its last whole line.
    private mutating func cutFile(_ notes: inout Notes) {
        guard bytes.count > end, !reportedLength else { return }
        reportedLength = true
        while end > position, bytes[end - 1] != UInt8(ascii: "\n") { end -= 1 }
        notes.add(
            0, "the file has \(bytes.count) bytes, and what follows the first \(end) is left out",
            "keep it under \(FileLimits.fileBytes) bytes")
    }

    private func problem(of line: ArraySlice<UInt8>) -> (what: String, remedy: String)? {
        if line.count > limit {
            return ("the line has \(line.count) bytes and is left out", "keep it under \(limit + 1) bytes")
        }
        if line.contains(0) { return ("the line holds a zero byte and is left out", "write it again as text") }
        guard content == .text else { return nil }
        guard let text = text(line) else {
            return ("the line is not UTF-8 and is left out", "save the file as UTF-8")
        }
        for scalar in text.unicodeScalars where scalar != "\t" && isControl(scalar) {
            return (
                "the line holds a control character (number \(scalar.value)) and is left out", "write it again as text"
            )
        }
        return nil
    }
}
