internal import BootLoader
internal import Config
internal import Linux

/// The menu of systemd-boot, as far as it starts Linux.
struct LoaderMenu {
    /// In the menu's order.
    private(set) var entries: [LoaderEntry] = []
    /// The one that it starts next unless somebody chooses another, or `nil` where systemd-boot does not start this machine.
    private(set) var next: LoaderEntry?

    /// Where the EFI system partition and the one for boot loaders may be mounted.
    private static let volumes = ["/efi", "/boot", "/boot/efi"]

    /// - Parameter root: a prefix of the paths.
    init(beneath root: String) {
        var seen: [String] = []
        for volume in LoaderMenu.volumes {
            guard let place = Files.resolved(root + volume), !seen.contains(place) else { continue }
            seen.append(place)
            for name in Files.names(in: "\(root)\(volume)/loader/entries")
            where name.hasSuffix(".conf") && !name.hasPrefix(".") && !name.hasPrefix("auto-") {
                let path = "\(root)\(volume)/loader/entries/\(name)"
                guard let bytes = try? Files.readRegular(path, limit: 1 << 20),
                    var entry = LoaderEntry(name, on: volume, bytes), Files.exists(root + entry.kernel)
                else { continue }
                if entry.images.isEmpty, let image = UnifiedImage(root + entry.kernel), image.initrd != nil {
                    entry.holds(image)
                }
                entries.append(entry)
            }
            for name in Files.names(in: "\(root)\(volume)/EFI/Linux")
            where name.hasSuffix(".efi") && !name.hasPrefix(".") && !name.hasPrefix("auto-") {
                guard let image = UnifiedImage("\(root)\(volume)/EFI/Linux/\(name)") else { continue }
                entries.append(LoaderEntry(name, on: volume, image))
            }
        }
        entries.sort { $0.comes(before: $1) }
        next = LoaderMenu.next(of: entries, beneath: root)
    }

    private static func next(of entries: [LoaderEntry], beneath root: String) -> LoaderEntry? {
        let variables = try? FirmwareVariables(mounted: root + "/sys/firmware/efi/efivars")
        func text(_ name: String) -> String? {
            let name = "\(name)-\(LoaderVariables.vendor)"
            switch variables {
            case .some(let variables):
                let value = (try? variables.value(of: name, limit: LoaderVariables.largest)) ?? nil
                return value.flatMap { LoaderVariables.texts($0).first }.map { LoaderEntry.lower($0) }
            case .none: return nil
            }
        }
        let home = volumes.first { volume in
            Files.names(in: "\(root)\(volume)/EFI/systemd").contains { $0.hasPrefix("systemd-boot") }
        }
        guard let home, isUsed(text("LoaderInfo"), beneath: root) else { return nil }
        func find(_ pattern: String?) -> LoaderEntry? {
            guard let pattern else { return nil }
            let wanted = pattern == "@saved" ? text("LoaderEntryLastBooted") ?? "" : pattern
            return entries.first { isName($0.id, like: wanted) }
        }
        return find(text("LoaderEntryOneShot")) ?? find(text("LoaderEntryDefault"))
            ?? find(chosen(in: (try? Files.readRegular("\(root)\(home)/loader/loader.conf", limit: 1 << 20)) ?? []))
            ?? entries.first
    }

    /// Whether systemd-boot starts this machine, and not GRUB, which may be installed as well.
    ///
    /// - Parameters:
    ///   - info: what the boot loader says of itself, if it says anything.
    ///   - root: a prefix of the paths.
    /// - Returns: whether it does.
    private static func isUsed(_ info: String?, beneath root: String) -> Bool {
        if let info { return info.hasPrefix("systemd-boot") }
        return ["/boot/grub/grub.cfg", "/boot/grub2/grub.cfg"].allSatisfy { !Files.exists(root + $0) }
    }

    /// `default` of loader.conf(5).
    static func chosen(in bytes: [UInt8]) -> String? {
        var chosen: String?
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            let words = line.split { $0 == 0x20 || $0 == 0x09 || $0 == 0x0d }
            guard words.count > 1, words[0].elementsEqual("default".utf8) else { continue }
            chosen = LoaderEntry.lower(String(decoding: words[1], as: UTF8.self))
        }
        return chosen
    }
}
