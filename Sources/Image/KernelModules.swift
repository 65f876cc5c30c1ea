internal import Linux

/// The kernel's modules in an image, those that its kernel has built in among them, as its lists tell:
///
/// ```
/// modules.builtin           kernel/crypto/cbc.ko
/// modules.builtin.modinfo   cbc.alias=crypto-cbc, ended by a zero
/// modules.alias             alias crypto-serpent serpent_generic
/// modules.dep               kernel/crypto/lrw.ko.xz: kernel/crypto/gf128mul.ko.xz ...
/// ```
public struct KernelModules {
    /// In the spelling of /proc/modules: with `_` for `-`.
    private var names: [[UInt8]] = []
    /// The files of those that are not built in.
    private var files: [(name: [UInt8], path: String)] = []
    /// The lines of the lists.
    private var aliases: [ArraySlice<UInt8>] = []
    private var builtin: [ArraySlice<UInt8>] = []
    private var dependencies: [ArraySlice<UInt8>] = []
    /// The kernels that the image has modules for.
    public let versions: [String]

    /// Folders in folders that are looked into: the kernel's own tree has six.
    private static let deepest = 12
    /// The largest list, in bytes: `modules.alias` of all of Debian's modules has 1.4 million.
    private static let largestList = 16 << 20

    /// Looks beneath the root of an unpacked image.
    public init(beneath root: String) {
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
            for line in KernelModules.lines(of: "\(folder)/modules.builtin") {
                add(Hardware.last(of: String(decoding: line, as: UTF8.self)))
            }
            dependencies += KernelModules.lines(of: "\(folder)/modules.dep")
            aliases += KernelModules.lines(of: "\(folder)/modules.alias")
            builtin += KernelModules.lines(of: "\(folder)/modules.builtin.modinfo", end: 0)
        }
    }

    private static func lines(of list: String, end: UInt8 = UInt8(ascii: "\n")) -> [ArraySlice<UInt8>] {
        ((try? Files.readRegular(list, limit: largestList)) ?? []).split(separator: end)
    }

    /// Whether one of these modules is there, with all that it depends on.
    public func hasAny(of wanted: [String]) -> Bool {
        wanted.contains { has(KernelModules.plain($0.utf8)) }
    }

    /// The file of a module, or `nil` for one that is not there or built in.
    public func file(of module: String) -> String? {
        let name = KernelModules.plain(module.utf8)
        return files.first { $0.name == name }?.path
    }

    /// The firmware that a built-in module may ask for, as paths beneath /lib/firmware.
    public func firmware(ofBuiltin module: String) -> [String] {
        let start = KernelModules.plain(module.utf8) + Array(".firmware=".utf8)
        return builtin.filter { KernelModules.plain($0.prefix(start.count)) == start }
            .map { String(decoding: $0.dropFirst(start.count), as: UTF8.self) }
    }

    /// Whether something answers when the kernel's crypto API calls for this.
    func hasCrypto(_ name: String) -> Bool {
        let alias = KernelModules.alias(name)
        return aliases.contains { $0.starts(with: alias) && has(KernelModules.plain($0.dropFirst(alias.count))) }
            || builtin.contains { line in
                let end = ".alias=crypto-\(name)".utf8
                return line.suffix(end.count).elementsEqual(end)
            }
            // A kernel of before 5.2 does not say what it has built in.
            || hasAny(of: [name, "\(name)_generic"])
    }

    /// Whether this machine's own copy of the same kernel has a module that the crypto API could call for.
    func couldHaveCrypto(_ name: String) -> Bool {
        let alias = KernelModules.alias(name)
        return versions.contains { version in
            KernelModules.lines(of: "/lib/modules/\(version)/modules.alias").contains { $0.starts(with: alias) }
        }
    }

    private static func alias(_ name: String) -> [UInt8] { Array("alias crypto-\(name) ".utf8) }

    private func has(_ module: [UInt8]) -> Bool {
        guard names.contains(module) else { return false }
        let line = dependencies.first { KernelModules.module($0.prefix { $0 != UInt8(ascii: ":") }) == module }
        let files = line?.drop { $0 != UInt8(ascii: ":") }.dropFirst().split(separator: UInt8(ascii: " ")) ?? []
        return files.allSatisfy { names.contains(KernelModules.module($0)) }
    }

    /// The name of the module in a file of that path.
    private static func module(_ path: ArraySlice<UInt8>) -> [UInt8] {
        let file = path.split(separator: UInt8(ascii: "/")).last ?? []
        return plain(file.prefix { $0 != UInt8(ascii: ".") })
    }

    private mutating func walk(_ folder: String, depth: Int) {
        for name in Files.names(in: folder) {
            let path = "\(folder)/\(name)"
            if add(name) {
                if let name = names.last { files.append((name, path)) }
                continue
            }
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
