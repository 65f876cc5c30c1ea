public import Config
internal import Linux
public import Monitor
internal import Plan

/// What the disks that are there now say against a configuration.
public enum Identities {
    /// Looks at the LUKS headers of all volumes that the agent would open, where they can be read.
    ///
    /// - Parameters:
    ///   - configuration: what the agent would read.
    ///   - root: the tree of the image whose configuration this is, or `nil` for this machine's own.
    /// - Returns: a finding for each volume that would be refused at boot, and in an image for each whose LUKS UUID is
    ///   not recorded though it could be.
    public static func findings(_ configuration: Configuration, inImage root: String?) -> [Finding] {
        var findings: [Finding] = []
        let settings = configuration.settings
        for entry in configuration.crypttab.entries
        where Plan.native(entry, settings.treatment(of: entry.name)) == nil && !entry.options.noauto {
            guard let header = HeaderStart(of: entry, beneath: root ?? "") else { continue }
            if let finding = header.finding(entry, file: settings.crypttab) {
                findings.append(finding)
            } else if root != nil, entry.identity == nil {
                findings.append(
                    Finding(
                        file: settings.crypttab, line: entry.line,
                        problem: "the LUKS UUID of \(entry.name) is not recorded", remedy: "build the image again"))
            }
        }
        return findings
    }
}

/// The start of a LUKS header on a disk of this machine, as far as both versions have it in common:
///
/// ```
///   0  "LUKS" 0xBA 0xBE     6  version, 2 bytes     8  in LUKS2: size of the header, 8 bytes
/// 168  UUID, up to 40 bytes, ended by a zero
/// ```
///
/// It is what builders of images and `check` go by. At boot a worker reads headers, with libcryptsetup.
struct HeaderStart {
    let path: String
    /// In lower case.
    let uuid: String
    /// Whether its text names a null cipher.
    let isPlain: Bool

    private static let smallest = 592
    private static let largest = 4 << 20

    /// Reads the header of a volume, or is `nil` where there is none that can be read.
    ///
    /// - Parameters:
    ///   - entry: the line of crypttab.
    ///   - root: the tree of the image in which a detached header lies, or empty.
    init?(of entry: CrypttabEntry, beneath root: String) {
        var paths = Hardware.links(to: entry.device)
        switch entry.options.header {
        case .file(let file): paths = [file.hasPrefix("/dev/") ? file : root + file]
        case .fileOn: return nil
        case nil: break
        }
        guard let path = paths.first(where: { Files.exists($0) }),
            var bytes = try? Files.start(of: path, count: HeaderStart.smallest), bytes.count == HeaderStart.smallest,
            bytes.starts(with: [0x4c, 0x55, 0x4b, 0x53, 0xba, 0xbe])
        else { return nil }
        let uuid = bytes[168..<208].prefix { $0 != 0 }.map { (0x41...0x46).contains($0) ? $0 | 0x20 : $0 }
        let isUUID = uuid.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) || $0 == 0x2d }
        guard !uuid.isEmpty, isUUID else { return nil }
        if bytes[7] == 2 {
            let size = bytes[8..<16].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            bytes = (try? Files.start(of: path, count: Int(clamping: min(size, UInt64(HeaderStart.largest))))) ?? []
        }
        let null = Array("cipher_null".utf8)
        self.path = path
        self.uuid = String(decoding: uuid, as: UTF8.self)
        isPlain = bytes.indices.contains { bytes[$0...].starts(with: null) }
    }

    /// Why the volume would be refused at boot, or `nil`.
    func finding(_ entry: CrypttabEntry, file: String) -> Finding? {
        func finding(_ problem: String, _ remedy: String) -> Finding {
            Finding(
                file: file, line: entry.line, problem: "\(path) of \(entry.name) will be refused: \(problem)",
                remedy: remedy)
        }
        if isPlain {
            return finding("its LUKS header has a null cipher", "give it another with cryptsetup-reencrypt(8)")
        }
        guard let wanted = entry.identity, !uuid.utf8.elementsEqual(wanted.utf8) else { return nil }
        return finding("its LUKS UUID is \(uuid) and not \(wanted)", "build the image again if it is the right one")
    }
}
