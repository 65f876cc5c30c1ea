/// How crypttab(5) names a block device.
public enum DeviceSpec: Equatable, Hashable, Sendable, CustomStringConvertible {
    /// An absolute path, also of the links in `/dev/disk`.
    case path(String)
    /// `UUID=`: of the LUKS header or filesystem, in lower case.
    case uuid(String)
    /// `PARTUUID=`: of the partition, in lower case.
    case partuuid(String)
    /// `LABEL=`: of the LUKS2 header or filesystem.
    case label(String)
    /// `PARTLABEL=`: of the partition.
    case partlabel(String)

    /// As crypttab has it, but without the escapes a file needs.
    public var description: String {
        switch self {
        case .path(let path): path
        case .uuid(let uuid): "UUID=\(uuid)"
        case .partuuid(let uuid): "PARTUUID=\(uuid)"
        case .label(let label): "LABEL=\(label)"
        case .partlabel(let label): "PARTLABEL=\(label)"
        }
    }

    /// Reads a field as it stands in the file: a path from the root, or one of the tags and a value, which may be in
    /// quotes.
    init?(_ field: ArraySlice<UInt8>) {
        if field.first == UInt8(ascii: "/") {
            guard let path = unescaped(field), path.utf8.count <= FileLimits.path else { return nil }
            self = .path(path)
            return
        }
        guard let equals = field.firstIndex(of: UInt8(ascii: "=")) else { return nil }
        let tag = field[..<equals]
        guard let value = unescaped(unquoted(field[(equals + 1)...])), !value.isEmpty, value.utf8.count <= 255 else {
            return nil
        }
        if tag.isText("LABEL") {
            self = .label(value)
        } else if tag.isText("PARTLABEL") {
            self = .partlabel(value)
        } else if tag.isText("UUID"), let uuid = identifier(value) {
            self = .uuid(uuid)
        } else if tag.isText("PARTUUID"), let uuid = identifier(value) {
            self = .partuuid(uuid)
        } else {
            return nil
        }
    }

    /// As a field of a crypttab.
    var rendered: [UInt8] { escaped(description.utf8) }
}

/// A UUID or the shorter identifier of FAT, MBR partitions and ISO 9660 in lower case; `nil` when it is none.
public func identifier(_ value: String) -> String? {
    let bytes = lowercased(value.utf8)
    let digits = Array("0123456789abcdef-".utf8)
    return bytes.allSatisfy { digits.contains($0) } ? String(decoding: bytes, as: UTF8.self) : nil
}

private func unquoted(_ value: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    guard value.count >= 2, let first = value.first, first == value.last else { return value }
    return first == UInt8(ascii: "\"") || first == UInt8(ascii: "'") ? value.dropFirst().dropLast() : value
}
