/// The network cards that no driver has taken.
public enum NetworkCards {
    /// Their names, such as `PCI 0000:00:03.0 (8086:100e)`, `root` being where sysfs is.
    public static func driverless(sysfs root: String = "/sys") -> [String] {
        let pci = "\(root)/bus/pci/devices"
        let virtio = "\(root)/bus/virtio/devices"
        var found: [String] = []
        for name in Files.names(in: pci) where !Files.exists("\(pci)/\(name)/driver") {
            // Class 02 is the network controllers'; the rest of the number says which.
            guard line("\(pci)/\(name)/class").hasPrefix("0x02") else { continue }
            let maker = line("\(pci)/\(name)/vendor").dropFirst(2)
            found.append("PCI \(name) (\(maker):\(line("\(pci)/\(name)/device").dropFirst(2)))")
        }
        for name in Files.names(in: virtio) where !Files.exists("\(virtio)/\(name)/driver") {
            // VIRTIO_ID_NET.
            if line("\(virtio)/\(name)/device") == "0x0001" { found.append("\(name) (virtio-net)") }
        }
        return found
    }

    private static func line(_ path: String) -> String {
        let bytes = (try? Files.read(path, limit: 64)) ?? []
        return String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }

    /// Whether udevd has devices to look at, and drivers to load for them.
    public static func isUdevBusy(folder: String = "/run/udev") -> Bool { Files.exists("\(folder)/queue") }

    /// Whether udevd runs and has not yet done with a link, by its number: it may still give it another name.
    public static func awaitsUdev(_ link: Int32, folder: String = "/run/udev") -> Bool {
        Files.exists("\(folder)/control") && !Files.exists("\(folder)/data/n\(link)")
    }
}
