internal import Linux

/// What the initrd is told about its network: by the kernel's command line, and by files of the image.
struct InitrdNetwork {
    /// Where a value stands, and the value.
    typealias Setting = (file: String, line: Int, value: String)

    /// The `ip=` words that hold.
    private(set) var addresses: [Setting] = []
    /// `DEVICE=` of initramfs.conf(5), if it names a card.
    private(set) var device: Setting?
    /// Names of links that `bond=`, `bridge=`, `team=`, `vlan=`, `ifname=` or a `.netdev` file make.
    private(set) var made: [String] = []
    /// What `bond=`, `bridge=`, `team=`, `vlan=` or a `.netdev` file make.
    private(set) var layers: [Layer] = []
    /// networkd's files in the image, in the order in which it looks for one that is for a link.
    private var files: [NetworkFile] = []

    /// A link that the initrd lays upon others.
    struct Layer: Equatable {
        let name: String
        /// What it lies on, as far as that is known.
        let lower: [String]
        let isVLAN: Bool
    }

    /// - Parameters:
    ///   - root: prefix of the booted machine's paths.
    ///   - image: the unpacked image, or `nil`.
    ///   - commandLine: the kernel's, or `nil` for that of the running one.
    init(beneath root: String, image: String?, commandLine: [UInt8]? = nil) {
        readWords(
            "/proc/cmdline", commandLine ?? (try? Files.read(root + "/proc/cmdline", limit: 64 << 10)) ?? [])
        guard let image else { return }
        // What `kernel_cmdline` of dracut.conf(5) says.
        let parts = Files.names(in: image + "/etc/cmdline.d").filter { $0.hasSuffix(".conf") }
            .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.map { "/etc/cmdline.d/\($0)" }
        for file in ["/etc/cmdline"] + parts {
            readWords(file, (try? Files.readRegular(image + file, limit: 64 << 10)) ?? [])
        }
        readTools(image)
        readNetworkd(image)
    }

    private mutating func readWords(_ file: String, _ commandLine: [UInt8]) {
        for word in commandLine.split(whereSeparator: { $0 == 0x20 || $0 == 0x0a }) {
            let text = String(decoding: word, as: UTF8.self)
            if let value = InitrdNetwork.value(of: "ip=", text) { addresses.append((file, 0, value)) }
            for (key, standard) in [
                ("bond=", "bond0"), ("bridge=", "br0"), ("team=", "team0"), ("vlan=", ""), ("ifname=", ""),
            ] {
                guard let value = InitrdNetwork.value(of: key, text) else { continue }
                let name = value.isEmpty ? standard : String(value.prefix { $0 != ":" })
                made.append(name)
                guard key != "ifname=" else { continue }
                let lower = value.drop { $0 != ":" }.dropFirst().prefix { $0 != ":" }
                layers.append(
                    Layer(
                        name: name, lower: lower.split(separator: ",").map { String($0) }, isVLAN: key == "vlan="))
            }
        }
    }

    /// Whether an `ip=` or `DEVICE=` names a link.
    func names(_ link: String) -> Bool {
        let named = addresses.compactMap { AddressWord($0.value).card } + (device.map { [$0.value] } ?? [])
        return named.contains { $0.utf8.elementsEqual(link.utf8) }
    }

    /// The addresses that networkd's file for the card, or for what lies on it, gives, with their bits.
    func fixed(on card: String?) -> [String] {
        let links = card.map { [$0] + layers.filter { !$0.isVLAN }.map { $0.name } } ?? []
        return files.first { $0.isFor(links) }?.fixed ?? []
    }

    func makes(_ name: String) -> Bool { made.contains { $0.utf8.elementsEqual(name.utf8) } }

    /// What initramfs-tools put into the image. The command line's `ip=` comes before `IP=`.
    private mutating func readTools(_ image: String) {
        var files = ["/conf/initramfs.conf"]
        files += Files.names(in: image + "/conf/conf.d").sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            .map { "/conf/conf.d/\($0)" }
        var address: Setting?
        for file in files {
            InitrdNetwork.eachLine(of: image + file) { number, text in
                if let value = InitrdNetwork.value(of: "IP=", text) { address = (file, number, value) }
                if let value = InitrdNetwork.value(of: "DEVICE=", text) { device = (file, number, value) }
            }
        }
        if device?.value.isEmpty == true { device = nil }
        if addresses.isEmpty, let address, !address.value.isEmpty { addresses = [address] }
    }

    private mutating func readNetworkd(_ image: String) {
        var found: [(name: String, path: String)] = []
        for folder in ["/etc/systemd/network", "/usr/lib/systemd/network", "/lib/systemd/network"] {
            for name in Files.names(in: image + folder) where name.hasSuffix(".netdev") {
                var isVLAN = false
                var names: [String] = []
                InitrdNetwork.eachLine(of: "\(image)\(folder)/\(name)") { _, text in
                    if let value = InitrdNetwork.value(of: "Name=", text) { names.append(value) }
                    if let value = InitrdNetwork.value(of: "Kind=", text) { isVLAN = value == "vlan" }
                }
                made += names
                layers += names.map { Layer(name: $0, lower: [], isVLAN: isVLAN) }
            }
            // One in an earlier folder takes the place of one with its name in a later one.
            for name in Files.names(in: image + folder)
            where name.hasSuffix(".network") && !found.contains(where: { $0.name == name }) {
                found.append((name, "\(image)\(folder)/\(name)"))
            }
        }
        files = found.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
            .map { NetworkFile((try? Files.readRegular($0.path, limit: 256 << 10)) ?? []) }
    }

    private static func eachLine(of file: String, _ body: (Int, String) -> Void) {
        let bytes = (try? Files.readRegular(file, limit: 256 << 10)) ?? []
        for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            body(index + 1, String(decoding: line.drop { $0 == 0x20 || $0 == 0x09 }, as: UTF8.self))
        }
    }

    /// What stands behind a key, without quotes.
    private static func value(of key: String, _ text: String) -> String? {
        guard text.hasPrefix(key) else { return nil }
        let bytes = text.utf8.dropFirst(key.utf8.count).filter { ![0x20, 0x09, 0x0d, 0x22, 0x27].contains($0) }
        return String(decoding: bytes, as: UTF8.self)
    }
}
