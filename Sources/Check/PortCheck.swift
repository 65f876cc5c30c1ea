internal import Config
internal import ConfigFiles
internal import Linux

/// Whether another program has the ports that Postern listens on.
struct PortCheck {
    private let root: String
    private let image: String?
    private let ports: [UInt16]

    init(_ root: String, image: String?, _ configuration: Configuration) {
        self.root = root
        self.image = image
        var ports: [UInt16] = []
        let settings = configuration.settings
        for port in settings.ports + settings.listenAddresses.compactMap({ $0.port }) where !ports.contains(port) {
            ports.append(port)
        }
        self.ports = ports
    }

    func look(into report: inout CheckReport) {
        let taken = listened
        for port in ports where taken.contains(port) {
            report.addNotice(
                "port \(port)", 0, "a program of the booted machine listens there; the initrd will have it free",
                remedy: "give a rehearsal another port")
        }
        guard let image else { return }
        for port in dropbearPorts(image) where ports.contains(port) {
            report.add(
                "port \(port)", 0, "dropbear, which is in the image too, listens there as well as Postern",
                remedy: "remove the package dropbear-initramfs, or give one of the two another port")
        }
        // Its hooks have no other port.
        let hasTinySSH = ["/usr/sbin/tinysshd", "/usr/bin/tinysshd"].contains { Files.exists(image + $0) }
        if hasTinySSH, ports.contains(22) {
            report.add(
                "port 22", 0, "tinyssh, which is in the image too, listens there as well as Postern",
                remedy: "take tinyssh out of the image, or give Postern another port")
        }
    }

    /// The TCP ports on which something listens now; the tables as in proc(5).
    private var listened: [UInt16] {
        var ports: [UInt16] = []
        for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
            let bytes = (try? Files.read(root + table, limit: 16 << 20)) ?? []
            for line in bytes.split(separator: UInt8(ascii: "\n")) {
                let fields = line.split(separator: UInt8(ascii: " "), maxSplits: 4)
                // TCP_LISTEN.
                guard fields.count > 3, fields[3].elementsEqual("0A".utf8),
                    let digits = fields[1].split(separator: UInt8(ascii: ":")).last,
                    let port = UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
                else { continue }
                ports.append(port)
            }
        }
        return ports
    }

    /// The ports of dropbear-initramfs in an image, none where it is not there.
    private func dropbearPorts(_ image: String) -> [UInt16] {
        guard ["/usr/sbin/dropbear", "/sbin/dropbear"].contains(where: { Files.exists(image + $0) }),
            Files.exists(image + "/scripts/init-premount/dropbear")
        else { return [] }
        // The second is Debian 11's.
        let files = ["/etc/dropbear/dropbear.conf", "/etc/dropbear/config"].map { image + $0 }
        let hosts = ["/etc/dropbear/initramfs/dropbear.conf", "/etc/dropbear-initramfs/config"].map { root + $0 }
        guard let file = (files + hosts).first(where: { Files.exists($0) }),
            let bytes = try? Files.readRegular(file, limit: 64 << 10)
        else { return [22] }
        var ports: [UInt16] = []
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            let key = "DROPBEAR_OPTIONS="
            let text = String(decoding: line.drop { $0 == 0x20 || $0 == 0x09 }, as: UTF8.self)
            if text.hasPrefix(key) { ports = PortCheck.ports(ofOptions: Array(text.utf8.dropFirst(key.utf8.count))) }
        }
        return ports.isEmpty ? [22] : ports
    }

    /// The ports of dropbear(8)'s `-p [address:]port`.
    private static func ports(ofOptions bytes: [UInt8]) -> [UInt16] {
        var ports: [UInt16] = []
        var isNext = false
        for word in bytes.split(whereSeparator: { [0x20, 0x09, 0x22, 0x27, 0x0d].contains($0) }) {
            let isOption = word.starts(with: "-p".utf8)
            if isNext || isOption && word.count > 2 {
                let value = isNext ? word : word.dropFirst(2)
                let digits = value.split(separator: UInt8(ascii: ":")).last ?? []
                if let port = UInt16(String(decoding: digits, as: UTF8.self)) { ports.append(port) }
                isNext = false
            } else {
                isNext = isOption
            }
        }
        return ports
    }
}
