/// What a boot loader and the system tell each other in variables of the firmware, as systemd-boot does.
///
/// "The Boot Loader Interface" of systemd (BOOT_LOADER_INTERFACE) has the variables. Each is UTF-16LE, ended by a zero.
public enum LoaderVariables {
    /// The vendor of all of them, as the names of efivarfs have it.
    public static let vendor = "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
    /// The largest variable that is read, in bytes: 400 entries with names as NixOS gives them take half of it.
    public static let largest = 64 << 10
    /// The most entries that are taken from the list, and the longest of their names, in units of UTF-16.
    public static let mostEntries = 1024
    public static let longestName = 255

    /// The texts of a variable, one after the other. What is empty, too long, no text, or has control
    /// characters is left out.
    public static func texts(_ bytes: [UInt8]) -> [String] {
        var texts: [String] = []
        var units: [UInt16] = []
        for place in stride(from: 0, to: bytes.count - 1, by: 2) {
            let unit = UInt16(bytes[place]) | UInt16(bytes[place + 1]) << 8
            if unit != 0 {
                units.append(unit)
                continue
            }
            if let text = text(units) { texts.append(text) }
            if texts.count == mostEntries { return texts }
            units.removeAll(keepingCapacity: true)
        }
        // The last one may lack its end.
        if let text = text(units) { texts.append(text) }
        return texts
    }

    /// A variable with this text.
    public static func bytes(_ text: String) -> [UInt8] {
        var bytes: [UInt8] = []
        for unit in text.utf16 { bytes += [UInt8(truncatingIfNeeded: unit), UInt8(unit >> 8)] }
        return bytes + [0, 0]
    }

    /// Whether the loader says of itself, in LoaderFeatures, that it takes a choice for the next boot alone.
    public static func takesOneShot(_ features: [UInt8]) -> Bool {
        // EFI_LOADER_FEATURE_ENTRY_ONESHOT
        (features.first ?? 0) & 1 << 2 != 0
    }

    /// The entry that is started where nobody chooses another one, as far as variables say: what LoaderEntryDefault has, or where
    /// that or loader.conf has `@saved`, LoaderEntryLastBooted. systemd-boot keeps the latter only for that.
    public static func standard(_ chosen: String?, lastBooted: String?) -> String? {
        chosen == nil || chosen == "@saved" ? lastBooted : chosen
    }

    /// One that does not come back as it was could not be chosen.
    private static func text(_ units: [UInt16]) -> String? {
        guard !units.isEmpty, units.count <= longestName else { return nil }
        for unit in units where unit < 0x20 || (0x7f..<0xa0).contains(unit) { return nil }
        let text = String(decoding: units, as: UTF16.self)
        return text.utf16.elementsEqual(units) ? text : nil
    }
}
