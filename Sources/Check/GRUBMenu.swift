internal import Linux

/// The menu of GRUB, as `grub-mkconfig` writes it into `grub.cfg`:
///
/// ```
/// set default="${saved_entry}"
/// menuentry 'Debian' --class debian $menuentry_id_option 'gnulinux-simple' {
///     initrd /initrd.img-6.1.0-1
/// }
/// submenu 'Advanced options' $menuentry_id_option 'gnulinux-advanced' {
/// ```
struct GRUBMenu {
    /// An entry, or a submenu with its own.
    private final class Node {
        let title: String
        let id: String
        let isMenu: Bool
        /// What it gives the kernel as its image, or `nil`.
        var initrd: String?
        var nodes: [Node] = []

        init(_ title: String, _ id: String, isMenu: Bool) {
            self.title = title
            self.id = id
            self.isMenu = isMenu
        }
    }

    private let top = Node("", "", isMenu: true)
    /// So many blocks inside each other are read.
    private static let deepest = 32
    /// The name of the default entry, or `nil` where it cannot be told.
    private var choice: String? = "0"

    /// - Parameters:
    ///   - configuration: `grub.cfg`.
    ///   - environment: `grubenv`.
    init(_ configuration: [UInt8], environment: [UInt8]) {
        func value(_ key: String) -> String {
            for line in environment.split(separator: UInt8(ascii: "\n")) where line.starts(with: (key + "=").utf8) {
                return String(decoding: line.dropFirst(key.utf8.count + 1), as: UTF8.self)
            }
            return ""
        }
        var open: [Node?] = []
        var conditions: [Bool] = []
        var takesNext = false
        for bytes in configuration.split(separator: UInt8(ascii: "\n")) {
            let words = GRUBMenu.words(bytes)
            guard let first = words.first, !first.hasPrefix("#") else { continue }
            switch first {
            case "if": conditions.append(GRUBMenu.countsBoots(bytes))
            case "fi": _ = conditions.popLast()
            // Fedora's start another entry so after boots that failed.
            case "set" where conditions.contains(true): break
            case "set" where words.count > 1 && words[1].hasPrefix("default="):
                let text = String(words[1].dropFirst(8))
                if text == "${next_entry}" {
                    takesNext = true
                } else {
                    choice = text == "${saved_entry}" ? value("saved_entry") : text
                }
            case "menuentry", "submenu":
                // No menu is as deep; nodes are freed one inside the other.
                guard open.count < GRUBMenu.deepest else {
                    choice = nil
                    return
                }
                let mark = words.firstIndex { $0 == "$menuentry_id_option" || $0 == "--id" }
                let id = mark.flatMap { $0 + 1 < words.count ? words[$0 + 1] : nil } ?? ""
                let node = Node(words.count > 1 ? words[1] : "", id, isMenu: first == "submenu")
                (open.last { $0?.isMenu == true } ?? top)?.nodes.append(node)
                if words.last == "{" { open.append(node) }
            case "initrd", "initrdefi":
                if let node = open.last ?? nil, node.initrd == nil, words.count > 1 { node.initrd = words.last }
            case "}": _ = open.popLast()
            default: if words.last == "{" { open.append(nil) }
            }
        }
        if takesNext, !value("next_entry").isEmpty { choice = value("next_entry") }
        if choice?.contains("$") == true { choice = nil }
    }

    /// The image of the default entry, as the menu names it; `nil` where it has none, or it cannot be told which it is.
    var image: String? {
        guard let choice else { return nil }
        var node = top
        for part in choice.split(separator: ">") {
            let name = String(part)
            let place = Int(name)
            let found =
                node.nodes.first { $0.id == name || $0.title == name }
                ?? place.flatMap { node.nodes.indices.contains($0) ? node.nodes[$0] : nil }
            guard let found else {
                // GRUB then takes the first one.
                node = node.nodes.first ?? node
                break
            }
            node = found
        }
        while node.isMenu {
            guard let first = node.nodes.first else { return nil }
            node = first
        }
        // Another system's images have the same names.
        return node.id.hasPrefix("osprober-") ? nil : node.initrd
    }

    /// Whether a condition asks how many boots have failed.
    private static func countsBoots(_ line: ArraySlice<UInt8>) -> Bool {
        let name = Array("boot_counter".utf8)
        return line.indices.contains { line[$0...].starts(with: name) }
    }

    /// The words of a line, without quotes.
    private static func words(_ line: ArraySlice<UInt8>) -> [String] {
        var words: [String] = []
        var word: [UInt8] = []
        var isWord = false
        var quote: UInt8?
        var isEscaped = false
        for byte in line {
            if isEscaped {
                word.append(byte)
                isEscaped = false
            } else if byte == UInt8(ascii: "\\"), quote != UInt8(ascii: "'") {
                isEscaped = true
                isWord = true
            } else if byte == quote {
                quote = nil
            } else if quote == nil, byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") {
                quote = byte
                isWord = true
            } else if quote == nil, byte == 0x20 || byte == 0x09 || byte == 0x0d {
                if isWord { words.append(String(decoding: word, as: UTF8.self)) }
                word.removeAll(keepingCapacity: true)
                isWord = false
            } else {
                word.append(byte)
                isWord = true
            }
        }
        if isWord { words.append(String(decoding: word, as: UTF8.self)) }
        return words
    }
}
