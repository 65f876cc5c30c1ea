internal import Config

/// The volumes of the host's crypttab that an initrd needs to know.
struct ChosenVolumes {
    /// In the order of the file.
    let entries: [CrypttabEntry]
    /// What the image's lines have besides: an option that takes back one of the host's.
    let added: [(line: Int, option: String)]
    /// What was asked for and is not in crypttab.
    let unknown: [String]

    /// Chooses the volumes that were asked for by name, those that crypttab itself marks for the initrd (`initramfs` for
    /// initramfs-tools, `x-initrd.attach` for systemd), and every member of an array.
    ///
    /// Drops `noauto` from volumes asked for, and with initramfs-tools, which prompts for every volume, from all. Drops
    /// `nofail` from the only volume asked for: there would be no root.
    init(_ crypttab: Crypttab, settings: Settings, asked: [String]) {
        var entries: [CrypttabEntry] = []
        var added: [(line: Int, option: String)] = []
        for var entry in crypttab.entries {
            let isAsked = asked.contains { $0.utf8.elementsEqual(entry.name.utf8) }
            let isMarked =
                entry.options.initramfs && settings.initrd != .systemd
                || entry.options.xInitrdAttach && settings.initrd != .initramfsTools
            guard isAsked || isMarked || settings.arrays.contains(where: { $0.holds(entry.name) }) else { continue }
            if entry.options.noauto, isAsked || settings.initrd == .initramfsTools {
                entry.options.noauto = false
                added.append((entry.line, "auto"))
            }
            // dracut's module asks for those that are marked, too.
            if entry.options.nofail, isAsked, asked.count == 1, settings.initrd == .initramfsTools || !isMarked {
                entry.options.nofail = false
                added.append((entry.line, "fail"))
            }
            entries.append(entry)
        }
        self.entries = entries
        self.added = added
        unknown = asked.filter { name in !crypttab.entries.contains { $0.name.utf8.elementsEqual(name.utf8) } }
    }

    /// Whether a finding about the host's crypttab concerns the image: one about a volume that stays outside does not.
    func concerns(_ finding: Finding, crypttab: Crypttab, file: String) -> Bool {
        guard finding.file == file, finding.line > 0 else { return true }
        guard crypttab.entries.contains(where: { $0.line == finding.line }) else { return true }
        return entries.contains { $0.line == finding.line }
    }
}
