public import Linux

/// What the monitor tells a worker. A worker does one job and ends.
///
/// On the wire: the tag (1 byte), the fields in order.
public enum WorkerOrder {
    /// Tag 1: what stands on this device? Answered by `probed`.
    case probe(device: String)
    /// Tag 2: what does this LUKS header ask for? Answered by `inspected`.
    case inspect(VolumeOrder)
    /// Tag 3: read a key file into memory. Answered by `key`.
    case readKey(KeyOrder)
    /// Tag 4: open this volume with that passphrase or key. Answered by `asksLeave`, then `done`; a rehearsal by
    /// `done` alone.
    case unlock(VolumeOrder, SecretBytes)
    /// Tag 5: the answer to `asksLeave`. On `false` the worker ends with `alreadyOpen`.
    case mayActivate(Bool)
}

/// One volume as a worker opens it.
public struct VolumeOrder: Equatable, Sendable {
    /// The mapping's name; it is made at `/dev/mapper/NAME`.
    public var name: String
    /// The path of the encrypted device, or of an image in a rehearsal.
    public var device: String
    /// The path of its detached header, or `nil`.
    public var header: String?
    /// The key slot to try alone, or `nil` for all.
    public var keySlot: Int32?
    public var discard: Bool
    public var readOnly: Bool
    public var sameCPUCrypt: Bool
    public var submitFromCryptCPUs: Bool
    public var noReadWorkqueue: Bool
    public var noWriteWorkqueue: Bool
    /// Nothing is activated, and the device is opened read-only.
    public var rehearsal: Bool

    public init(name: String, device: String) {
        self.name = name
        self.device = device
        header = nil
        keySlot = nil
        discard = false
        readOnly = false
        sameCPUCrypt = false
        submitFromCryptCPUs = false
        noReadWorkqueue = false
        noWriteWorkqueue = false
        rehearsal = false
    }
}

/// One key file as a worker reads it.
public struct KeyOrder: Equatable, Sendable {
    /// The block device of the key volume, or `nil` when the file lies in the initrd itself.
    public var device: String?
    /// In a rehearsal, the folder that stands for the key volume.
    public var folder: String?
    /// The file's path; on a key volume it is taken from that volume's root.
    public var path: String
    /// Where the key begins in the file, in bytes.
    public var offset: UInt64
    /// How long it is, in bytes, or `nil` for all that follows.
    public var size: UInt32?

    public init(device: String?, folder: String?, path: String, offset: UInt64, size: UInt32?) {
        self.device = device
        self.folder = folder
        self.path = path
        self.offset = offset
        self.size = size
    }
}

/// What a worker tells the monitor.
public enum WorkerReport {
    /// Tag 1: the device's tags.
    case probed(DeviceTags)
    /// Tag 2
    case inspected(HeaderFacts)
    /// Tag 3: the key file's bytes.
    case key(SecretBytes)
    /// Tag 4: the key is right, in slot `slot`; may the volume be activated now?
    case asksLeave(slot: Int32)
    /// Tag 5: the job's end.
    case done(JobOutcome)
    /// Tag 6: a line for the log.
    case log(LogLevel, String)
}

/// How a worker's job ended.
public enum JobOutcome: Equatable, Sendable {
    /// The volume is active, or in a rehearsal would be.
    case opened(slot: Int32)
    case wrongKey
    /// It was active already, or the monitor gave no leave.
    case alreadyOpen
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
    /// The most memory that one of its key slots' derivations takes, in KiB; 0 where none takes much.
    public var memory: UInt32
    /// The names of its tokens' types, such as `systemd-tpm2` or `clevis`.
    public var tokens: [String]
    /// Whether `/dev/mapper/NAME` is active already.
    public var active: Bool

    public init(version: UInt8, uuid: String, memory: UInt32, tokens: [String], active: Bool) {
        self.version = version
        self.uuid = uuid
        self.memory = memory
        self.tokens = tokens
        self.active = active
    }
}

extension WorkerOrder {
    /// The message as a frame's body.
    ///
    /// - Throws: `WireError.memory`.
    public func body() throws(WireError) -> SecretBytes {
        var writer = Writer(capacity: 1000)
        switch self {
        case .probe(let device):
            writer.integer(UInt8(1))
            writer.string(device)
        case .inspect(let order):
            writer.integer(UInt8(2))
            order.encode(&writer)
        case .readKey(let order):
            writer.integer(UInt8(3))
            writer.optional(order.device) { $0.string($1) }
            writer.optional(order.folder) { $0.string($1) }
            writer.string(order.path)
            writer.integer(order.offset)
            writer.optional(order.size) { $0.integer($1) }
        case .unlock(let order, let secret):
            writer.integer(UInt8(4))
            order.encode(&writer)
            writer.secret(secret)
        case .mayActivate(let leave):
            writer.integer(UInt8(5))
            writer.bool(leave)
        }
        return try writer.finish()
    }

