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

    /// What stands in it: the unit waits for Postern, finds the volume open, and has nothing to do; it asks when Postern
    /// failed, but not for what the boot goes on without.
    static func text(for volume: String) -> [UInt8] {
        var text = Array(
            "# Written by postern image.\n[Unit]\nAfter=postern.service\nConditionPathExists=!/run/postern/skip/".utf8)
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
            switch byte {
            case UInt8(ascii: "/"): text += "-"
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: ":"), UInt8(ascii: "_"):
                text.unicodeScalars.append(Unicode.Scalar(byte))
            case UInt8(ascii: ".") where index > 0: text += "."
            default:
                let digits = String(byte, radix: 16)
                text += "\\x" + (digits.utf8.count < 2 ? "0" : "") + digits
            }
        }
        return text
    }
}
