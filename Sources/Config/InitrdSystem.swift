/// Who opens volumes natively where the agent runs: what a line of crypttab means there is that one's word.
///
/// Volumes that it asks a person for are Postern's; those that it opens by itself, or that nobody opens, are left.
///
/// ```
/// option or key                    initramfs-tools         systemd                 a script
/// swap, tmp                        passed over             not LUKS                not LUKS
/// plain, tcrypt, bitlk and others  but `luks` outdoes it   the last one holds      not LUKS
/// keyscript=                       runs, or only asks      passed over             runs, or only asks
/// tpm2-device= and its like        passed over             opens it                opens it
/// noauto                           passed over, if chosen  as it says              as it says
/// key none                         asked for               a file of its name, or  asked for
/// ```
///
/// A script can do what either does. Its volumes are left where either would, so that what opens by itself goes on to do
/// so; `Volume NAME take` claims them. What systemd opens without a person is watched: `CrypttabEntry.isWatched`.
public enum InitrdSystem: Equatable, Sendable, CaseIterable {
    /// Debian's cryptsetup-initramfs: `/lib/cryptsetup/functions`.
    case initramfsTools
    /// systemd-cryptsetup-generator(8) and systemd-cryptsetup(8).
    case systemd
    /// A boot script of somebody's own, of which nothing is known.
    case script

    /// As `Initrd` of postern.conf has it.
    public var name: String {
        switch self {
        case .initramfsTools: "initramfs-tools"
        case .systemd: "systemd"
        case .script: "script"
        }
    }

    /// Where systemd looks for the key of a volume that has none, in this order; crypttab(5).
    public static func keyFiles(of volume: String) -> [String] {
        ["/etc/cryptsetup-keys.d/\(volume).key", "/run/cryptsetup-keys.d/\(volume).key"]
    }

    /// Whether an option opens a volume without a person.
    func isUnattended(_ key: ArraySlice<UInt8>) -> Bool {
        key.isText("keyscript") ? self != .systemd : self != .initramfsTools
    }
}

/// What kind of volume the options make of a line, if not one of LUKS.
struct VolumeFormat {
    private let system: InitrdSystem
    /// Of initramfs-tools' formats the best so far.
    private var rank = Int.max
    /// The option that makes it no volume of LUKS, or `nil`.
    private(set) var foreign: String?

    /// The formats that initramfs-tools knows: the first of them that is given holds.
    private static let ranks = ["luks", "tcrypt", "plain", "bitlk", "fvault2"]
    /// What systemd does not know, and what a detached header makes LUKS there.
    private static let unknownToSystemd = ["fvault2", "tcryptsystem"]
    private static let withoutHeader = ["plain", "swap", "tmp", "bitlk"]

    init(_ system: InitrdSystem) {
        self.system = system
    }

    /// Applies an option and its value.
    mutating func apply(_ key: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>?) {
        let isForeign = VolumeOptionNames.foreign.contains(key)
        switch system {
        case .initramfsTools:
            guard value?.isText("yes") ?? true,
                let place = VolumeFormat.ranks.firstIndex(where: { $0.utf8.elementsEqual(key) }), place < rank
            else { return }
            rank = place
            foreign = place == 0 ? nil : VolumeFormat.ranks[place]
        case .systemd:
            if value == nil ? key.isText("luks") : key.isText("key-slot") || key.isText("keyslot") {
                foreign = nil
            } else if key.isText("header"), value != nil {
                if let known = foreign, VolumeFormat.withoutHeader.contains(known.utf8) { foreign = nil }
            } else if isForeign, value == nil || key.isText("tmp") || key.isText("tcrypt-keyfile"),
                !VolumeFormat.unknownToSystemd.contains(key)
            {
                foreign = String(decoding: key, as: UTF8.self)
            }
        case .script:
            if isForeign { foreign = foreign ?? String(decoding: key, as: UTF8.self) }
        }
    }
}
