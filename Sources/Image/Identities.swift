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
            if let finding = finding(entry, file: settings.crypttab, root.map { .image($0) } ?? .machine) {
                findings.append(finding)
            }
        }
        return findings
    }

    /// Whose crypttab a line is of.
    enum Origin {
        /// The machine's, while an image is built.
        case building
        /// The machine's.
        case machine
        /// That of the image with this tree.
        case image(String)
    }

    /// Why a volume would be refused at boot, or why any would be taken in its place; else `nil`.
    static func finding(_ entry: CrypttabEntry, file: String, _ origin: Origin) -> Finding? {
        var root = ""
        if case .image(let tree) = origin { root = tree }
        let problem: String
        var remedy = "build the image again if it is the right one"
        if let header = HeaderStart(of: entry, beneath: root) {
            let wanted = entry.identity ?? header.uuid
            if header.isPlain {
                problem = "will be refused: its LUKS header has a null cipher"
                remedy = "give it another with cryptsetup-reencrypt(8)"
            } else if !wanted.utf8.elementsEqual(header.uuid.utf8) {
                problem = "will be refused: its LUKS UUID is \(header.uuid) and not \(wanted)"
            } else if case .image = origin, entry.identity == nil {
                problem = "has a LUKS UUID that is not recorded"
            } else {
                return nil
            }
        } else {
            // That a device is not there is said elsewhere.
            guard case .building = origin, entry.identity == nil, Hardware.isThere(entry.device) != false else {
                return nil
            }
            problem = "has no LUKS header now, so whatever is there at boot will be taken"
        }
        return Finding(
            file: file, line: entry.line, problem: "\(entry.device) of \(entry.name) \(problem)", remedy: remedy)
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
            let whole = max(HeaderStart.smallest, Int(clamping: min(size, UInt64(HeaderStart.largest))))
            bytes = (try? Files.start(of: path, count: whole)) ?? []
        }
        // A disk that encrypts by itself, and nothing else, has no cipher that anybody could look at.
        let none = [Array("cipher_null".utf8), Array("\"hw-opal\"".utf8)]
        self.uuid = String(decoding: uuid, as: UTF8.self)
        isPlain = bytes.indices.contains { index in none.contains { bytes[index...].starts(with: $0) } }
    }
}
