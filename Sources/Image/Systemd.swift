internal import Linux

/// What a systemd initrd is told of the volumes that Postern opens.
enum SystemdUnits {
    /// Whether the tree of an initrd has systemd in it.
    static func isThere(beneath root: String) -> Bool {
        ["/usr/lib/systemd/systemd", "/lib/systemd/systemd"].contains { Files.exists(root + $0) }
    }

    /// The path of the drop-in for the unit that opens a volume natively.
    static func dropIn(for volume: String) -> String {
        "/etc/systemd/system/systemd-cryptsetup@\(escaped(volume)).service.d/postern.conf"
    }

    /// The path of the drop-in for a device's unit.
    ///
    /// - Parameters:
    ///   - path: the device's.
    ///   - isVolume: whether crypttab calls a volume's device so. dracut lets systemd wait for it without limit, by a file of
    ///     this name that it makes at boot unless it is there.
    /// - Returns: the path.
    static func dropIn(forDevice path: String, isVolume: Bool) -> String {
        let unit = escaped(String(path.drop { $0 == "/" }))
        return "/etc/systemd/system/\(unit).device.d/\(isVolume ? "timeout" : "postern").conf"
    }

    /// The drop-in by which Postern's own unit tells systemd when the volumes are open, and stays: ZFS asks for the datasets later.
    static let dropInForDatasets = "/etc/systemd/system/postern.service.d/datasets.conf"
    static let textForDatasets = Array(
        """
        # Written by postern image.
        [Unit]
        Before=initrd-switch-root.target

        [Service]
        Type=notify
        ExecStart=
        ExecStart=/usr/sbin/postern agent --until-root

        """.utf8)

    /// What every drop-in begins with.
    static let start = Array("# Written by postern image.\n[Unit]\nAfter=postern.service\n".utf8)

    /// What stands in that of a volume: the unit waits for Postern, finds the volume open, and has nothing to do; it asks when
    /// Postern failed, but not for what the boot goes on without.
    static func text(for volume: String) -> [UInt8] {
        var text = start + Array("ConditionPathExists=!/run/postern/skip/".utf8)
        for byte in volume.utf8 {
            text.append(byte)
            // systemd.unit(5): a specifier begins with it.
            if byte == UInt8(ascii: "%") { text.append(byte) }
        }
        return text + [UInt8(ascii: "\n")]
    }

    /// A name as a part of a unit's, as systemd-escape(1) writes it.
    static func escaped(_ name: String) -> String {
        var text = ""
        for (index, byte) in name.utf8.enumerated() {
            let isDot = byte == UInt8(ascii: ".") && index > 0
            text += byte == UInt8(ascii: "/") ? "-" : isDot ? "." : escaped(byte, keeping: Array(":_".utf8))
        }
        return text
    }

    /// A byte as it stands in a name: letters, digits and some others as they are, the rest as `\xHH`.
    static func escaped(_ byte: UInt8, keeping kept: [UInt8]) -> String {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: break
        default:
            guard kept.contains(byte) else { return (byte < 16 ? "\\x0" : "\\x") + String(byte, radix: 16) }
        }
        return String(decoding: [byte], as: UTF8.self)
    }
}
