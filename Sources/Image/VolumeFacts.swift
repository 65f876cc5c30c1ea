public import Config
internal import LUKS

/// What crypttab and a volume's header say of it before any key is tried.
public struct VolumeFacts {
    public let entry: CrypttabEntry
    /// Why Postern does not open it at boot, as a clause, or `nil` where it does.
    public let reasonLeft: String?
    /// Whether its header was read, and the agent would take it.
    public let isGood: Bool
    /// Whether its device is there, and nobody can tell here what its header says.
    public let isUnread: Bool
    /// The path of its device, or empty where that is not there.
    public let device: String
    /// The path of its header, which is the device's unless `header=` names another one; or empty.
    public let header: String
    /// 1 or 2, or 0 where no header could be read.
    public let version: UInt8
    /// What the data and the key slots are encrypted with, such as `aes-xts-plain64`, each once.
    public let ciphers: [String]
    /// The key slots that would be tried, with the memory that argon2 takes for each in KiB, 0 for PBKDF2.
    public let keySlots: [(slot: Int32, kibibytes: UInt32)]

    /// The most memory that a key slot takes, in KiB.
    public var memory: UInt32 { keySlots.reduce(0) { max($0, $1.kibibytes) } }

    init(_ entry: CrypttabEntry, _ headers: Headers) {
        self.entry = entry
        reasonLeft = headers.reasonLeft(entry) ?? (entry.options.noauto ? "its line has noauto" : nil)
        let header = headers[entry]
        isGood = header?.state == .good
        isUnread = header?.state == .unseen && header?.device.isEmpty == false
        device = header?.device ?? ""
        self.header = header?.path ?? ""
        version = header?.version ?? 0
        keySlots = header?.derivations ?? []
        var ciphers: [String] = []
        for encryption in header?.encryptions ?? [] {
            let text = encryption.cipher + (encryption.integrity.isEmpty ? "" : " with " + encryption.integrity)
            if !encryption.cipher.isEmpty, !ciphers.contains(text) { ciphers.append(text) }
        }
        self.ciphers = ciphers
    }
}
