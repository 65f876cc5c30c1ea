internal import Config
internal import LUKS
internal import Linux

/// What the LUKS header of a volume says now, read as the agent will read it.
final class Header {
    enum State: Equatable {
        /// Nobody can tell, as in a chroot or without the right to read disks.
        case unseen
        /// Its device is not there.
        case missing
        /// There is a device, and no LUKS header on it.
        case none
        case refused(LUKSError)
        case good
    }

    private(set) var state = State.unseen
    /// In lower case.
    private(set) var uuid = ""
    /// The types of the tokens that open a key slot.
    private(set) var tokens: [String] = []
    private(set) var encryptions: [Encryption] = []
    /// 1 or 2, or 0 where none could be read.
    private(set) var version: UInt8 = 0
    /// The paths of the device and of a detached header; empty where they are not there.
    private(set) var device = ""
    private(set) var path = ""
    /// The key slots that would be tried.
    private(set) var derivations: [(slot: Int32, kibibytes: UInt32)] = []

    /// - Parameters:
    ///   - entry: the line of crypttab.
    ///   - root: the tree of the image in which a detached header lies, or empty.
    init(of entry: CrypttabEntry, beneath root: String) {
        guard let device = Hardware.links(to: entry.device).first(where: { Files.exists($0) }) else {
            if Hardware.isThere(entry.device) == false { state = .missing }
            return
        }
        self.device = device
        var header: String?
        switch entry.options.header {
        case .file(let file): header = file.hasPrefix("/dev/") ? file : root + file
        case .fileOn: return
        case nil: break
        }
        path = header ?? device
        LUKSVolume.neverWrite()
        do throws(LUKSError) {
            let volume = try LUKSVolume(device: device, header: header, log: LibraryLog())
            version = volume.version
            derivations = volume.derivations(keySlot: entry.options.keySlot.map { Int32($0) })
            uuid = identifier(volume.uuid) ?? ""
            tokens = volume.tokenTypes
            encryptions = volume.encryptions
            try volume.require(uuid: entry.identity)
            state = .good
        } catch {
            switch error {
            case .device: break
            case .noHeader: state = .none
            default: state = .refused(error)
            }
        }
    }
}

/// The volumes of a configuration, with what their headers say.
final class Headers {
    private let settings: Settings
    private let isImage: Bool
    private var known: [(name: String, header: Header)] = []

    /// - Parameters:
    ///   - entries: the lines of crypttab.
    ///   - settings: postern.conf.
    ///   - root: the tree of the image whose lines they are, or empty for the machine's own.
    init(_ entries: [CrypttabEntry], _ settings: Settings, beneath root: String) {
        self.settings = settings
        isImage = !root.isEmpty
        for entry in entries where entry.reasonLeft(under: settings.treatment(of: entry.name)) == nil {
            known.append((entry.name, Header(of: entry, beneath: root)))
        }
    }

    /// The header of a volume that is not left by its line already.
    subscript(entry: CrypttabEntry) -> Header? {
        known.first { $0.name.utf8.elementsEqual(entry.name.utf8) }?.header
    }

    /// Why the native opener has a volume, by its line or by its header; `nil` when Postern manages it.
    func reasonLeft(_ entry: CrypttabEntry) -> String? {
        let treatment = settings.treatment(of: entry.name)
        if let reason = entry.reasonLeft(under: treatment) { return reason }
        guard treatment == nil, let header = self[entry] else { return nil }
        // The next image's postern.conf takes it.
        if !isImage, isPinned(entry) { return nil }
        return entry.reasonLeft(tokens: header.tokens, for: settings.initrd)
    }

    /// Whether systemd opens a volume, and the agent asks what systemd asks for it.
    func isWatched(_ entry: CrypttabEntry) -> Bool {
        let treatment = settings.treatment(of: entry.name)
        return entry.isWatched(under: treatment, for: settings.initrd) || isBound(entry)
    }

    /// Whether that is so for what its header says alone: the agent, which is told so, could not know whether systemd's unit
    /// waits for it.
    private func isBound(_ entry: CrypttabEntry) -> Bool {
        guard entry.isWatched(under: .fallback, for: settings.initrd) else { return false }
        return isUnattended(entry)
    }

    /// Whether Clevis opens a volume in an initrd of initramfs-tools, beside the agent, which asks meanwhile. The agent, which
    /// is told so, could not know whether the image's scripts call Clevis.
    func isPinned(_ entry: CrypttabEntry) -> Bool {
        settings.initrd == .initramfsTools && entry.key == .ask && isUnattended(entry)
    }

    private func isUnattended(_ entry: CrypttabEntry) -> Bool {
        guard settings.treatment(of: entry.name) == nil, entry.reasonLeft(under: nil) == nil, let header = self[entry]
        else { return false }
        return entry.reasonLeft(tokens: header.tokens, for: settings.initrd) != nil
    }

    /// What postern.conf of an image says of a volume for what its header says alone, or `nil`.
    func treatmentInImage(_ entry: CrypttabEntry) -> VolumeRule.Treatment? {
        if isBound(entry) { return .fallback }
        return isPinned(entry) ? .take : nil
    }

    /// The volumes that the agent opens.
    func ours(_ entries: [CrypttabEntry]) -> [CrypttabEntry] {
        entries.filter { !$0.options.noauto && reasonLeft($0) == nil }
    }

    /// Why nothing is left for the agent to open by what the headers say.
    ///
    /// - Parameters:
    ///   - entries: the volumes.
    ///   - isBuilt: whether the settings are those of an image, where whoever built it has named what is watched for its
    ///     header.
    /// - Returns: `nil` where something is left for it, where it watches something, or where the lines say so already.
    func obstacle(_ entries: [CrypttabEntry], isBuilt: Bool) -> String? {
        let watches = entries.contains { isWatched($0) && !(isBuilt && treatmentInImage($0) != nil) }
        guard ours(entries).isEmpty, !watches else { return nil }
        return entries.first { !$0.options.noauto && self[$0] != nil }.flatMap { reasonLeft($0) }
    }

    /// Whether the boot can go on without a volume.
    func isSpare(_ entry: CrypttabEntry) -> Bool {
        entry.options.nofail || settings.arrays.contains { $0.holds(entry.name) && $0.policy != .all }
    }
}
