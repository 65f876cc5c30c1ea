internal import Config

/// What the host's files become in the image. Bytes in, bytes out.
public enum Copies {
    /// Where the image's crypttab lies.
    public static let crypttab = "/etc/postern/crypttab"

    /// Where lines are from that are not from a file of the machine, such as those of the kernel command line.
    public static let builder = "the program that builds it"

    /// The machine's name, for an initrd that has none.
    ///
    /// - Parameter bytes: the host's file hostname(5).
    /// - Returns: a line of text, or nothing.
    static func hostName(_ bytes: [UInt8]) -> [UInt8] {
        let words = lines(bytes).compactMap { line in line.split { $0 <= 0x20 }.first }
        guard let name = words.first(where: { $0.first != UInt8(ascii: "#") }) else { return [] }
        return name + [UInt8(ascii: "\n")]
    }

    /// The comment before the lines from somewhere.
    public static func title(from origin: String) -> String { "# Volumes of this initrd, from \(origin)." }

    /// The lines of the chosen volumes, as they stand in the host's file but for some keys.
    ///
    /// - Parameters:
    ///   - bytes: the host's crypttab.
    ///   - origin: where they are from, for a comment, which is a line.
    ///   - entries: the chosen volumes.
    ///   - key: the third field that a volume has in the image, or `nil` where it stays as it is.
    /// - Returns: the image's crypttab.
    static func crypttab(
        _ bytes: [UInt8], from origin: String, entries: [CrypttabEntry], key: (CrypttabEntry) -> KeySpec?
    ) -> [UInt8] {
        let lines = lines(bytes)
        var copy = Array("\(title(from: origin))\n".utf8)
        for entry in entries where lines.indices.contains(entry.line - 1) {
            let line = lines[entry.line - 1]
            copy += key(entry).map { withKey($0.rendered, in: line) } ?? Array(line)
            copy.append(UInt8(ascii: "\n"))
        }
        return copy
    }

    /// postern.conf line for line, but that every `Crypttab` names the image's own, `Initrd` is `system`, and `ImageTime`
    /// is `time`; and with a line for each of `rules`.
    static func settings(
        _ bytes: [UInt8], for system: InitrdSystem, time: Int64, rules: [VolumeRule] = []
    ) -> [UInt8] {
        let own = [
            ("crypttab", "Crypttab \(crypttab)"), ("initrd", "Initrd \(system.name)"),
            ("imagetime", "ImageTime \(time)"),
        ]
        var copies = lines(bytes).map { Array($0) }
        // What follows the last line end is no line.
        if copies.last?.isEmpty == true { copies.removeLast() }
        var said: [String] = []
        // Behind Match nothing counts.
        var end = copies.count
        for index in copies.indices {
            let keyword = keyword(of: copies[index])
            if keyword == "match" {
                end = index
                break
            }
            guard let line = own.first(where: { $0.0 == keyword }) else { continue }
            copies[index] = Array(line.1.utf8)
            said.append(keyword)
        }
        for (keyword, line) in own where !said.contains(keyword) { copies.insert(Array(line.utf8), at: end) }
        for rule in rules { copies.insert(Array(rule.rendered.utf8), at: end) }
        // A second byte order mark is part of the first line, and must not become the mark.
        var copy = copies[0].starts(with: mark) ? mark : []
        for line in copies {
            copy += line
            copy.append(UInt8(ascii: "\n"))
        }
        return copy
    }

    private static let mark: [UInt8] = [0xEF, 0xBB, 0xBF]

    /// The file's lines without their ends and without a byte order mark.
    private static func lines(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        let text = bytes.starts(with: mark) ? bytes.dropFirst(mark.count) : bytes[...]
        return text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map { line in
            // A line that ends in two \r is bad; without one of them it would be good.
            line.last == UInt8(ascii: "\r") && line.dropLast().last != UInt8(ascii: "\r") ? line.dropLast() : line
        }
    }

    /// The first word in lower case, as `SettingsLine` splits it.
    private static func keyword(of line: [UInt8]) -> String {
        let word = line.drop { isBlank($0) }.prefix { !isBlank($0) && $0 != UInt8(ascii: "=") }
        return String(decoding: word.map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
    }

    /// A line of crypttab with another third field.
    private static func withKey(_ key: [UInt8], in line: ArraySlice<UInt8>) -> [UInt8] {
        var rest = line.drop { isBlank($0) }
        func nextField() -> ArraySlice<UInt8> {
            let field = rest.prefix { !isBlank($0) }
            rest = rest.dropFirst(field.count).drop { isBlank($0) }
            return field
        }
        let blank = [UInt8(ascii: " ")]
        let start = Array(nextField()) + blank + Array(nextField()) + blank + key
        _ = nextField()
        return rest.isEmpty ? start : start + blank + Array(rest)
    }

    /// A crypttab in which some lines have one option more, and all else stands as it stood.
    ///
    /// - Parameters:
    ///   - option: the option.
    ///   - bytes: the crypttab.
    ///   - numbers: the numbers of those lines, which have a name and a device, and not the option.
    /// - Returns: the crypttab with it.
    static func adding(_ option: String, to bytes: [UInt8], lines numbers: [Int]) -> [UInt8] {
        var copy: [UInt8] = []
        for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            if index > 0 { copy.append(UInt8(ascii: "\n")) }
            guard numbers.contains(index + 1) else {
                copy += line
                continue
            }
            let fields = line.split { isBlank($0) || $0 == UInt8(ascii: "\r") }
            for field in fields.prefix(4) { copy += Array(field) + [UInt8(ascii: " ")] }
            if fields.count == 2 { copy += Array("none ".utf8) }
            if fields.count > 3 {
                copy.removeLast()
                copy.append(UInt8(ascii: ","))
            }
            copy += Array(option.utf8)
        }
        return copy
    }

    /// Whether a line of a crypttab has a text in it.
    static func line(_ number: Int, of bytes: [UInt8], contains text: String) -> Bool {
        let lines = lines(bytes)
        guard lines.indices.contains(number - 1) else { return false }
        let sought = Array(text.utf8)
        var rest = lines[number - 1]
        while rest.count >= sought.count {
            if rest.starts(with: sought) { return true }
            rest = rest.dropFirst()
        }
        return false
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
    }
}