    /// Reads a frame's body.
    ///
    /// - Throws: `WireError`
    public static func read(_ body: SecretBytes) throws(WireError) -> WorkerOrder {
        var reader = Reader(body)
        let order: WorkerOrder
        switch try reader.integer(UInt8.self) {
        case 1: order = .probe(device: try reader.string(Limits.text, "device"))
        case 2: order = .inspect(try VolumeOrder(&reader))
        case 3:
            let device = try reader.optional("device", VolumeOrder.path)
            let folder = try reader.optional("folder", VolumeOrder.path)
            let path = try VolumeOrder.path(&reader)
            let offset = try reader.integer(UInt64.self)
            let size = try reader.optional("size") { reader throws(WireError) in try reader.integer(UInt32.self) }
            order = .readKey(KeyOrder(device: device, folder: folder, path: path, offset: offset, size: size))
        case 4:
            let volume = try VolumeOrder(&reader)
            order = .unlock(volume, try reader.secret(Limits.keyFile, "key"))
        case 5: order = .mayActivate(try reader.bool("leave"))
        case let tag: throw .unknownTag(tag)
        }
        try reader.end()
        return order
    }
}

extension VolumeOrder {
    func encode(_ writer: inout Writer) {
        writer.string(name)
        writer.string(device)
        writer.optional(header) { $0.string($1) }
        writer.optional(keySlot) { $0.integer($1) }
        for flag in [
            discard, readOnly, sameCPUCrypt, submitFromCryptCPUs, noReadWorkqueue, noWriteWorkqueue, rehearsal,
        ] { writer.bool(flag) }
    }

    init(_ reader: inout Reader) throws(WireError) {
        name = try reader.string(Limits.text, "name")
        device = try VolumeOrder.path(&reader)
        header = try reader.optional("header", VolumeOrder.path)
        keySlot = try reader.optional("key slot") { reader throws(WireError) in try reader.integer() }
        discard = try reader.bool("discard")
        readOnly = try reader.bool("read-only")
        sameCPUCrypt = try reader.bool("same CPU")
        submitFromCryptCPUs = try reader.bool("submit")
        noReadWorkqueue = try reader.bool("read workqueue")
        noWriteWorkqueue = try reader.bool("write workqueue")
        rehearsal = try reader.bool("rehearsal")
    }

    static func path(_ reader: inout Reader) throws(WireError) -> String {
        try reader.string(Limits.text, "path")
    }
}

extension WorkerReport {
    /// The message as a frame's body.
    ///
    /// - Throws: `WireError.memory`.
    public func body() throws(WireError) -> SecretBytes {
        var writer = Writer()
        switch self {
        case .probed(let tags):
            writer.integer(UInt8(1))
            for text in [tags.type, tags.uuid, tags.label, tags.partitionUUID, tags.partitionLabel] {
                writer.string(text)
            }
        case .inspected(let facts):
            writer.integer(UInt8(2))
            writer.integer(facts.version)
            writer.string(facts.uuid)
            writer.integer(facts.memory)
            writer.list(facts.tokens) { $0.string($1) }
            writer.bool(facts.active)
        case .key(let secret):
            writer = Writer(capacity: secret.count + 16)
            writer.integer(UInt8(3))
            writer.secret(secret)
        case .asksLeave(let slot):
            writer.integer(UInt8(4))
            writer.integer(slot)
        case .done(let outcome):
            writer.integer(UInt8(5))
            outcome.encode(&writer)
        case .log(let level, let line):
            writer.integer(UInt8(6))
            writer.integer(level.rawValue)
            writer.string(line)
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
                    memory: try reader.integer(),
                    tokens: try reader.list(32, "tokens") { reader throws(WireError) in
                        try reader.string(Limits.text, "token")
                    },
                    active: try reader.bool("active")))
        case 3: report = .key(try reader.secret(Limits.keyFile, "key"))
        case 4: report = .asksLeave(slot: try reader.integer())
        case 5: report = .done(try JobOutcome(&reader))
        case 6:
            guard let level = LogLevel(rawValue: try reader.integer()) else { throw .badValue(field: "level") }
            report = .log(level, try reader.string(Limits.logLine, "log line"))
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
            writer.string(reason)
        }
    }

    init(_ reader: inout Reader) throws(WireError) {
        switch try reader.integer(UInt8.self) {
        case 0: self = .opened(slot: try reader.integer())
        case 1: self = .wrongKey
        case 2: self = .alreadyOpen
        case 3: self = .failed(try reader.string(Limits.text, "reason"))
        case let tag: throw .unknownTag(tag)
        }
    }
}
