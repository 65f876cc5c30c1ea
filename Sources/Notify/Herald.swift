public import Linux

/// Which events of a boot the owners are told of, and in what words.
public struct Herald {
    /// The wrong passphrases after which the owners are told for the first time. After that it is each time twice as many.
    static let firstWrong = 3
    /// How often they are told how to reach the machine: an address that changes all the time is not news.
    static let mostWaiting = 8

    private let host: String
    /// Who has opened volumes, each once.
    private var openers: [String] = []
    private var wrong = 0
    private var nextWrong = Herald.firstWrong
    private var told: [String] = []

    public init(host: String) {
        self.host = host
    }

    /// Takes a line of the log with its fields.
    ///
    /// - Returns: what the owners are told of it, or `nil`.
    public mutating func heard(_ line: String, _ fields: [LogField], at time: Int64) -> Announcement? {
        guard let event = value(LogField.eventName, fields) else { return nil }
        // Pieces one by one: an interpolation takes several times the code.
        var text: String
        switch event {
        case "volume-open":
            guard let who = opener(line, fields), !openers.contains(who) else { return nil }
            openers.append(who)
            return nil
        case "wrong-passphrase":
            wrong += 1
            guard wrong == nextWrong else { return nil }
            nextWrong *= 2
            text = ": a wrong passphrase was typed "
            text += String(wrong)
            text += " times, last by "
            text += who(fields)
        case "boot-continues":
            let without = fields.first { $0.name == "POSTERN_WITHOUT" }?.values ?? []
            text = ": "
            if !openers.isEmpty {
                text += "opened by "
                text += openers.joined(separator: ", ")
                text += "; "
            }
            text += without.isEmpty ? "the boot goes on" : "continues without "
            text += without.joined(separator: ", ")
        case "reboot-asked", "poweroff-asked":
            text = event == "reboot-asked" ? " restarts" : " is powered off"
            text += ", asked for by "
            text += who(fields)
        default: return nil
        }
        return announcement(event, text, at: time)
    }

    /// A volume waits for its passphrase, which can be brought by `way`, such as `ssh -p 2222 root@192.0.2.10`.
    ///
    /// - Returns: what the owners are told, or `nil` where they were told so.
    public mutating func waits(_ way: String, at time: Int64) -> Announcement? {
        guard !told.contains(way), told.count < Herald.mostWaiting else { return nil }
        told.append(way)
        return announcement("waiting", " waits to be unlocked: " + way, at: time)
    }

    private func announcement(_ event: String, _ text: String, at time: Int64) -> Announcement {
        Announcement(event, cut(printable(host + text), to: Announcement.longestText), at: time)
    }

    private func value(_ name: String, _ fields: [LogField]) -> String? {
        fields.first { $0.name == name }?.value
    }

    /// By the comment of a key, which is what its owner calls it. The console has no key.
    private func who(_ fields: [LogField]) -> String {
        cut(value("POSTERN_KEY_COMMENT", fields) ?? value("POSTERN_KEY", fields) ?? "the console", to: 100)
    }

    /// Who opened a volume, or `nil` where nobody did: there are key files, and other openers.
    private func opener(_ line: String, _ fields: [LogField]) -> String? {
        let isByConsole = line.hasPrefix((value("POSTERN_VOLUME", fields) ?? "") + ": opened by the console")
        return isByConsole || value("POSTERN_KEY", fields) != nil ? who(fields) : nil
    }
}
