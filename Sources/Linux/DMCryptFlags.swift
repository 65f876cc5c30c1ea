/// How dm-crypt maps a volume: the options of crypttab(5) that are dm-crypt's own.
public struct DMCryptFlags: OptionSet, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// `discard`: freed blocks are reported to the device below.
    public static let discard = DMCryptFlags(rawValue: 1 << 0)
    /// `readonly`: the mapping cannot be written.
    public static let readOnly = DMCryptFlags(rawValue: 1 << 1)
    /// `same-cpu-crypt`
    public static let sameCPUCrypt = DMCryptFlags(rawValue: 1 << 2)
    /// `submit-from-crypt-cpus`
    public static let submitFromCryptCPUs = DMCryptFlags(rawValue: 1 << 3)
    /// `no-read-workqueue`
    public static let noReadWorkqueue = DMCryptFlags(rawValue: 1 << 4)
    /// `no-write-workqueue`
    public static let noWriteWorkqueue = DMCryptFlags(rawValue: 1 << 5)

    /// How many flags there are: the raw values' bits from the lowest.
    public static let count = 6
}
