public import Config
public import ConfigFiles
internal import LUKS
internal import Linux
internal import Worker

/// What the disks and key files that are there now say against a configuration.
public final class Identities {
    public private(set) var findings: [Finding] = []
    /// What is no fault, but may become one at the next boot.
    public private(set) var notices: [Finding] = []
    /// What is known of each volume, in the order of the lines.
    public private(set) var volumes: [VolumeFacts] = []
    private let file: String
    private let origin: Origin

    /// Whose crypttab a line is of.
    enum Origin {
        /// The machine's, while an image is built.
        case building
        /// The machine's.
        case machine
        /// That of the image with this tree, and whether who built it has recorded the LUKS UUIDs there.
        case image(String, recordsIdentities: Bool)
    }

    /// Looks at the LUKS headers and key files of all volumes that the agent would open on this machine.
    public convenience init(_ configuration: Configuration) {
        let entries = configuration.crypttab.entries
        let headers = Headers(entries, configuration.settings, beneath: "")
        self.init(entries, headers, file: configuration.settings.crypttab, .machine)
    }

    /// - Parameters:
    ///   - all: the volumes.
    ///   - headers: what their headers say.
    ///   - file: the crypttab, for the findings.
    ///   - origin: whose that is.
    init(_ all: [CrypttabEntry], _ headers: Headers, file: String, _ origin: Origin) {
        self.file = file
        self.origin = origin
        let isBuilt = if case .image = origin { true } else { false }
        if let reason = headers.obstacle(all, isBuilt: isBuilt) {
            let isOld = isBuilt && all.contains { headers.treatmentInImage($0) != nil }
            findings.append(
                Finding(
                    file: file, line: 0,
                    problem:
                        "this machine cannot be unlocked from afar: every volume is left to the native opener, for "
                        + reason,
                    remedy: isOld
                        ? "build the image again"
                        : "write Volume NAME take in postern.conf for one that a passphrase opens"))
        }
        volumes = all.map { VolumeFacts($0, headers) }
        let entries = headers.ours(all)
        for (index, entry) in entries.enumerated() {
            if let header = headers[entry] { look(entry, header, isSpare: headers.isSpare(entry)) }
            lookAtKey(entry)
            let twin = entries[..<index].first {
                $0.options.header == entry.options.header && Hardware.areSame($0.device, entry.device)
            }
            guard let twin else { continue }
            add(
                entry, subject(entry) + "is that of \(twin.name) in line \(twin.line), which holds",
                "remove one of the two")
        }
    }

    /// Why a volume would be waited for or refused at boot, or why any would be taken in its place.
    private func look(_ entry: CrypttabEntry, _ header: Header, isSpare: Bool) {
        var remedy = "build the image again if it is the right one"
        var isBuilding = false
        if case .building = origin { isBuilding = true }
        let problem: String
        switch header.state {
        case .missing where isSpare, .none where isSpare: return
        case .missing:
            problem = "is not there now"
            remedy = "the boot will wait for it; correct the line if it has gone"
        case .unseen, .none:
            let isOpen = isBuilding && entry.identity == nil
            guard isOpen || header.state == .none else { return }
            if !isOpen { remedy = "correct the line: the boot would wait for it" }
            problem = "has no LUKS header" + (isOpen ? " now, so whatever is there at boot will be taken" : "")
        case .refused(.anotherVolume(_, let uuid, let wanted)):
            problem = "will be refused: its LUKS UUID is \(uuid) and not \(wanted)"
        case .refused(.plainText):
            problem = "will be refused: its LUKS header has a null cipher"
            remedy = "give it another with cryptsetup-reencrypt(8)"
        case .refused(let error): problem = "will not open: \(error.description)"
        case .good:
            guard case .image(_, recordsIdentities: true) = origin, entry.identity == nil else { return }
            problem = "has a LUKS UUID that is not recorded"
        }
        add(entry, subject(entry) + problem, remedy, isNotice: header.state == .missing)
    }

    private func subject(_ entry: CrypttabEntry) -> String { "\(entry.device) of \(entry.name) " }

    /// Reports a key file on this machine or in the image that opens nothing; not while an image is built.
    private func lookAtKey(_ entry: CrypttabEntry) {
        guard case .file(let path) = entry.key else { return }
        let isDevice = path.hasPrefix("/dev/")
        var tree: String?
        switch origin {
        case .building: return
        case .machine: break
        case .image(let root, _): tree = root
        }
        let problem = KeyFile.problem(
            path, offset: entry.options.keyfileOffset, size: entry.options.keyfileSize, inImage: isDevice ? nil : tree)
        switch problem {
        case nil: break
        case .flaw(let text)?: add(entry, text, "correct the file or the line")
        case .missing?:
            let text = "the key file \(path) of \(entry.name) is not "
            if isDevice {
                // As with volumes: in a chroot nobody can tell.
                guard Hardware.isThere(.path(path)) == false else { return }
                add(entry, text + "there now", "without it a passphrase is asked for", isNotice: true)
            } else if let tree {
                let copier =
                    SystemdUnits.isThere(beneath: tree)
                    ? "install_items of dracut.conf(5) copy it" : "cryptsetup-initramfs copy it (KEYFILE_PATTERN)"
                add(entry, text + "in the image", "let \(copier), or write PATH:DEVICE")
            } else {
                add(entry, text + "there", "correct the line")
            }
        }
    }

    private func add(_ entry: CrypttabEntry, _ problem: String, _ remedy: String, isNotice: Bool = false) {
        let finding = Finding(file: file, line: entry.line, problem: problem, remedy: remedy)
        if isNotice { notices.append(finding) } else { findings.append(finding) }
    }
}
