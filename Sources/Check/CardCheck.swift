internal import HostPrograms
internal import Image
internal import Linux

/// Whether an image has the drivers and the firmware of network cards.
struct CardCheck {
    private let root: String
    private let image: String
    private let modules: KernelModules
    private let hardware: Hardware

    init(_ root: String, image: String) {
        self.root = root
        self.image = image
        modules = KernelModules(beneath: image)
        hardware = Hardware(sysfs: root + "/sys")
    }

    func look(at cards: [String], into report: inout CheckReport) {
        // That an image has no modules at all is said elsewhere.
        guard let version = modules.versions.first else { return }
        let isTools = Files.isFolder(image + "/scripts")
        for card in cards {
            for module in hardware.modules(ofCard: card) {
                guard modules.hasAny(of: [module]) else {
                    report.add(
                        card, 0, "its driver needs the module \(module), which is not in the image of \(version)",
                        remedy: (isTools
                            ? "list it in /etc/initramfs-tools/modules" : "name it in add_drivers of dracut.conf(5)")
                            + ", and build the image again")
                    continue
                }
                lookAtFirmware(card, module, version, isTools, into: &report)
            }
        }
    }

    /// A driver names the firmware of every kind of card that it knows. What this machine has installed, the image is to
    /// have as well.
    private func lookAtFirmware(
        _ card: String, _ module: String, _ version: String, _ isTools: Bool, into report: inout CheckReport
    ) {
        let missing = firmware(of: module).filter {
            has($0, version, beneath: root) && !has($0, version, beneath: image)
        }
        guard let first = missing.first else { return }
        let others = missing.count - 1
        let more = others > 0 ? ", with \(others) more of that driver" : ""
        let hook = "with a hook that calls add_firmware (initramfs-tools(7))"
        let line = "with install_items+=\" /lib/firmware/\(printable(first)) \" in /etc/dracut.conf.d"
        report.add(
            card, 0,
            "the image of \(version) lacks the firmware \(printable(first))\(more): its driver \(module) may ask for it, "
                + "and this machine has it installed",
            remedy: "build the image again; if that does not help, add the firmware \(isTools ? hook : line)")
    }

    /// The firmware that a module of the image may ask for, by modinfo(8).
    private func firmware(of module: String) -> [String] {
        guard let file = modules.file(of: module) else { return modules.firmware(ofBuiltin: module) }
        guard let program = HostProgram.find("modinfo"),
            let result = try? HostProgram.run([program, "-F", "firmware", file], seconds: 5), result.succeeded
        else { return [] }
        return result.output.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Whether the kernel finds it there, also packed.
    private func has(_ firmware: String, _ version: String, beneath tree: String) -> Bool {
        for library in ["/lib/firmware", "/usr/lib/firmware"] {
            for folder in ["/updates/\(version)", "/updates", "/\(version)", ""] {
                for end in ["", ".xz", ".zst"] where Files.exists("\(tree)\(library)\(folder)/\(firmware)\(end)") {
                    return true
                }
            }
        }
        return false
    }
}
