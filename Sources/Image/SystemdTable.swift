internal import Config

/// systemd's own crypttab in an image, so changed that the boot waits without limit for nothing that it can do without.
///
/// In the image all device units wait without limit, for the root may lie in a volume that waits for its owner, for days.
struct SystemdTable {
    let bytes: [UInt8]
    /// Drop-ins for units of devices, with their paths. Of two with one path the later holds.
    private(set) var dropIns: [(path: String, text: [UInt8])] = []

    /// How long systemd waits for what a volume's key or header lies on, and for the device of another's volume. It counts
    /// from the agent's end: any of them may lie in a volume that the agent opens.
    private static let limit = "90s"
    /// How long it waits, from there on, for the device of a volume of the agent's that the boot may go on without: the agent
    /// has waited for it already, and systemd's unit of it, which does nothing then, would keep the boot in the initrd. Where
    /// the agent has failed, the disk has this time to appear.
    private static let spareLimit = "30s"
    /// Has systemd's unit start without the key volume (crypttab(5)). The time is for an agent without postern.conf,
    /// which reads this file; systemd uses `limit`.
    private static let keyTimeout = "keyfile-timeout=5s"
    /// Has systemd ask as often as it takes: after three wrong passphrases it would give up the root, and the boot with it.
    private static let tries = "tries=0"

    /// - Parameters:
    ///   - table: what dracut has put there, or Postern.
    ///   - isManaged: whether the agent opens the volume of that name.
    ///   - isSpare: whether the boot may go on without it.
    ///   - isWatched: whether the agent asks what systemd asks for it.
    init(
        _ table: [UInt8], isManaged: (String) -> Bool, isSpare: (String) -> Bool, isWatched: (String) -> Bool
    ) {
        var findings: [Finding] = []
        var table = table
        var spare: [Int] = []
        var keyed: [Int] = []
        var tireless: [Int] = []
        let (limit, spareLimit) = (SystemdTable.limit, SystemdTable.spareLimit)
        var waited: [(device: DeviceSpec, isVolume: Bool, isLimited: Bool, limit: String)] = []
        for entry in Crypttab.parse(table, file: "", for: .systemd, into: &findings).entries
        where !entry.options.noauto || isManaged(entry.name) {
            let isManaged = isManaged(entry.name)
            // A missing disk would keep systemd waiting for a member that the boot goes on without.
            if isManaged, !entry.options.nofail, isSpare(entry.name) { spare.append(entry.line) }
            if isManaged, SystemdTable.needsKeyDevice(entry) { keyed.append(entry.line) }
            if isWatched(entry.name), entry.options.tries == nil { tireless.append(entry.line) }
            if !isManaged || entry.options.nofail || isSpare(entry.name) {
                let isLimited = Copies.line(entry.line, of: table, contains: "x-systemd.device-timeout=")
                waited.append((entry.device, true, isLimited, isManaged ? spareLimit : limit))
            }
            if let device = SystemdTable.keyDevice(of: entry) {
                waited.append((device, false, entry.options.keyfileTimeout != nil, limit))
            }
            switch entry.options.header {
            case .fileOn(_, let device): waited.append((device, false, false, limit))
            case .file(let path) where path.hasPrefix("/dev/"): waited.append((.path(path), false, false, limit))
            case .file, nil: break
            }
        }
        table = Copies.adding("nofail", to: table, lines: spare)
        table = Copies.adding(SystemdTable.tries, to: table, lines: tireless)
        bytes = Copies.adding(SystemdTable.keyTimeout, to: table, lines: keyed)
        // What a line says itself holds, also where another one names the same device; else the longer time does.
        for rank in 0...2 {
            for one in waited where rank == (one.isLimited ? 2 : one.limit == limit ? 1 : 0) {
                for path in Hardware.links(to: one.device) where path.hasPrefix("/dev/") {
                    let file = SystemdUnits.dropIn(forDevice: path, isVolume: one.isVolume)
                    dropIns.append((file, SystemdTable.text(one.isLimited ? nil : one.limit)))
                }
            }
        }
    }

    /// Whether systemd's unit waits for what the key lies on, and fails without it.
    static func needsKeyDevice(_ entry: CrypttabEntry) -> Bool {
        keyDevice(of: entry) != nil && entry.options.keyfileTimeout == nil
    }

    private static func keyDevice(of entry: CrypttabEntry) -> DeviceSpec? {
        switch entry.key {
        case .fileOn(_, let device): device
        case .file(let path) where path.hasPrefix("/dev/"): .path(path)
        case .file, .ask, .other: nil
        }
    }

    private static func text(_ limit: String?) -> [UInt8] {
        SystemdUnits.start + Array((limit.map { "JobRunningTimeoutSec=\($0)\n" } ?? "").utf8)
    }
}
