public import Config
internal import Linux

/// What this machine has, as sysfs and udev tell it.
public struct Hardware {
    /// Where sysfs and udev's data lie: elsewhere only in tests.
    var sysfs = "/sys"
    var udev = "/run/udev/data"

    public init(sysfs: String = "/sys", udev: String = "/run/udev/data") {
        self.sysfs = sysfs
        self.udev = udev
    }

    /// Whether a device is there, or `nil` where udev's links do not tell.
    static func isThere(_ device: DeviceSpec) -> Bool? {
        if case .path(let path) = device, !path.hasPrefix("/dev/") { return Files.exists(path) }
        // In a chroot or a container nobody made them.
        guard Files.isFolder("/dev/disk/by-uuid") else { return nil }
        let links = links(to: device)
        return links.isEmpty ? nil : links.contains { Files.exists($0) }
    }

    /// The paths under which a device may be found.
    public static func links(to device: DeviceSpec) -> [String] {
        switch device {
        case .path(let path): [path]
        // FAT's short identifiers have capitals there.
        case .uuid(let uuid):
            ["/dev/disk/by-uuid/\(uuid)"] + (uuid.utf8.count < 36 ? ["/dev/disk/by-uuid/\(capitals(uuid))"] : [])
        case .partuuid(let uuid): ["/dev/disk/by-partuuid/\(uuid)"]
        case .label(let label): ["/dev/disk/by-label/\(encoded(label))"]
        case .partlabel(let label): ["/dev/disk/by-partlabel/\(encoded(label))"]
        }
    }

    /// Whether two lines of crypttab name one device, as far as that can be seen now.
    static func areSame(_ one: DeviceSpec, _ other: DeviceSpec) -> Bool {
        if one == other { return true }
        let others = links(to: other)
        return links(to: one).contains { link in
            others.contains { $0.utf8.elementsEqual(link.utf8) }
                || Files.resolved(link).map { place in
                    others.contains { Files.resolved($0)?.utf8.elementsEqual(place.utf8) == true }
                } == true
        }
    }

    private static func capitals(_ text: String) -> String {
        String(decoding: text.utf8.map { (0x61...0x7a).contains($0) ? $0 & 0xdf : $0 }, as: UTF8.self)
    }

    /// A label as a part of a path, as udev writes it.
    private static func encoded(_ label: String) -> String {
        var text = ""
        for scalar in label.unicodeScalars {
            text +=
                scalar.isASCII
                ? SystemdUnits.escaped(UInt8(scalar.value), keeping: Array("#+-.:=@_".utf8)) : String(Character(scalar))
        }
        return text
    }

    /// The network cards, each with the modules of its driver and of the buses it sits at.
    var networkCards: [(name: String, modules: [String])] {
        Files.names(in: "\(sysfs)/class/net").sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.compactMap { name in
            drivers(of: "class/net/\(name)/device").map { (name, $0) }
        }
    }

    /// The modules of a network card's driver and of its PHY's, and of the buses that both sit at, each once.
    public func modules(ofCard name: String) -> [String] {
        var modules: [String] = []
        for link in ["device", "phydev"] {
            for module in drivers(of: "class/net/\(name)/\(link)") ?? [] where !modules.contains(module) {
                modules.append(module)
            }
        }
        return modules
    }

    /// The modules of a device and of all above it, or `nil` when it is not there.
    private func drivers(of device: String) -> [String]? {
        guard var place = Files.resolved("\(sysfs)/\(device)"), let root = Files.resolved(sysfs) else { return nil }
        var modules: [String] = []
        while place.utf8.count > root.utf8.count {
            if let module = Files.resolved("\(place)/driver/module") { modules.append(Hardware.last(of: module)) }
            guard let slash = place.utf8.lastIndex(of: UInt8(ascii: "/")) else { break }
            place = String(place[..<slash])
        }
        return modules
    }

    /// The file system on a device that is there, as udev saw it.
    func fileSystem(on device: DeviceSpec) -> String? {
        for link in Hardware.links(to: device) {
            guard case .blockDevice(let number)? = Files.kind(link) else { continue }
            let major = (number >> 8) & 0xfff
            let minor = (number & 0xff) | ((number >> 12) & 0xfff00)
            guard let bytes = try? Files.read("\(udev)/b\(major):\(minor)", limit: 256 << 10) else { return nil }
            let tag = Array("E:ID_FS_TYPE=".utf8)
            for line in bytes.split(separator: UInt8(ascii: "\n")) where line.starts(with: tag) {
                return String(decoding: line.dropFirst(tag.count), as: UTF8.self)
            }
        }
        return nil
    }

    static func last(of path: String) -> String {
        let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
        return String(path[(slash.map { path.utf8.index(after: $0) } ?? path.startIndex)...])
    }
}
