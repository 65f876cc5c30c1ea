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
    /// Tag 4: open this volume with that passphrase or key. Answered by `requestsActivation`, then `done`; a rehearsal by
    /// `done` alone.
    case unlock(VolumeOrder, SecretBytes)
    /// Tag 5: the answer to `requestsActivation`. On `false` the worker ends with `notPermitted`.
    case activationPermitted(Bool)
    /// Tag 6: what can the boot loader start? Answered by `entries`.
    case readEntries(rehearsal: Bool)
    /// Tag 7: have it start this one next. Answered by `entryChosen`, or by `entries` where there is no such one.
    case chooseEntry(String)
    /// Tag 8: close these mappings, in this order. The answers are lines for the log, and then its end.
    case close([String])
}

/// One volume as a worker opens it.
public struct VolumeOrder: Equatable, Sendable {
    /// The mapping's name; it is made at `/dev/mapper/NAME`.
    public var name: String
    /// The path of the encrypted device, or of an image in a rehearsal.
    public var device: String
    /// The path of its detached header, or `nil`.
    public var header: String?
    /// The UUID that the header must have, or `nil` where any will do.
    public var uuid: String?
    /// The key slot to try alone, or `nil` for all.
    public var keySlot: Int32?
    /// How it is mapped.
    public var dmCrypt: DMCryptFlags
    /// Nothing is activated, and the device is opened read-only.
    public var rehearsal: Bool

    public init(name: String, device: String) {
        self.name = name
        self.device = device
        header = nil
        uuid = nil
        keySlot = nil
        dmCrypt = []
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

extension WorkerOrder {
    /// The message as a frame's body.
    ///
    /// - Throws: `WireError.memory`, and `.badValue` for a path or key over the limits.
    public func body() throws(WireError) -> SecretBytes {
        var writer = Writer(capacity: 1000)
        switch self {
        case .probe(let device):
            writer.integer(UInt8(1))
            writer.string(device, Limits.text, "device")
        case .inspect(let order):
            writer.integer(UInt8(2))
            order.encode(&writer)
        case .readKey(let order):
            writer.integer(UInt8(3))
            writer.optional(order.device) { $0.string($1, Limits.text, "device") }
            writer.optional(order.folder) { $0.string($1, Limits.text, "folder") }
            writer.string(order.path, Limits.text, "path")
            writer.integer(order.offset)
            writer.optional(order.size) { $0.integer($1) }
        case .unlock(let order, let secret):
            writer.integer(UInt8(4))
            order.encode(&writer)
            writer.secret(secret, Limits.keyFile, "key")
        case .activationPermitted(let isPermitted):
            writer.integer(UInt8(5))
            writer.bool(isPermitted)
        case .readEntries(let rehearsal):
            writer.integer(UInt8(6))
            writer.bool(rehearsal)
        case .chooseEntry(let id):
            writer.integer(UInt8(7))
            writer.string(id, Limits.word, "entry")
        case .close(let names):
            writer.integer(UInt8(8))
            writer.list(names, Limits.items, "names") { $0.string($1, Limits.text, "name") }
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
        case 5: order = .activationPermitted(try reader.bool("permission"))
        case 6: order = .readEntries(rehearsal: try reader.bool("rehearsal"))
        case 7: order = .chooseEntry(try reader.string(Limits.word, "entry"))
        case 8: order = .close(try reader.list(Limits.items, "names", VolumeOrder.path))
        case let tag: throw .unknownTag(tag)
        }
        try reader.end()
        return order
    }
}

extension VolumeOrder {
    func encode(_ writer: inout Writer) {
        writer.string(name, Limits.text, "name")
        writer.string(device, Limits.text, "path")
        writer.optional(header) { $0.string($1, Limits.text, "header") }
        writer.optional(uuid) { $0.string($1, Limits.text, "uuid") }
        writer.optional(keySlot) { $0.integer($1) }
        for bit in 0..<DMCryptFlags.count { writer.bool(dmCrypt.contains(DMCryptFlags(rawValue: 1 << bit))) }
        writer.bool(rehearsal)
    }

    init(_ reader: inout Reader) throws(WireError) {
        name = try reader.string(Limits.text, "name")
        device = try VolumeOrder.path(&reader)
        header = try reader.optional("header", VolumeOrder.path)
        uuid = try reader.optional("uuid", VolumeOrder.path)
        keySlot = try reader.optional("key slot") { reader throws(WireError) in try reader.integer() }
        dmCrypt = []
        for bit in 0..<DMCryptFlags.count where try reader.bool("dm-crypt flag") {
            dmCrypt.insert(DMCryptFlags(rawValue: 1 << bit))
        }
        rehearsal = try reader.bool("rehearsal")
    }

    static func path(_ reader: inout Reader) throws(WireError) -> String {
        try reader.string(Limits.text, "path")
    }
}
