/// The newest lines of the log, for the command `log`. Each has a number: the first one of the agent has 1.
public struct RecentLines: Sendable {
    public static let mostLines = 500
    /// How much all lines take together at most, in bytes.
    public static let mostBytes = 64 << 10

    private var lines: [String] = []
    private var size = 0
    /// The number that the next line will have.
    public private(set) var next = 1

    public init() {}

    /// Adds a line, without a line end, and forgets the oldest ones that are too many.
    public mutating func add(_ line: String) {
        lines.append(line)
        size += line.utf8.count
        next += 1
        var old = 0
        while lines.count - old > RecentLines.mostLines || size > RecentLines.mostBytes {
            size -= lines[old].utf8.count
            old += 1
        }
        lines.removeFirst(old)
    }

    /// The lines from number `first` on that are still there, the oldest first. All of them: from 1 on.
    public func lines(from first: Int) -> ArraySlice<String> {
        let oldest = next - lines.count
        return lines.dropFirst(max(first - oldest, 0))
    }
}
