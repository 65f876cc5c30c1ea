/// A process of our own program: `/proc/self/exe` with a role. This file has what each role is given and what it keeps;
/// `postern -T` prints it, but for the scores.
///
/// | role    | user           | capabilities      | out-of-memory score       | system calls |
/// | ------- | -------------- | ----------------- | ------------------------- | ------------ |
/// | monitor | root           | all               | -1000                     | all          |
/// | session | one of its own | none              | 1000, after its login 400 | a list       |
/// | signer  | one of its own | none              | as its session            | a list       |
/// | console | one of its own | none              | 0                         | a list       |
/// | worker  | root           | those of its duty | 0                         | all but some |
/// | notifier | one of its own | none             | 0                         | all but some |
///
/// In a systemd initrd the console's process starts systemd-ask-password, which answers to root alone: it stays root there,
/// without capabilities, and with all system calls.
public enum Role: String, Sendable {
    case session, signer, console, worker, notifier

    // MARK: Descriptors

    /// Where a child finds its socket to the monitor.
    public static let controlDescriptor: Int32 = 3
    /// Where a session finds its client's connection, and its signer that session.
    public static let peerDescriptor: Int32 = 4
    /// Where a session finds its signer.
    public static let signerDescriptor: Int32 = 5
    /// Where a session or signer finds the authorized keys, behind the descriptors that it keeps.
    public var keysDescriptor: Int32 { self == .session ? 6 : 5 }

    /// Where a signer finds the host keys that the TPM has opened, if it has.
    public static let unsealedDescriptor: Int32 = 6

    // MARK: Users

    // Each confined process has a user of its own: no other process has the same, also where one's memory may be looked
    // into by its user. 60720 to 61181 is where neither systemd (its table "UIDs and GIDs") nor Debian (base-passwd's
    // README) has anybody, and below 65536, which is as many as a container has.
    private static let firstUser: UInt32 = 60720
    /// Connections at once that have users of their own.
    public static let connections: UInt32 = 230

    /// The user and group that a process of this role becomes, or `nil` where it stays root.
    ///
    /// - Parameter connection: of a session or signer, the number of its connection, below `connections`.
    /// - Returns: the number that is both the user's and the group's.
    public func user(_ connection: UInt32 = 0) -> UInt32? {
        switch self {
        case .session: Role.firstUser + 2 * connection
        case .signer: Role.firstUser + 2 * connection + 1
        case .console: Role.firstUser + 2 * Role.connections
        case .notifier: Role.firstUser + 2 * Role.connections + 1
        case .worker: nil
        }
    }

    // MARK: Memory

    /// When the kernel ends it where memory runs out, as long as nobody has logged in.
    public var score: OutOfMemory {
        switch self {
        case .session, .signer: .stranger
        case .console, .worker, .notifier: .owner
        }
    }

    // MARK: System calls and limits

    /// The system calls that it may make, with its limits for descriptors and address space.
    public var systemCalls: SystemCalls {
        switch self {
        case .session: .session
        case .signer: .signer
        case .console: .console
        case .worker: .worker
        case .notifier: .notifier
        }
    }

    // MARK: For a person

    /// What each role is left with, a line each.
    public static var listing: [String] {
        let last = connections - 1
        var lines: [String] = []
        for role in [Role.session, .signer, .console] {
            guard let first = role.user(), let latest = role.user(last) else { continue }
            let users = first == latest ? "the user \(first)" : "a user of \(first) to \(latest)"
            lines.append("\(role.rawValue): \(users), \(Sandbox.summary(role.systemCalls))")
        }
        if let user = Role.notifier.user() {
            let calls = Role.notifier.systemCalls
            lines.append("notifier: the user \(user), \(calls.processes) threads, all but: " + Sandbox.summary(calls))
        }
        let calls = Role.worker.systemCalls.description
        lines.append("worker: root with the capabilities of its job; system calls, all but: \(calls)")
        for duty in WorkerDuty.all { lines.append("  to \(duty.description): \(duty.capabilities.description)") }
        return lines
    }
}

/// What a worker does as root, and the capabilities that it keeps for it.
public enum WorkerDuty: Sendable {
    /// It opens a device, becomes nobody, and parses what stands on it.
    case probeDevice
    case becomeNobody
    case findMapping
    /// A header or key file of the initrd, and the derivation of a key.
    case readHeaderOrKey
    /// A mount and BLKROSET ask for the first of these.
    case mountKeyVolume
    /// libdevmapper makes /dev/mapper/NAME itself where no udevd runs.
    case mapVolume
    /// A mount of efivarfs asks for `administer`.
    case readEntries
    case chooseEntry

    static let all: [WorkerDuty] = [
        .probeDevice, .becomeNobody, .findMapping, .readHeaderOrKey, .mountKeyVolume, .mapVolume, .readEntries,
        .chooseEntry,
    ]

    public var capabilities: Capabilities {
        switch self {
        case .probeDevice: [.changeUser, .changeGroup, .readAny]
        case .becomeNobody: [.changeUser, .changeGroup]
        case .findMapping, .mountKeyVolume: [.administer, .readAny, .lockMemory]
        case .readHeaderOrKey: [.readAny, .lockMemory]
        case .mapVolume: [.administer, .rawIO, .makeNodes, .changeOwner, .readAny, .overrideAccess, .lockMemory]
        case .readEntries: [.administer, .lockMemory]
        case .chooseEntry: [.administer, .changeImmutable, .lockMemory]
        }
    }

    var description: String {
        switch self {
        case .probeDevice: "open a device whose type and UUID it looks for"
        case .becomeNobody: "become nobody, before it parses that device"
        case .findMapping: "look for a mapping"
        case .readHeaderOrKey: "read a header or key file, and derive a key"
        case .mountKeyVolume: "mount a key volume"
        case .mapVolume: "map a volume"
        case .readEntries: "read the boot loader's entries"
        case .chooseEntry: "choose one of them"
        }
    }
}
