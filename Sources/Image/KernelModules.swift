internal import Linux

/// The kernel's modules in an image, those that its kernel has built in among them.
struct KernelModules {
    /// In the spelling of /proc/modules: with `_` for `-`.
    private var names: [[UInt8]] = []
    /// The kernels that the image has modules for.
    let versions: [String]

    /// Folders in folders that are looked into: the kernel's own tree has six.
    private static let deepest = 12
    /// The largest `modules.builtin`, in bytes: Debian's has some 10,000.
    private static let largestList = 1 << 20

    /// Looks beneath the root of an unpacked image.
    init(beneath root: String) {
        var versions: [String] = []
        var folders: [String] = []
        for place in ["/usr/lib/modules", "/lib/modules"] {
            for version in Files.names(in: root + place) where !versions.contains(version) {
                guard Files.isFolder("\(root)\(place)/\(version)") else { continue }
                versions.append(version)
                folders.append("\(root)\(place)/\(version)")
            }
        }
        self.versions = versions
        for folder in folders {
            walk(folder, depth: 0)
            let list = try? Files.readRegular("\(folder)/modules.builtin", limit: KernelModules.largestList)
            for line in (list ?? []).split(separator: UInt8(ascii: "\n")) {
                add(Hardware.last(of: String(decoding: line, as: UTF8.self)))
            }
        }
    }

    /// Whether one of these modules is there.
    func hasAny(of wanted: [String]) -> Bool {
        wanted.contains { names.contains(KernelModules.plain($0.utf8)) }
    }

    private mutating func walk(_ folder: String, depth: Int) {
        for name in Files.names(in: folder) {
            if add(name) { continue }
            let path = "\(folder)/\(name)"
            if depth < KernelModules.deepest, Files.isFolder(path) { walk(path, depth: depth + 1) }
        }
    }

    /// - Returns: whether this is the name of a module's file, maybe a compressed one.
    @discardableResult
    private mutating func add(_ file: String) -> Bool {
        for end in [".ko", ".ko.xz", ".ko.zst", ".ko.gz"] where file.hasSuffix(end) {
            names.append(KernelModules.plain(file.utf8.dropLast(end.utf8.count)))
            return true
        }
        return false
    }

    private static func plain(_ name: some Collection<UInt8>) -> [UInt8] {
        name.map { $0 == UInt8(ascii: "-") ? UInt8(ascii: "_") : $0 }
    }
}
