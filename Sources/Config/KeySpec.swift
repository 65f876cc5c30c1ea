/// Where the key of a volume comes from: the third field of crypttab(5).
public enum KeySpec: Equatable, Sendable {
    /// `none`, `-` or nothing: a passphrase is asked for.
    case ask
    /// A file or device in the initrd.
    case file(path: String)
    /// `PATH:DEVICE`: a file on another volume, as systemd's crypttab has it.
    case fileOn(path: String, device: DeviceSpec)
    /// A random key such as `/dev/urandom`, the argument of a key script, or what is not understood.
    case other(String)

    /// The devices that give another key every time.
    static func isRandom(_ path: String) -> Bool {
        ["/dev/urandom", "/dev/random", "/dev/hwrng", "/dev/hw_random"].contains { same($0, path) }
    }

    /// As a field of a crypttab.
    public var rendered: [UInt8] {
        switch self {
        case .ask: Array("none".utf8)
        case .file(let path): FileSpec.file(path: path).rendered
        case .fileOn(let path, let device): FileSpec.fileOn(path: path, device: device).rendered
        case .other(let text): escaped(text.utf8)
        }
    }
}

/// Where a detached LUKS header lies: the option `header=`.
public enum FileSpec: Equatable, Sendable {
    /// A file or device in the initrd.
    case file(path: String)
    /// `PATH:DEVICE`: a file on another volume.
    case fileOn(path: String, device: DeviceSpec)

    /// Reads `PATH` or `PATH:DEVICE` as it stands in the file; `nil` when the path does not begin at the root.
    ///
    /// The device begins after the first colon that a device can follow, for both paths and labels may hold colons.
    init?(_ field: ArraySlice<UInt8>) {
        guard field.first == UInt8(ascii: "/") else { return nil }
        for colon in field.indices where field[colon] == UInt8(ascii: ":") {
            guard let device = DeviceSpec(field[(colon + 1)...]) else { continue }
            guard let path = FileSpec.path(field[..<colon]) else { return nil }
            self = .fileOn(path: path, device: device)
            return
        }
        guard let path = FileSpec.path(field) else { return nil }
        self = .file(path: path)
    }

    private static func path(_ field: ArraySlice<UInt8>) -> String? {
        guard let path = unescaped(field), path.utf8.count <= FileLimits.path else { return nil }
        return path
    }

    var rendered: [UInt8] {
        switch self {
        case .file(let path):
            // A colon need only be escaped where a device could be read after it.
            if case .file? = FileSpec(escaped(path.utf8)[...]) {
                escaped(path.utf8)
            } else {
                escaped(path.utf8, colons: true)
            }
        case .fileOn(let path, let device):
            escaped(path.utf8, colons: true) + [UInt8(ascii: ":")] + device.rendered
        }
    }
}
