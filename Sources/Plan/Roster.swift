internal import Config

/// Where the keys of volumes come from.
extension Plan {
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
