/// The volumes that systemd asks for because of the kernel's command line, whether crypttab has them or not
/// (systemd-cryptsetup-generator(8)): `rd.luks.uuid=` and `rd.luks.name=`, also without `rd.`.
public struct KernelVolumes: Sendable {
    private var names: [String] = []
    private var isOff = false

    public init() {}

    /// Takes the words of proc(5)'s `cmdline`, or of a file of `cmdline.d` in dracut's image.
    public mutating func read(_ bytes: [UInt8]) {
        for word in bytes.split(whereSeparator: { $0 == 0x20 || $0 == 0x09 || $0 == 0x0a }) {
            var text = String(decoding: word, as: UTF8.self)
            if text.hasPrefix("rd.") { text = String(text.dropFirst(3)) }
            if text.hasPrefix("luks=") { isOff = ["luks=0", "luks=no"].contains(text) }
            if text.hasPrefix("luks.uuid=") {
                let uuid = text.dropFirst(10)
                names.append(uuid.hasPrefix("luks-") ? String(uuid) : "luks-\(uuid)")
            }
            if text.hasPrefix("luks.name=") {
                names += text.dropFirst(10).split(separator: "=", maxSplits: 1).dropFirst().map { String($0) }
            }
        }
    }

    /// Whether it opens a volume of that name.
    public func has(_ name: String) -> Bool { !isOff && names.contains { $0.utf8.elementsEqual(name.utf8) } }
}
