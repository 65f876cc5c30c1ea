public import Config

/// Which volumes are Postern's, and where their keys come from.
extension Plan {
    /// Why a volume belongs to the native opener, or `nil` when it is ours.
    public static func native(_ entry: CrypttabEntry, _ treatment: VolumeRule.Treatment?) -> String? {
        if let foreign = entry.options.foreign { return "\(foreign) volumes belong to the native opener" }
        if case .fileOn = entry.options.header { return "its header lies on another volume" }
        switch treatment {
        case .take: return nil
        case .leave: return "postern.conf leaves it to the native opener"
        case nil: break
        }
        if let unattended = entry.options.unattended {
            return "\(unattended) opens it without a person"
        }
        if case .other(let key) = entry.key { return "its key \(key) is the native opener's" }
        return nil
    }

    /// Why a volume that is ours by its line belongs to the native opener by its header, or `nil`.
    ///
    /// - Parameters:
    ///   - entry: the line.
    ///   - tokens: the types of the tokens that open one of its key slots.
    ///   - system: who the native opener is. systemd asks its own tokens before it asks a person, where there is no key
    ///     file; others do not know them.
    /// - Returns: a clause.
    public static func native(_ entry: CrypttabEntry, tokens: [String], for system: InitrdSystem?) -> String? {
        let openers =
            system == .systemd && entry.key == .ask
            ? ["clevis", "systemd-tpm2", "systemd-fido2", "systemd-pkcs11"] : ["clevis"]
        return tokens.first { openers.contains($0) }.map { "its header has a \($0) binding" }
    }

    /// The place of an entry's key file among the sources, where it is put when it is new.
    mutating func source(of entry: CrypttabEntry) -> Int? {
        let path: String
        let device: DeviceSpec?
        switch entry.key {
        case .ask, .other: return nil
        case .file(let file): (path, device) = (file, nil)
        case .fileOn(let file, let volume): (path, device) = (file, volume)
        }
        let offset = UInt64(clamping: entry.options.keyfileOffset)
        let size = entry.options.keyfileSize.map { UInt32(clamping: $0) }
        let found = sources.firstIndex {
            $0.path == path && $0.device == device && $0.offset == offset && $0.size == size
        }
        if let found { return found }
        // "No limit" would shut out an owner who knows a passphrase and has lost the key volume.
        let timeout = entry.options.keyfileTimeout.flatMap { $0 > 0 ? Int64($0) * 1000 : nil }
        sources.append(
            KeySource(path: path, device: device, offset: offset, size: size, grace: timeout ?? Plan.keyGrace))
        return sources.count - 1
    }
}

extension Volume {
    /// What libblkid must say of a device that is named by UUID or label: another one may carry the same.
    var type: String? {
        if case .path = entry.device { return nil }
        return entry.options.header == nil && !isByPartition ? "crypto_LUKS" : nil
    }

    private var isByPartition: Bool {
        switch entry.device {
        case .partuuid, .partlabel: true
        case .path, .uuid, .label: false
        }
    }
}
