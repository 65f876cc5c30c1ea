/// Events that are lines of the kernel's log alone, as in an initrd of initramfs-tools: their fields are gone, and what the
/// line says is left. `ReportTests` reads the lines of events with and without their fields, and compares.
extension BootEvent {
    /// Finds out which event the message is, and what it says.
    mutating func takeWords() {
        let bytes = Array(message.utf8)
        if let rest = rest(bytes, behind: "waits for ") {
            name = "waiting"
            volumes = rest == "no volume" ? [] : BootEvent.names(rest)
        } else if let rest = rest(bytes, behind: "the boot can go on; waiting for ") {
            name = "boot-can-continue"
            volumes = BootEvent.names(rest)
        } else if let rest = rest(bytes, behind: "the boot goes on") {
            name = "boot-continues"
            let names = Array(rest.utf8)
            if names.starts(with: ". Without ".utf8) {
                without = BootEvent.names(String(decoding: names.dropFirst(10).dropLast(), as: UTF8.self))
            }
        } else if bytes.starts(with: "told to end;".utf8) {
            name = "told-to-end"
        } else if bytes.starts(with: "the sealed host key stays shut: ".utf8) {
            name = bytes.hasSuffix("no ssh") ? "host-key-sealed" : "host-key-fallback"
        } else if bytes.starts(with: "login of ".utf8) {
            name = "login"
        } else if bytes.starts(with: "wrong passphrase from ".utf8) {
            name = "wrong-passphrase"
        } else if bytes.starts(with: "told to go on by ".utf8) {
            name = "continue-asked"
        } else if bytes.starts(with: "a shell was started by ".utf8)
            || bytes.starts(with: "a command in a shell was started by ".utf8)
        {
            name = "shell-opened"
        } else if bytes.starts(with: "The machine restarts".utf8) {
            name = "reboot-asked"
        } else if bytes.starts(with: "The machine is powered off".utf8) {
            name = "poweroff-asked"
        } else if let opened = bytes.firstRange(of: BootEvent.opened) ?? bytes.firstRange(of: ": is open already") {
            name = "volume-open"
            volume = String(decoding: bytes[..<opened.lowerBound], as: UTF8.self)
            if let span = bytes.lastRange(of: " in "), bytes.hasSuffix(" s"), span.upperBound + 2 < bytes.count {
                seconds = String(decoding: bytes[span.upperBound...].dropLast(2), as: UTF8.self)
            }
        } else if isProblem, let colon = bytes.firstRange(of: ": ") {
            name = "volume-failed"
            volume = String(decoding: bytes[..<colon.lowerBound], as: UTF8.self)
            reason = String(decoding: bytes[colon.upperBound...], as: UTF8.self)
        }
        who = requesterInMessage
    }

    private static let opened = ": opened by "

    /// Who the message says it was.
    var requesterInMessage: Requester {
        var bytes = Array(message.utf8)
        if name == "volume-open" {
            guard let start = bytes.firstRange(of: BootEvent.opened)?.upperBound else { return .nobody }
            bytes = Array(bytes[start...])
            if bytes.hasSuffix(" s"), let span = bytes.lastRange(of: " in ") {
                bytes = Array(bytes[..<span.lowerBound])
            }
            return Requester(words: String(decoding: bytes, as: UTF8.self))
        }
        if name == "wrong-passphrase" || name == "login" {
            let mark = name == "login" ? " with SHA256:" : " from "
            guard let start = bytes.firstRange(of: mark)?.lowerBound else { return .nobody }
            // Both words take six bytes with their blanks.
            bytes = Array(bytes[(start + 6)...])
            return Requester(words: String(decoding: bytes, as: UTF8.self))
        }
        guard let start = bytes.firstRange(of: " by ")?.upperBound else { return .nobody }
        return Requester(words: String(decoding: bytes[start...], as: UTF8.self))
    }

    private func rest(_ bytes: [UInt8], behind start: String) -> String? {
        let start = Array(start.utf8)
        return bytes.starts(with: start) ? String(decoding: bytes[start.count...], as: UTF8.self) : nil
    }

    private static func names(_ text: String) -> [String] {
        var rest = Array(text.utf8)
        var names: [String] = []
        while let comma = rest.firstRange(of: ", ") {
            names.append(String(decoding: rest[..<comma.lowerBound], as: UTF8.self))
            rest = Array(rest[comma.upperBound...])
        }
        return names + [String(decoding: rest, as: UTF8.self)]
    }
}

extension [UInt8] {
    fileprivate func hasSuffix(_ text: String) -> Bool { suffix(text.utf8.count).elementsEqual(text.utf8) }
}
