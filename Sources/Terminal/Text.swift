/// Text as a terminal may have it: whatever a name holds, it moves no cursor and fakes no line.
enum Text {
    /// The text with every character that is not for printing written as an escape, such as `\u{1B}`.
    static func clean(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { !isPrintable($0) }) else { return text }
        var cleaned = ""
        for scalar in text.unicodeScalars {
            if isPrintable(scalar) {
                cleaned.unicodeScalars.append(scalar)
            } else {
                cleaned += "\\u{" + hexadecimal(scalar.value, digits: 2) + "}"
            }
        }
        return cleaned
    }

    /// Whether a scalar is neither a control character nor one of those that reorder, hide or break text.
    static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0xAD, 0x61C, 0x180E, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F,
            0xFE00...0xFE0F, 0xFEFF, 0xFFF0...0xFFFB, 0xE0000...0xE0FFF:
            false
        default: true
        }
    }

    static func hexadecimal(_ value: UInt32, digits: Int) -> String {
        let text = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(digits - text.utf8.count, 0)) + text
    }

    /// How many columns the text takes at most: what may be double width counts as that.
    static func width(_ text: String) -> Int {
        text.unicodeScalars.reduce(0) { $0 + ($1.value < 0x1100 ? 1 : 2) }
    }

    /// The longest start of the text that fits into `columns`, ended by `...` when something is left out.
    static func shortened(_ text: String, to columns: Int) -> String {
        guard width(text) > columns else { return text }
        var start = ""
        var used = 0
        for scalar in text.unicodeScalars {
            used += scalar.value < 0x1100 ? 1 : 2
            if used > columns - 3 { break }
            start.unicodeScalars.append(scalar)
        }
        return start + "..."
    }

    /// As many names as fit into `columns`, such as `crypt-root, data and 5 more`; a first name that does not fit is
    /// shortened.
    static func list(_ names: [String], columns: Int) -> String {
        var count = names.count
        while count > 1 {
            let text = list(names, first: count)
            if width(text) <= columns { return text }
            count -= 1
        }
        guard let first = names.first else { return "" }
        let rest = names.count > 1 ? " and \(names.count - 1) more" : ""
        return shortened(first, to: max(columns - rest.utf8.count, 4)) + rest
    }

    private static func list(_ names: [String], first count: Int) -> String {
        var text = names[0]
        for name in names[1..<count] { text += ", " + name }
        return count == names.count ? text : text + " and \(names.count - count) more"
    }

    /// The text in lines of at most `columns`, broken at spaces; all but the first begin with `indent` spaces. A word
    /// that is longer than a line stays whole, so that it can be copied.
    static func wrapped(_ text: String, columns: Int, indent: Int = 0) -> [String] {
        guard width(text) > columns else { return [text] }
        var lines: [String] = []
        var line = String(text.prefix { $0 == " " })
        var isEmpty = true
        // Two spaces, as between the columns of a table, stay two.
        for word in text.dropFirst(line.utf8.count).split(separator: " ", omittingEmptySubsequences: false) {
            if isEmpty {
                line += word
            } else if width(line) + 1 + width(String(word)) <= columns {
                line += " " + word
            } else {
                lines.append(line)
                line = String(repeating: " ", count: indent) + word
            }
            isEmpty = false
        }
        lines.append(line)
        return lines
    }
}
