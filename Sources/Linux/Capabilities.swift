internal import CLinux

/// Rights that root has one by one, of capabilities(7), by their bits.
public struct Capabilities: OptionSet, Sendable {
    public let rawValue: UInt64
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    private init(bit: UInt64) { self.init(rawValue: 1 << bit) }

    public static let changeOwner = Capabilities(bit: 0)
    public static let overrideAccess = Capabilities(bit: 1)
    public static let readAny = Capabilities(bit: 2)
    public static let changeGroup = Capabilities(bit: 6)
    public static let changeUser = Capabilities(bit: 7)
    public static let changeImmutable = Capabilities(bit: 9)
    public static let lockMemory = Capabilities(bit: 14)
    public static let rawIO = Capabilities(bit: 17)
    public static let administer = Capabilities(bit: 21)
    public static let makeNodes = Capabilities(bit: 27)

    /// Their names, for a person.
    var description: String {
        let named: [(Capabilities, String)] = [
            (.changeOwner, "CAP_CHOWN"), (.overrideAccess, "CAP_DAC_OVERRIDE"), (.readAny, "CAP_DAC_READ_SEARCH"),
            (.changeGroup, "CAP_SETGID"), (.changeUser, "CAP_SETUID"), (.changeImmutable, "CAP_LINUX_IMMUTABLE"),
            (.lockMemory, "CAP_IPC_LOCK"), (.rawIO, "CAP_SYS_RAWIO"), (.administer, "CAP_SYS_ADMIN"),
            (.makeNodes, "CAP_MKNOD"),
        ]
        return named.filter { contains($0.0) }.map { $0.1 }.joined(separator: " ")
    }

    /// Gives up all others for good. Without root there is nothing to give up.
    public static func keep(only kept: Capabilities) {
        _ = linux_keep_capabilities(kept.rawValue)
    }

    /// Gives up for good all but those that a worker's duty takes.
    public static func keep(for duty: WorkerDuty) { keep(only: duty.capabilities) }
}
