public import Linux

/// Why a message was refused, or cannot be sent. What comes from a peer ends the process that sent it.
public enum WireError: Error, Equatable, CustomStringConvertible {
    case truncated
    case trailingBytes(Int)
    case unknownTag(UInt8)
    /// A value outside of what the field may hold.
    case badValue(field: String)
    case memory(SystemError)

    public var description: String {
        switch self {
        case .truncated: "message ends early"
        case .trailingBytes(let count): "\(count) bytes after the message"
        case .unknownTag(let tag): "unknown message tag \(tag)"
        case .badValue(let field): "bad value for \(field)"
        case .memory(let error): "no locked memory: \(error.description)"
        }
    }
}

/// Builds a message body in `SecretBytes`. Integers are big-endian; a string is its length (4 bytes) and its bytes.
///
/// It keeps the limits that the reader checks, since a message over one of them would end the process that reads it:
/// what a person reads is cut, and anything else is an error, which `finish` throws.
struct Writer {
    private var bytes: SecretBytes?
    private var failure: WireError?

    init(capacity: Int = 512) {
        do throws(SystemError) { bytes = try SecretBytes(capacity: capacity) } catch { failure = .memory(error) }
    }

    mutating func append(_ added: UnsafeRawBufferPointer) {
        guard let old = bytes else { return }
        if unsafe old.append(contentsOf: added) { return }
        do throws(SystemError) {
            let larger = try SecretBytes(capacity: max(old.capacity * 2, old.count + added.count))
            unsafe old.withUnsafeBytes { content in _ = unsafe larger.append(contentsOf: content) }
            _ = unsafe larger.append(contentsOf: added)
            bytes = larger
        } catch {
            failure = .memory(error)
            bytes = nil
        }
    }

    mutating func integer<T: FixedWidthInteger>(_ value: T) {
        var big = value.bigEndian
        unsafe withUnsafeBytes(of: &big) { unsafe append($0) }
    }

    mutating func bool(_ value: Bool) { integer(UInt8(value ? 1 : 0)) }

    mutating func data(_ value: [UInt8], _ limit: Int, _ field: String) {
        guard admits(value.count, limit, field) else { return }
        integer(UInt32(value.count))
        unsafe value.withUnsafeBytes { unsafe append($0) }
    }

    mutating func string(_ value: String, _ limit: Int, _ field: String) { data(Array(value.utf8), limit, field) }

    /// What a person reads: its first `limit` bytes, without a character cut in two.
    mutating func text(_ value: String, _ limit: Int = Limits.text) {
        let all = Array(value.utf8)
        var count = min(all.count, limit)
        while count < all.count, count > 0, all[count] & 0xc0 == 0x80 { count -= 1 }
        data(Array(all.prefix(count)), limit, "text")
    }

    mutating func secret(_ value: SecretBytes, _ limit: Int, _ field: String) {
        guard admits(value.count, limit, field) else { return }
        integer(UInt32(value.count))
        unsafe value.withUnsafeBytes { unsafe append($0) }
    }

    mutating func list<T>(_ values: [T], _ limit: Int, _ field: String, _ each: (inout Writer, T) -> Void) {
        guard admits(values.count, limit, field) else { return }
        integer(UInt16(values.count))
        for value in values { each(&self, value) }
    }

    mutating func optional<T>(_ value: T?, _ write: (inout Writer, T) -> Void) {
        bool(value != nil)
        if let value { write(&self, value) }
    }

    private mutating func admits(_ count: Int, _ limit: Int, _ field: String) -> Bool {
        if count <= limit { return true }
        failure = failure ?? .badValue(field: field)
        return false
    }

    consuming func finish() throws(WireError) -> SecretBytes {
        if let failure { throw failure }
        guard let bytes else { throw .memory(SystemError("mmap", code: 0)) }
        return bytes
    }
}

/// Takes a message body apart. Every length is checked against what is left before anything is allocated.
struct Reader {
    private let bytes: SecretBytes
    private var offset = 0

    init(_ bytes: SecretBytes) { self.bytes = bytes }

    var left: Int { bytes.count - offset }

    mutating func integer<T: FixedWidthInteger>(_ type: T.Type = T.self) throws(WireError) -> T {
        let size = T.bitWidth / 8
        guard left >= size else { throw .truncated }
        let start = offset
        offset += size
        return unsafe bytes.withUnsafeBytes { T(bigEndian: unsafe $0.loadUnaligned(fromByteOffset: start, as: T.self)) }
    }

    mutating func bool(_ field: String) throws(WireError) -> Bool {
        switch try integer(UInt8.self) {
        case 0: return false
        case 1: return true
        default: throw .badValue(field: field)
        }
    }

    private mutating func advance(_ limit: Int, _ field: String) throws(WireError) -> Range<Int> {
        let count = Int(try integer(UInt32.self))
        guard count <= limit else { throw .badValue(field: field) }
        guard count <= left else { throw .truncated }
        offset += count
        return (offset - count)..<offset
    }

    mutating func data(_ limit: Int, _ field: String) throws(WireError) -> [UInt8] {
        let range = try advance(limit, field)
        return unsafe bytes.withUnsafeBytes { unsafe Array($0[range]) }
    }

    mutating func string(_ limit: Int, _ field: String) throws(WireError) -> String {
        String(decoding: try data(limit, field), as: UTF8.self)
    }

    mutating func secret(_ limit: Int, _ field: String) throws(WireError) -> SecretBytes {
        let range = try advance(limit, field)
        do throws(SystemError) {
            return unsafe try bytes.withUnsafeBytes { all throws(SystemError) in
                unsafe try SecretBytes(copying: UnsafeRawBufferPointer(rebasing: all[range]))
            }
        } catch { throw .memory(error) }
    }

    mutating func list<T>(
        _ limit: Int, _ field: String, _ each: (inout Reader) throws(WireError) -> T
    ) throws(WireError) -> [T] {
        let count = Int(try integer(UInt16.self))
        guard count <= limit else { throw .badValue(field: field) }
        var values: [T] = []
        for _ in 0..<count { values.append(try each(&self)) }
        return values
    }

    mutating func optional<T>(
        _ field: String, _ read: (inout Reader) throws(WireError) -> T
    ) throws(WireError) -> T? {
        try bool(field) ? try read(&self) : nil
    }

    func end() throws(WireError) {
        guard left == 0 else { throw .trailingBytes(left) }
    }
}
