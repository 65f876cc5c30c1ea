/// What a person sees of the bytes that a program wrote to a terminal: rows of text, with CR, LF, erase-line and
/// wrapping applied. Anything else that is not text is kept visible, so that a test fails on it.
public struct SeenTerminal {
    private let columns: Int
    private var rows: [[Character]] = [[]]
    private var row = 0
    private var column = 0
    private var pending: [UInt8] = []

    public init(columns: Int = 80) {
        self.columns = columns
    }

    /// All rows, without the spaces at their ends; the last one is where the cursor stands.
    public var text: String {
        rows.map { row in
            var row = row
            while row.last == " " { row.removeLast() }
            return String(row)
        }.joined(separator: "\n")
    }

    /// The row with the cursor, with the spaces at its end.
    public var cursorRow: String { String(rows[row]) }

    public mutating func write(_ bytes: some Sequence<UInt8>) {
        pending += Array(bytes)
        // A character or sequence may come in two reads.
        let isCut = pending.last == 0x1B || pending.suffix(2) == [0x1B, 0x5B]
        guard !isCut, let text = String(validating: pending, as: UTF8.self) else { return }
        pending = []
        var rest = Substring(text)[...]
        while let first = rest.unicodeScalars.first {
            if rest.unicodeScalars.starts(with: "\u{1B}[K".unicodeScalars) {
                rows[row].removeSubrange(min(column, rows[row].count)...)
                rest = Substring(rest.unicodeScalars.dropFirst(3))
                continue
            }
            rest = Substring(rest.unicodeScalars.dropFirst())
            put(first)
        }
    }

    private mutating func put(_ scalar: Unicode.Scalar) {
        switch scalar {
        case "\r": column = 0
        case "\n":
            row += 1
            // A line feed alone does not return: a forgotten CR is seen as a staircase.
            if row == rows.count { rows.append(Array(repeating: " ", count: column)) }
        case _ where scalar.value < 0x20 || scalar.value == 0x7F:
            for character in "<\(String(scalar.value, radix: 16))>" { put(character) }
        default: put(Character(scalar))
        }
    }

    private mutating func put(_ character: Character) {
        if column == columns {
            column = 0
            row += 1
            if row == rows.count { rows.append([]) }
        }
        while rows[row].count <= column { rows[row].append(" ") }
        rows[row][column] = character
        column += 1
    }
}
