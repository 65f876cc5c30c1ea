internal import Linux

/// What systemd-boot can start: an entry of `loader/entries`, or an image that is one file with its kernel.
///
/// The entry is of type 1 of the Boot Loader Specification (UAPI.1), a word and a value on each line:
///
/// ```
/// title    Debian
/// sort-key debian
/// version  6.12.1
/// linux    /TOKEN/6.12.1/linux
/// initrd   /TOKEN/6.12.1/initrd.img
/// ```
struct LoaderEntry: Equatable {
    /// The name of its file without the tries, in lower case, by which it is chosen.
    let id: String
    /// The path of its file on the machine.
    let file: String
    /// The paths of its images on the machine; the last is the one that has a root file system.
    private(set) var images: [String] = []
    /// The path of what it starts on the machine.
    private(set) var kernel = ""
    /// Whether it is an image that is one file with its kernel.
    private(set) var isUnified: Bool
    /// Whether it starts Linux, and no other program.
    private(set) var isLinux = true
    private(set) var version = ""
    private var sortKey = ""
    /// The ID of its system, as far as it says so: its sort key, or that of the UKI that it starts.
    private(set) var system = ""
    /// That of the machine that it is for, where it says so.
    private(set) var machineID = ""
    /// How often it may still be tried before another one comes first, or `nil` where nobody counts.
    private let triesLeft: Int?
    private let triesDone: Int

