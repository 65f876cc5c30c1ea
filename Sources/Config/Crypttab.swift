/// One volume of a crypttab(5).
public struct CrypttabEntry: Equatable, Sendable {
    /// The device-mapper name: what appears in `/dev/mapper`.
    public var name: String
    public var device: DeviceSpec
    public var key: KeySpec
    public var options: VolumeOptions
    /// The line in the file, counted from 1.
    public var line: Int

    public init(name: String, device: DeviceSpec, key: KeySpec, options: VolumeOptions, line: Int) {
        self.name = name
        self.device = device
        self.key = key
        self.options = options
        self.line = line
    }

    /// The UUID that its LUKS header must have, or `nil` where any will do: what `postern image` has recorded, or how
    /// crypttab names a device that carries its own header.
    public var identity: String? {
        if let uuid = options.uuid { return uuid }
        guard options.header == nil, case .uuid(let uuid) = device else { return nil }
        return uuid
    }
}

/// The volumes of a crypttab(5), in Debian's or systemd's dialect.
public struct Crypttab: Equatable, Sendable {
    /// In the order of the file; no two have one name.
    public var entries: [CrypttabEntry]

    public init(entries: [CrypttabEntry] = []) {
        self.entries = entries
    }

    /// Reads a whole crypttab. An option that is not understood costs only itself, an entry without name or device itself.
    ///
    /// - Parameters:
    ///   - bytes: the file.
    ///   - file: its name, for the findings.
    ///   - left: volumes that postern.conf leaves to the native opener: what their keys and options say is not our concern.
    ///   - system: who opens them natively.
    ///   - findings: the list that the findings are added to.
    /// - Returns: the volumes that can be opened, or left.
    public static func parse(
        _ bytes: [UInt8], file: String, leaving left: [String] = [], for system: InitrdSystem = .script,
        into findings: inout [Finding]
    ) -> Crypttab {
        var notes = Notes(file: file)
        var lines = Lines(bytes, content: .text, limit: FileLimits.lineBytes)
        var crypttab = Crypttab()
        // A thousand names are compared with one another: as numbers first.
        var fingerprints: [UInt32] = []
        while let line = lines.next(&notes) {
            guard crypttab.entries.count < FileLimits.volumes else {
                notes.add(
                    line.number, "there are more than \(FileLimits.volumes) volumes, and the rest is left out",
                    "remove some")
                break
            }
            guard let entry = CrypttabEntry(line, leaving: left, system, notes: &notes) else { continue }
            let fingerprint = Crypttab.fingerprint(of: entry.name)
            let first = fingerprints.indices.first {
                fingerprints[$0] == fingerprint && same(crypttab.entries[$0].name, entry.name)
            }
            if let first = first.map({ crypttab.entries[$0] }) {
                notes.add(
                    line.number,
                    "the volume \(quoted(entry.name)) is in line \(first.line) already, and this one is left out",
                    "remove one of the two, or give it another name")
                continue
            }
            crypttab.entries.append(entry)
            fingerprints.append(fingerprint)
        }
        notes.appendFindings(to: &findings)
        return crypttab
    }

    /// A number that equal names share and others hardly ever do: FNV-1a.
    private static func fingerprint(of name: String) -> UInt32 {
        name.utf8.reduce(2_166_136_261) { ($0 ^ UInt32($1)) &* 16_777_619 }
    }

