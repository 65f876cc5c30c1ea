internal import Config
internal import Image
internal import Linux
internal import Terminal

/// A volume of the machine's crypttab, and what became of the keys that were tried on it.
struct CheckedVolume {
    let facts: VolumeFacts
    /// Its key file; `nil` where it has none.
    var keyFile: Trial?
    /// The passphrase of `--passphrase`; `nil` where nobody gave one.
    var passphrase: Trial?

    enum Trial: String {
        case opens
        case opensNot = "does-not-open"
        case untried = "not-tried"

        init(_ outcome: KeyTrials.Outcome) {
            switch outcome {
            case .opens: self = .opens
            case .opensNot: self = .opensNot
            case .failed, .late: self = .untried
            }
        }

        fileprivate var words: String {
            switch self {
            case .opens: "opens it"
            case .opensNot: "does not open it"
            case .untried: "was not tried on it"
            }
        }
    }

    init(_ facts: VolumeFacts) {
        self.facts = facts
    }

    private var name: String { facts.entry.name }

    /// Whether the agent asks a person for its passphrase.
    var asks: Bool { facts.reasonLeft == nil && facts.entry.key == .ask }

    /// A line for a person: who opens it, what is known of it, and what was tried.
    var line: String {
        var text = "\(printable(name)): "
        if let reason = facts.reasonLeft {
            text += facts.entry.options.noauto ? "not opened at boot" : "left to the native opener"
            return text + ", for \(reason)"
        }
        text += "Postern opens it"
        if facts.version > 0 {
            text += "; LUKS\(facts.version)"
            for cipher in facts.ciphers { text += ", \(printable(cipher))" }
            if facts.memory > 0 { text += ", \(mebibytes(UInt64(facts.memory))) to open a key slot" }
        } else {
            text += facts.device.isEmpty ? "; its device is not to be seen" : "; its header was not read"
        }
        if asks { text += "; a passphrase is asked for" }
        if let keyFile { text += "; its key file \(keyFile.words)" }
        if let passphrase { text += "; the passphrase \(passphrase.words)" }
        return text
    }

    /// An object: name, device, opener (postern, native or none), reason, luks (0 to 2), ciphers, memory_kib, and key_file
    /// and passphrase, each of which is a word or null.
    var json: String {
        func quoted(_ text: String) -> String { Terminal.Report.quoted(text) }
        let opener = facts.entry.options.noauto ? "none" : facts.reasonLeft == nil ? "postern" : "native"
        var text = "{\"name\":" + quoted(name) + ",\"device\":" + quoted(facts.entry.device.description)
        text += ",\"opener\":" + quoted(opener) + ",\"reason\":" + quoted(facts.reasonLeft ?? "")
        text += ",\"luks\":" + String(facts.version) + ",\"ciphers\":["
        for (place, cipher) in facts.ciphers.enumerated() { text += (place > 0 ? "," : "") + quoted(cipher) }
        text += "],\"memory_kib\":" + String(facts.memory)
        text += ",\"key_file\":" + (keyFile.map { quoted($0.rawValue) } ?? "null")
        return text + ",\"passphrase\":" + (passphrase.map { quoted($0.rawValue) } ?? "null") + "}"
    }
}
