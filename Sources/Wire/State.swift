/// How a program or channel ends. The numbers are for ever: scripts rely on them.
public enum ExitCode: UInt8, Sendable {
    /// The boot goes on, or the command has done what it says.
    case done = 0
    case internalError = 1
    case usage = 2
    case wrongPassphrase = 3
    /// Some volumes are open and some are not.
    case partly = 4
    case deviceMissing = 5
    case refused = 6
    case timedOut = 7

    /// The sentence of the manual for it.
    public var meaning: String {
        switch self {
        case .done: "the boot goes on, or the command has done what it says"
        case .internalError: "internal error"
        case .usage: "wrong usage"
        case .wrongPassphrase: "wrong passphrase"
        case .partly: "some volumes are open and some are not"
        case .deviceMissing: "a device is missing"
        case .refused: "refused"
        case .timedOut: "timed out"
        }
    }

    public static let all: [ExitCode] = [
        .done, .internalError, .usage, .wrongPassphrase, .partly, .deviceMissing, .refused, .timedOut,
    ]
}

/// Where one volume stands.
public enum VolumeState: UInt8, Sendable {
    /// Its device has not appeared.
    case deviceMissing = 0
    /// It waits for a passphrase.
    case locked = 1
    /// It waits for its key file.
    case waitingForKey = 2
    /// A passphrase or key waits for its turn on it.
    case queued = 3
    /// A key is being derived for it.
    case trying = 4
    case open = 5
    /// It cannot be opened: `VolumeStatus.detail` says why.
    case failed = 6
    /// It belongs to the distribution's own opener, or the boot goes on without it.
    case left = 7
    /// Its device is there and its header is being read.
    case checking = 8
    /// systemd opens it without a person, or is about to: `VolumeStatus.detail` says by what.
    case unattended = 9

    /// The word for it in `status` and in its JSON.
    public var word: String {
        switch self {
        case .deviceMissing: "device-missing"
        case .locked: "locked"
        case .waitingForKey: "waiting-for-key"
        case .queued: "queued"
        case .trying: "trying"
        case .open: "open"
        case .failed: "failed"
        case .left: "left"
        case .checking: "checking"
        case .unattended: "unattended"
        }
    }
}

/// One volume as every prompt shows it.
public struct VolumeStatus: Equatable, Sendable {
    /// The name of the mapping, as in crypttab.
    public var name: String
    /// The device as crypttab names it.
    public var device: String
    public var state: VolumeState
    /// One lower-case sentence more, such as why its key file is of no use; often empty.
    public var detail: String
    /// Whether a passphrase typed now is tried on it.
    public var asks: Bool
    /// Whether the boot waits for it without limit.
    public var required: Bool
    /// Seconds since its key derivation began, or 0.
    public var seconds: UInt32

    public init(
        name: String, device: String, state: VolumeState, detail: String = "", asks: Bool, required: Bool,
        seconds: UInt32 = 0
    ) {
        self.name = name
        self.device = device
        self.state = state
        self.detail = detail
        self.asks = asks
        self.required = required
        self.seconds = seconds
    }
}

/// The whole state, the same for every prompt.
public struct MachineState: Equatable, Sendable {
    /// The machine's name.
    public var host: String
    /// Seconds since the agent began to wait.
    public var waiting: UInt32
    /// Whether nothing is opened in earnest.
    public var rehearsal: Bool
    /// Whether the boot has been told to go on.
    public var continues: Bool
    /// Seconds until the next passphrase is tried that the brake holds, or 0 when it holds none: the reader's own, where
    /// it has one.
    public var wait: UInt32
    public var volumes: [VolumeStatus]
    /// Whole sentences about arrays, the key volume and what is waited for, each a line.
    public var notices: [String]
    /// What a person is to read before they enter a passphrase, or nothing.
    public var warning: String

    public init(
        host: String, waiting: UInt32, rehearsal: Bool, continues: Bool, wait: UInt32 = 0, volumes: [VolumeStatus],
        notices: [String], warning: String = ""
    ) {
        self.host = host
        self.waiting = waiting
        self.rehearsal = rehearsal
        self.continues = continues
        self.wait = wait
        self.volumes = volumes
        self.notices = notices
        self.warning = warning
    }

    /// The warning, where there is one, and the notices.
    public var allNotices: [String] { (warning.isEmpty ? [] : [warning]) + notices }

    /// The volumes that a passphrase typed now is tried on.
    public var asking: [VolumeStatus] { volumes.filter { $0.asks } }

    /// The state as a prompt for these volumes alone has it; with no names, for all.
    public func asking(only names: [String]) -> MachineState {
        guard !names.isEmpty else { return self }
        var state = self
        for index in state.volumes.indices where !names.contains(state.volumes[index].name) {
            state.volumes[index].asks = false
        }
        return state
    }
}

/// What became of one passphrase on one volume.
public struct TryResult: Equatable, Sendable {
    public enum Outcome: UInt8, Sendable {
        case opened = 0
        case wrong = 1
        /// Somebody else opened it meanwhile.
        case alreadyOpen = 2
        /// Neither right nor wrong: `detail` says what went wrong.
        case failed = 3
    }

    public var name: String
    public var outcome: Outcome
    public var detail: String

    public init(name: String, outcome: Outcome, detail: String = "") {
        self.name = name
        self.outcome = outcome
        self.detail = detail
    }
}

extension MachineState {
    func encode(_ writer: inout Writer) {
        writer.text(host)
        writer.integer(waiting)
        writer.bool(rehearsal)
        writer.bool(continues)
        writer.integer(wait)
        writer.list(Array(volumes.prefix(Limits.items)), Limits.items, "volumes") { $1.encode(&$0) }
        writer.list(Array(notices.prefix(Limits.items)), Limits.items, "notices") { $0.text($1) }
        writer.text(warning)
    }

    init(_ reader: inout Reader) throws(WireError) {
        host = try reader.string(Limits.text, "host")
        waiting = try reader.integer()
        rehearsal = try reader.bool("rehearsal")
        continues = try reader.bool("continues")
        wait = try reader.integer()
        volumes = try reader.list(Limits.items, "volumes") { reader throws(WireError) in try VolumeStatus(&reader) }
        notices = try reader.list(Limits.items, "notices") { reader throws(WireError) in
            try reader.string(Limits.text, "notice")
        }
        warning = try reader.string(Limits.text, "warning")
    }
}

extension VolumeStatus {
    func encode(_ writer: inout Writer) {
        writer.text(name)
        writer.text(device)
        writer.integer(state.rawValue)
        writer.text(detail)
        writer.bool(asks)
        writer.bool(required)
        writer.integer(seconds)
    }

    init(_ reader: inout Reader) throws(WireError) {
        name = try reader.string(Limits.text, "name")
        device = try reader.string(Limits.text, "device")
        guard let state = VolumeState(rawValue: try reader.integer()) else { throw .badValue(field: "state") }
        self.state = state
        detail = try reader.string(Limits.text, "detail")
        asks = try reader.bool("asks")
        required = try reader.bool("required")
        seconds = try reader.integer()
    }
}

extension TryResult {
    func encode(_ writer: inout Writer) {
        writer.text(name)
        writer.integer(outcome.rawValue)
        writer.text(detail)
    }

    init(_ reader: inout Reader) throws(WireError) {
        name = try reader.string(Limits.text, "name")
        guard let outcome = Outcome(rawValue: try reader.integer()) else { throw .badValue(field: "outcome") }
        self.outcome = outcome
        detail = try reader.string(Limits.text, "detail")
    }
}