    /// The volumes as understood (`postern -T`), as a crypttab that reads back as the same entries. Options of no concern
    /// and the values of unattended ones are left out.
    public var rendered: String {
        var bytes: [UInt8] = []
        for entry in entries {
            var fields = [escaped(entry.name.utf8), entry.device.rendered, entry.key.rendered]
            let options = entry.options.rendered
            if !options.isEmpty { fields.append(options) }
            bytes += fields.joined(separator: [UInt8(ascii: " ")])
            bytes.append(UInt8(ascii: "\n"))
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension CrypttabEntry {
    fileprivate init?(_ line: Line, leaving left: [String], _ system: InitrdSystem, notes: inout Notes) {
        let fields = words(line.bytes)
        let outcome = "and the line is left out"
        guard fields.count >= 2 else {
            notes.add(
                line.number, "the volume \(quoted(fields[0])) has no device, \(outcome)",
                "write NAME DEVICE KEY OPTIONS")
            return nil
        }
        guard let name = unescaped(fields[0]) else {
            notes.add(line.number, "the volume name \(quoted(fields[0])) is no text, \(outcome)", "write another name")
            return nil
        }
        if let problem = volumeNameProblem(name.utf8) {
            notes.add(line.number, "the volume name \(quoted(name)) \(problem), \(outcome)", "write another name")
            return nil
        }
        guard let device = DeviceSpec(fields[1]) else {
            notes.add(
                line.number, "the device \(quoted(fields[1])) of \(quoted(name)) is not understood, \(outcome)",
                "write UUID=, PARTUUID=, LABEL= or PARTLABEL= in capitals and a value, or an absolute path")
            return nil
        }
        let isLeft = left.contains { same($0, name) }
        var said = Notes(file: notes.file)
        defer { if !isLeft { notes.add(said) } }
        var parser = VolumeOptionsParser(system, volume: name, line: line.number)
        if fields.count > 3 {
            // initramfs-tools takes all that follows for options.
            let all = trimmed(line.bytes[fields[3].startIndex...])
            parser.parse(system == .initramfsTools ? all : fields[3], notes: &said)
        }
        if fields.count > 4, fields[4].first != UInt8(ascii: "#"), system != .initramfsTools {
            said.add(
                line.number, "the entry of \(quoted(name)) has a fifth field \(quoted(fields[4])), which is left out",
                "write options with commas and without blanks (\\040 stands for a blank)")
        }
        var options = parser.options
        let field = fields.count > 2 ? fields[2] : []
        var key = KeySpec(field, argument: parser.keyArgument)
        if case .other(let text) = key {
            if KeySpec.isRandom(text) {
                options.foreign = options.foreign ?? VolumeOptions.randomKey
            } else if !options.isNative {
                // Nobody else would open it.
                key = .ask
                said.add(
                    line.number, "the key \(quoted(field)) of \(quoted(name)) is not understood, and asked for",
                    "write none to be asked, or the absolute path of a key file, or PATH:DEVICE")
            }
        }
        if case .file(let path) = key, field.contains(UInt8(ascii: ":")), !path.utf8.starts(with: "/dev/".utf8),
            !options.isNative
        {
            said.add(
                line.number, "no device follows the colon in the key \(quoted(field)) of \(quoted(name))",
                "write PATH:DEVICE with UUID=, LABEL= or an absolute path, or \\072 for a colon in the path")
        }
        if system == .systemd, fields.prefix(3).contains(where: { unescaped($0).map { Array($0.utf8) } != Array($0) }) {
            said.add(
                line.number, "systemd takes the escapes in the entry of \(quoted(name)) as they stand", "do without")
        }
        if system == .initramfsTools, parser.keyArgument == .none, !options.isNative,
            field.isEmpty || field.isText("-")
        {
            said.add(
                line.number, "initramfs-tools would not ask for \(quoted(name)), whose key is not the word none",
                "write none")
        }
        self.init(name: name, device: device, key: key, options: options, line: line.number)
    }
}

extension KeySpec {
    fileprivate init(_ field: ArraySlice<UInt8>, argument: VolumeOptionsParser.KeyArgument) {
        let asks = field.isEmpty || field.isText("none") || field.isText("-")
        if asks || argument == .askingScript {
            // What a script that only asks calls its key is of no concern.
            self = .ask
        } else if let path = unescaped(field), KeySpec.isRandom(path) {
            self = .other(path)
        } else if argument == .otherScript {
            self = .other(unescaped(field) ?? quoted(field))
        } else {
            switch FileSpec(field) {
            case .file(let path): self = .file(path: path)
            case .fileOn(let path, let device): self = .fileOn(path: path, device: device)
            case nil: self = .other(unescaped(field) ?? quoted(field))
            }
        }
    }
}
