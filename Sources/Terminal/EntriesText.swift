public import Wire

/// The entries of the boot loader, for `entries`.
extension Report {
    /// A line for each, such as `second.conf (current) (default)`.
    public static func text(_ entries: [BootEntry]) -> String {
        var text = ""
        for entry in entries {
            text += Text.clean(entry.id)
            if entry.isCurrent { text += " (current)" }
            if entry.isDefault { text += " (default)" }
            if entry.isNext { text += " (next)" }
            text += "\n"
        }
        return text
    }

    /// One object in one line, with the escapes of `json(_: MachineState)`.
    public static func json(_ entries: [BootEntry]) -> String {
        var text = "{\"entries\":["
        for (place, entry) in entries.enumerated() {
            text += place > 0 ? ",{\"id\":" : "{\"id\":"
            text += quoted(entry.id)
            text += entry.isCurrent ? ",\"current\":true" : ",\"current\":false"
            text += entry.isDefault ? ",\"default\":true" : ",\"default\":false"
            text += entry.isNext ? ",\"next\":true}" : ",\"next\":false}"
        }
        return text + "]}\n"
    }
}
