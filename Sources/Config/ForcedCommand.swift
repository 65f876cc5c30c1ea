/// The option `command=` of authorized_keys, of which only Postern's own commands make sense.
enum ForcedCommand {
    /// The command in its own spelling: one blank between words, and `unlock` for every name that existing scripts call.
    ///
    /// - Returns: `nil` when it is none of Postern's.
    static func canonical(_ command: [UInt8]) -> String? {
        let words = words(command[...])
        guard let first = words.first else { return nil }
        // Scripts and forced commands name the old tools with their folder.
        let name = first.split(separator: UInt8(ascii: "/")).last ?? first
        let arguments = words.dropFirst()
        if first.count == name.count, let own = own(name, arguments) { return own }
        if name.isText("cryptroot-unlock") || name.isText("cryptsetup-askpass") {
            return arguments.isEmpty ? "unlock" : nil
        }
        if name.isText("systemd-tty-ask-password-agent") {
            let known = arguments.allSatisfy { $0.isText("--query") || $0.isText("--watch") || $0.isText("--list") }
            return known ? "unlock" : nil
        }
        if name.isText("systemctl") {
            return arguments.count == 1 && arguments.allSatisfy { $0.isText("default") } ? "unlock" : nil
        }
        return nil
    }

    private static func own(_ name: ArraySlice<UInt8>, _ arguments: ArraySlice<ArraySlice<UInt8>>) -> String? {
        for plain in ["unlock", "log", "continue", "poweroff", "shell", "help"] where plain.utf8.elementsEqual(name) {
            return arguments.isEmpty ? plain : nil
        }
        if name.isText("status") {
            if arguments.isEmpty { return "status" }
            return arguments.count == 1 && arguments.allSatisfy { $0.isText("--json") } ? "status --json" : nil
        }
        guard name.isText("reboot"), arguments.count <= 1 else { return nil }
        guard let entry = arguments.first else { return "reboot" }
        guard let text = text(entry), !text.unicodeScalars.contains(where: isControl) else { return nil }
        return "reboot \(text)"
    }
}
