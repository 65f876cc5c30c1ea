internal import Config
internal import Wire

/// What devices there are, and which of them a crypttab line means.
struct Devices {
    /// Where a device that was asked for is.
    enum Place: Equatable {
        case missing
        case at(String)
        /// Several answer to one name: all are named, none is used.
        case ambiguous([String])
    }

    private var known: [(path: String, tags: DeviceTags)] = []
    private var paths: [String] = []

    /// Takes in what a device carries.
    ///
    /// - Returns: whether nothing was known of it before.
    mutating func put(_ path: String, _ tags: DeviceTags) -> Bool {
        guard let index = known.firstIndex(where: { $0.path == path }) else {
            known.append((path, tags))
            return true
        }
        known[index].tags = tags
        return false
    }

    mutating func remove(_ path: String) {
        known.removeAll { $0.path == path }
    }

    /// The devices that were put and are not among `paths`.
    func others(than paths: [String]) -> [String] {
        known.map { $0.path }.filter { !paths.contains($0) }
    }

    /// A path that crypttab names is there, or is there no more.
    mutating func setPath(_ path: String, isThere: Bool) {
        paths.removeAll { $0 == path }
        if isThere { paths.append(path) }
    }

    /// Looks a device up. `type` is what libblkid must say of it, where that is known beforehand.
    func place(of spec: DeviceSpec, type: String? = nil) -> Place {
        if case .path(let path) = spec { return paths.contains(path) ? .at(path) : .missing }
        var found = known.filter { Devices.matches($0.tags, spec) && (type == nil || $0.tags.type == type) }
        if found.count > 1 {
            // The parts of a multipath device or of an old RAID1 carry the whole's UUID: the whole is meant.
            let stacked = found.filter { Devices.isStacked($0.path) }
            if stacked.count == 1 { found = stacked }
        }
        switch found.count {
        case 0: return .missing
        case 1: return .at(found[0].path)
        default: return .ambiguous(found.map { $0.path })
        }
    }

    private static func isStacked(_ path: String) -> Bool {
        path.hasPrefix("/dev/dm-") || path.hasPrefix("/dev/md")
    }

    private static func matches(_ tags: DeviceTags, _ spec: DeviceSpec) -> Bool {
        switch spec {
        case .path: false
        case .uuid(let uuid): same(tags.uuid, uuid)
        case .partuuid(let uuid): same(tags.partitionUUID, uuid)
        case .label(let label): tags.label == label
        case .partlabel(let label): tags.partitionLabel == label
        }
    }

    /// UUIDs are compared without regard to case, byte by byte: they are ASCII.
    private static func same(_ one: String, _ other: String) -> Bool {
        guard one.utf8.count == other.utf8.count, !one.isEmpty else { return false }
        return zip(one.utf8, other.utf8).allSatisfy { lower($0) == lower($1) }
    }

    private static func lower(_ byte: UInt8) -> UInt8 {
        (0x41...0x5a).contains(byte) ? byte | 0x20 : byte
    }
}