    /// Reads an entry of `loader/entries`.
    ///
    /// - Parameters:
    ///   - name: its file's name.
    ///   - volume: where the file system that it lies on is mounted.
    ///   - bytes: the file. One that starts nothing is no entry.
    init?(_ name: String, on volume: String, _ bytes: [UInt8]) {
        self.init(name, end: ".conf", file: "\(volume)/loader/entries/\(name)", isUnified: false)
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            let text = line.drop { LoaderEntry.isBlank($0) }
            let word = text.prefix { !LoaderEntry.isBlank($0) }
            var rest = text.dropFirst(word.count).drop { LoaderEntry.isBlank($0) }
            while let last = rest.last, LoaderEntry.isBlank(last) { rest = rest.dropLast() }
            let value = String(decoding: rest, as: UTF8.self)
            let path = volume + (value.hasPrefix("/") ? "" : "/") + value
            switch String(decoding: word, as: UTF8.self) {
            case "linux", "efi", "uki":
                kernel = path
                isLinux = !word.elementsEqual("efi".utf8)
            case "initrd": images.append(path)
            case "version": version = value
            case "sort-key":
                sortKey = value
                system = value
            case "machine-id": machineID = value
            default: break
            }
        }
        guard !kernel.isEmpty else { return nil }
    }

    /// What it starts is one file with an image and its kernel.
    mutating func holds(_ image: UnifiedImage) {
        isUnified = true
        images = [kernel]
        if system.isEmpty { system = image.sortKey }
    }

    /// An image that is one file with its kernel.
    ///
    /// - Parameters:
    ///   - name: its file's name.
    ///   - volume: where the file system that it lies on is mounted.
    ///   - image: what it holds.
    init(_ name: String, on volume: String, _ image: UnifiedImage) {
        self.init(name, end: ".efi", file: "\(volume)/EFI/Linux/\(name)", isUnified: true)
        kernel = file
        images = image.initrd == nil ? [] : [file]
        version = image.version
        sortKey = image.sortKey
        system = image.sortKey
    }

    private init(_ name: String, end: String, file: String, isUnified: Bool) {
        self.file = file
        self.isUnified = isUnified
        // NAME+LEFT.conf or NAME+LEFT-DONE.conf.
        let stem = Array(name.utf8.dropLast(end.utf8.count))
        var left: Int?
        var done = 0
        var kept = stem[...]
        if let plus = stem.lastIndex(of: UInt8(ascii: "+")) {
            let numbers = stem[(plus + 1)...].split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
                .map { Int(String(decoding: $0, as: UTF8.self)) }
            if numbers.count <= 2, let first = numbers[0], numbers.allSatisfy({ $0 != nil }) {
                left = first
                done = numbers.count > 1 ? numbers[1] ?? 0 : 0
                kept = stem[..<plus]
            }
        }
        triesLeft = left
        triesDone = done
        id = LoaderEntry.lower(String(decoding: kept, as: UTF8.self) + end)
    }

    /// Whether it stands above another one in the menu, as systemd-boot sorts it (systemd-boot(7)).
    func comes(before other: LoaderEntry) -> Bool {
        if (triesLeft == 0) != (other.triesLeft == 0) { return triesLeft != 0 }
        if sortKey.isEmpty != other.sortKey.isEmpty { return !sortKey.isEmpty }
        if !sortKey.isEmpty {
            if sortKey != other.sortKey { return sortKey.utf8.lexicographicallyPrecedes(other.sortKey.utf8) }
            if machineID != other.machineID { return machineID.utf8.lexicographicallyPrecedes(other.machineID.utf8) }
            let order = LoaderVersion.compare(version, other.version)
            if order != 0 { return order > 0 }
        }
        let order = LoaderVersion.compare(id, other.id)
        if order != 0 { return order > 0 }
        guard let triesLeft, let otherLeft = other.triesLeft else { return false }
        if triesLeft != otherLeft { return triesLeft > otherLeft }
        return triesDone < other.triesDone
    }

    static func lower(_ text: String) -> String {
        String(decoding: text.utf8.map { (0x41...0x5a).contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0d }
}

/// Versions as the Version Format Specification (UAPI.10) orders them.
enum LoaderVersion {
    /// - Returns: less than 0, 0 or more than 0, as the first is older than, as old as, or newer than the second.
    static func compare(_ one: String, _ other: String) -> Int {
        var a = Array(one.utf8)[...]
        var b = Array(other.utf8)[...]
        while true {
            a = a.drop { !isPart($0) }
            b = b.drop { !isPart($0) }
            if let order = mark("~", &a, &b) { return order }
            guard !a.isEmpty, !b.isEmpty else { return (a.isEmpty ? 0 : 1) - (b.isEmpty ? 0 : 1) }
            for byte in ["-", "^", "."] as [Unicode.Scalar] {
                if let order = mark(byte, &a, &b) { return order }
            }
            let order = a.first.map(isDigit) == true || b.first.map(isDigit) == true ? numbers(&a, &b) : letters(&a, &b)
            if order != 0 { return order }
        }
    }

    /// Takes a mark off both. Who has it alone is older.
    private static func mark(
        _ mark: Unicode.Scalar, _ a: inout ArraySlice<UInt8>, _ b: inout ArraySlice<UInt8>
    ) -> Int? {
        let byte = UInt8(ascii: mark)
        guard a.first == byte || b.first == byte else { return nil }
        guard a.first == b.first else { return a.first == byte ? -1 : 1 }
        a = a.dropFirst()
        b = b.dropFirst()
        return nil
    }

    private static func numbers(_ a: inout ArraySlice<UInt8>, _ b: inout ArraySlice<UInt8>) -> Int {
        let (x, y) = (a.prefix { isDigit($0) }, b.prefix { isDigit($0) })
        a = a.dropFirst(x.count)
        b = b.dropFirst(y.count)
        if x.isEmpty != y.isEmpty { return x.isEmpty ? -1 : 1 }
        let (m, n) = (x.drop { $0 == 0x30 }, y.drop { $0 == 0x30 })
        if m.count != n.count { return m.count - n.count }
        return order(m, n)
    }

    private static func letters(_ a: inout ArraySlice<UInt8>, _ b: inout ArraySlice<UInt8>) -> Int {
        let (x, y) = (a.prefix { isLetter($0) }, b.prefix { isLetter($0) })
        a = a.dropFirst(x.count)
        b = b.dropFirst(y.count)
        return order(x, y)
    }

    private static func order(_ x: ArraySlice<UInt8>, _ y: ArraySlice<UInt8>) -> Int {
        for (p, q) in zip(x, y) where p != q { return p < q ? -1 : 1 }
        return x.count - y.count
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    private static func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte) }
    private static func isPart(_ byte: UInt8) -> Bool { isDigit(byte) || isLetter(byte) || "~-^.".utf8.contains(byte) }
}
