internal import Config

/// The volumes of the host's crypttab that an initrd needs to know.
struct ChosenVolumes {
    /// In the order of the file.
    let entries: [CrypttabEntry]
    /// What was asked for and is not in crypttab.
    let unknown: [String]

    /// Chooses the volumes that were asked for by name, those that crypttab itself marks for the initrd (`initramfs`,
    /// `x-initrd.attach`), and every member of an array.
    init(_ crypttab: Crypttab, settings: Settings, asked: [String]) {
        entries = crypttab.entries.filter { entry in
            entry.options.initramfs || entry.options.xInitrdAttach
                || asked.contains { $0.utf8.elementsEqual(entry.name.utf8) }
                || settings.arrays.contains { $0.holds(entry.name) }
        }
        unknown = asked.filter { name in !crypttab.entries.contains { $0.name.utf8.elementsEqual(name.utf8) } }
    }

    /// Whether a finding about the host's crypttab concerns the image: one about a volume that stays outside does not.
    func concerns(_ finding: Finding, crypttab: Crypttab, file: String) -> Bool {
        guard finding.file == file, finding.line > 0 else { return true }
        guard crypttab.entries.contains(where: { $0.line == finding.line }) else { return true }
        return entries.contains { $0.line == finding.line }
    }
}
