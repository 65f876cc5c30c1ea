public import Linux

/// What a worker tells the monitor.
public enum WorkerReport {
    /// Tag 1: the device's tags.
    case probed(DeviceTags)
    /// Tag 2
    case inspected(HeaderFacts)
    /// Tag 3: the key file's bytes.
    case key(SecretBytes)
    /// Tag 4: the key is right, in slot `slot`; may the volume be activated now?
    case requestsActivation(slot: Int32)
    /// Tag 5: the job's end.
    case done(JobOutcome)
    /// Tag 6: a line for the log.
    case log(LogLevel, String)
    /// Tag 7: what the boot loader can start.
    case entries([BootEntry])
    /// Tag 8: the boot loader starts the entry next.
    case entryChosen
}

/// How a worker's job ended.
public enum JobOutcome: Equatable, Sendable {
    /// The volume is active, or in a rehearsal would be.
    case opened(slot: Int32)
    case wrongKey
    /// It was active already.
    case alreadyOpen
    /// The key is right, and the monitor did not permit the activation.
    case notPermitted
    /// One lower-case sentence with the subject first.
    case failed(String)
}

/// What libblkid says of a block device. Empty strings where it says nothing.
public struct DeviceTags: Equatable, Sendable {
    /// Such as `crypto_LUKS`, `ext4` or `linux_raid_member`.
    public var type: String
    public var uuid: String
    public var label: String
    public var partitionUUID: String
    public var partitionLabel: String

    public init(type: String, uuid: String, label: String, partitionUUID: String, partitionLabel: String) {
        self.type = type
        self.uuid = uuid
        self.label = label
        self.partitionUUID = partitionUUID
        self.partitionLabel = partitionLabel
    }
}

/// What a LUKS header says before any key is tried.
public struct HeaderFacts: Equatable, Sendable {
    /// 1 or 2.
    public var version: UInt8
    public var uuid: String
    /// The encrypted device's own path, whatever link or name it was found by.
    public var device: String
    /// The most memory that one of its key slots' derivations takes, in KiB; 0 where none takes much.
    public var memory: UInt32
    /// The types of the tokens that open one of its key slots, such as `systemd-tpm2` or `clevis`.
    public var tokens: [String]
    /// Whether the volume is open already, as `/dev/mapper/NAME`.
    public var active: Bool
    /// Why what stands at `/dev/mapper/NAME` is not the open volume, or empty.
    public var taken: String

    public init(
        version: UInt8, uuid: String, device: String, memory: UInt32, tokens: [String], active: Bool, taken: String = ""
    ) {
        self.version = version
        self.uuid = uuid
        self.device = device
        self.memory = memory
        self.tokens = tokens
        self.active = active
        self.taken = taken
    }
}

extension WorkerReport {
    /// The message as a frame's body.
    ///
    /// - Throws: `WireError.memory`, and `.badValue` for a key over the limit.
    public func body() throws(WireError) -> SecretBytes {
        var writer = Writer()
        switch self {
        case .probed(let tags):
            writer.integer(UInt8(1))
            for text in [tags.type, tags.uuid, tags.label, tags.partitionUUID, tags.partitionLabel] {
                writer.text(text)
            }
        case .inspected(let facts):
            writer.integer(UInt8(2))
            writer.integer(facts.version)
            writer.text(facts.uuid)
            writer.text(facts.device)
            writer.integer(facts.memory)
            writer.list(Array(facts.tokens.prefix(Limits.tokens)), Limits.tokens, "tokens") { $0.text($1) }
            writer.bool(facts.active)
            writer.text(facts.taken)
        case .key(let secret):
            writer = Writer(capacity: secret.count + 16)
            writer.integer(UInt8(3))
            writer.secret(secret, Limits.keyFile, "key")
        case .requestsActivation(let slot):
            writer.integer(UInt8(4))
            writer.integer(slot)
        case .done(let outcome):
            writer.integer(UInt8(5))
            outcome.encode(&writer)
        case .log(let level, let line):
            writer.integer(UInt8(6))
            writer.integer(level.rawValue)
            writer.text(line, Limits.logLine)
        case .entries(let entries):
            writer.integer(UInt8(7))
            BootEntry.encode(entries, &writer)
        case .entryChosen: writer.integer(UInt8(8))
        }
        return try writer.finish()
    }

    /// Reads a frame's body.
    ///
    /// - Throws: `WireError`
    public static func read(_ body: SecretBytes) throws(WireError) -> WorkerReport {
        var reader = Reader(body)
        let report: WorkerReport
        switch try reader.integer(UInt8.self) {
        case 1:
            report = .probed(
                DeviceTags(
                    type: try reader.string(Limits.text, "type"), uuid: try reader.string(Limits.text, "uuid"),
                    label: try reader.string(Limits.text, "label"),
                    partitionUUID: try reader.string(Limits.text, "partition uuid"),
                    partitionLabel: try reader.string(Limits.text, "partition label")))
        case 2:
            report = .inspected(
                HeaderFacts(
                    version: try reader.integer(), uuid: try reader.string(Limits.text, "uuid"),
                    device: try reader.string(Limits.text, "device"), memory: try reader.integer(),
                    tokens: try reader.list(Limits.tokens, "tokens") { reader throws(WireError) in
                        try reader.string(Limits.text, "token")
                    },
                    active: try reader.bool("active"), taken: try reader.string(Limits.text, "taken")))
        case 3: report = .key(try reader.secret(Limits.keyFile, "key"))
        case 4: report = .requestsActivation(slot: try reader.integer())
        case 5: report = .done(try JobOutcome(&reader))
        case 6:
            guard let level = LogLevel(rawValue: try reader.integer()) else { throw .badValue(field: "level") }
            report = .log(level, try reader.string(Limits.logLine, "log line"))
        case 7: report = .entries(try BootEntry.list(&reader))
        case 8: report = .entryChosen
        case let tag: throw .unknownTag(tag)
        }
        try reader.end()
        return report
    }
}

extension JobOutcome {
    func encode(_ writer: inout Writer) {
        switch self {
        case .opened(let slot):
            writer.integer(UInt8(0))
            writer.integer(slot)
        case .wrongKey: writer.integer(UInt8(1))
        case .alreadyOpen: writer.integer(UInt8(2))
        case .failed(let reason):
            writer.integer(UInt8(3))
            writer.text(reason)
        case .notPermitted: writer.integer(UInt8(4))
        }
    }

    init(_ reader: inout Reader) throws(WireError) {
        switch try reader.integer(UInt8.self) {
        case 0: self = .opened(slot: try reader.integer())
        case 1: self = .wrongKey
        case 2: self = .alreadyOpen
        case 3: self = .failed(try reader.string(Limits.text, "reason"))
        case 4: self = .notPermitted
        case let tag: throw .unknownTag(tag)
        }
    }
}
