/// What the boot loader can start.
public struct BootEntry: Equatable, Sendable {
    /// The loader's name for it, such as `nixos-generation-42.conf`.
    public var id: String
    /// Whether it was started this time.
    public var isCurrent: Bool
    /// Whether a variable of the firmware names it as the one to start.
    public var isDefault: Bool
    /// Whether it is chosen for the next boot alone.
    public var isNext: Bool

    public init(id: String, isCurrent: Bool = false, isDefault: Bool = false, isNext: Bool = false) {
        self.id = id
        self.isCurrent = isCurrent
        self.isDefault = isDefault
        self.isNext = isNext
    }
}

extension BootEntry {
    static func encode(_ entries: [BootEntry], _ writer: inout Writer) {
        writer.list(entries, Limits.items, "entries") { writer, entry in
            writer.string(entry.id, Limits.word, "entry")
            var marks: UInt8 = entry.isCurrent ? 1 : 0
            if entry.isDefault { marks |= 2 }
            if entry.isNext { marks |= 4 }
            writer.integer(marks)
        }
    }

    static func list(_ reader: inout Reader) throws(WireError) -> [BootEntry] {
        try reader.list(Limits.items, "entries") { reader throws(WireError) -> BootEntry in
            let id = try reader.string(Limits.word, "entry")
            let marks = try reader.integer(UInt8.self)
            guard marks < 8 else { throw .badValue(field: "marks") }
            return BootEntry(id: id, isCurrent: marks & 1 != 0, isDefault: marks & 2 != 0, isNext: marks & 4 != 0)
        }
    }
}
