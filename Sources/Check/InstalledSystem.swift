internal import Linux

/// What tells the system that runs here from others that have their kernels on the same partitions.
struct InstalledSystem {
    private let root: String
    /// Of machine-id(5), or empty.
    private let machineID: String
    /// By what kernel-install(8) calls the folder of its entries, where somebody chose that, or empty.
    private let token: String
    /// What os-release(5) says, of which UKIs and entries have a copy.
    private let release: OSRelease?

    private static let lengthOfID = 32

    /// - Parameter root: a prefix of the paths.
    init(beneath root: String) {
        func line(_ path: String) -> String {
            let bytes = (try? Files.readRegular(root + path, limit: 4096)) ?? []
            return String(decoding: bytes.prefix { $0 > 0x20 }, as: UTF8.self)
        }
        self.root = root
        let id = line("/etc/machine-id")
        machineID = InstalledSystem.isID(id.utf8) ? id : ""
        token = line("/etc/kernel/entry-token")
        release = ["/etc/os-release", "/usr/lib/os-release"].lazy
            .compactMap { try? Files.readRegular(root + $0, limit: 64 << 10) }.first.map { OSRelease($0) }
    }

    /// Whether an entry of systemd-boot's menu starts another system.
    ///
    /// - Parameters:
    ///   - entry: the entry.
    ///   - version: that of its kernel, or empty.
    /// - Returns: `false` where nothing tells.
    func isForeign(_ entry: LoaderEntry, version: String) -> Bool {
        if let id = InstalledSystem.machine(of: entry), !machineID.isEmpty { return id != machineID && id != token }
        guard let release, !entry.system.isEmpty, entry.system != release.sortKey else { return false }
        // An owner may sort entries as he likes.
        return version.isEmpty || !Files.isFolder(root + "/lib/modules/" + version)
    }

    /// Whether a folder of kernels belongs to another machine, by its name.
    ///
    /// - Parameter folder: its name, which is that machine's ID, or what somebody chose.
    /// - Returns: `false` where nothing tells.
    func isForeign(folder: String) -> Bool {
        InstalledSystem.isID(folder.utf8) && !machineID.isEmpty && folder != machineID && folder != token
    }

    /// The ID of the machine that an entry is for: its own line, or what kernel-install(8) begins the name of a UKI with.
    private static func machine(of entry: LoaderEntry) -> String? {
        if !entry.machineID.isEmpty { return entry.machineID }
        let start = entry.id.utf8.prefix(lengthOfID)
        guard entry.isUnified, isID(start), entry.id.utf8.dropFirst(lengthOfID).first == UInt8(ascii: "-") else {
            return nil
        }
        return String(decoding: Array(start), as: UTF8.self)
    }

    private static func isID(_ text: some Collection<UInt8>) -> Bool {
        text.count == lengthOfID && text.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }
}

/// What systemd-boot takes of an os-release(5).
struct OSRelease {
    let sortKey: String
    let version: String

    init(_ bytes: [UInt8]) {
        var values: [(key: String, value: String)] = []
        for line in bytes.split(whereSeparator: { $0 == 0x0a || $0 == 0 }) {
            guard let place = line.firstIndex(of: UInt8(ascii: "=")) else { continue }
            let value = line[(place + 1)...].filter { ![0x20, 0x09, 0x0d, 0x22, 0x27].contains($0) }
            values.append((String(decoding: line[..<place], as: UTF8.self), String(decoding: value, as: UTF8.self)))
        }
        func first(_ keys: String...) -> String {
            for key in keys {
                if let found = values.first(where: { $0.key == key && !$0.value.isEmpty }) { return found.value }
            }
            return ""
        }
        sortKey = first("IMAGE_ID", "ID")
        version = first("IMAGE_VERSION", "VERSION", "VERSION_ID", "BUILD_ID")
    }
}
