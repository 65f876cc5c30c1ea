internal import Config
internal import Linux
internal import Terminal

/// A boot as a person reads it.
enum StoryText {
    /// Some lines: how the boot went, the volumes, and what else people did.
    static func text(_ story: BootStory) -> String {
        var text = "Boot of " + date(story.began ?? story.ended) + ": " + outcome(story) + ".\n"
        for warning in story.warnings { text += time(warning) + " " + printable(warning.message) + "\n" }
        let width = min(story.volumes.map { printable($0.name).utf8.count }.max() ?? 0, 40)
        for volume in story.volumes {
            let name = printable(volume.name)
            let gap = String(repeating: " ", count: max(width - name.utf8.count, 0) + 2)
            text += "  " + name + gap + standing(volume, story) + "\n"
        }
        if !story.wrong.isEmpty {
            text += "Wrong passphrases: " + String(story.wrong.count) + ", " + people(story.wrong) + "\n"
        }
        if !story.logins.isEmpty {
            text += "Logins: " + String(story.logins.count) + ", " + people(story.logins) + "\n"
        }
        for request in story.requests { text += time(request) + " " + printable(request.message) + "\n" }
        var keys: [Requester.Login] = []
        for event in story.volumes.compactMap({ $0.opened }) + story.wrong + story.logins {
            guard let login = event.who.login, !keys.contains(where: { $0.key == login.key }) else { continue }
            keys.append(login)
        }
        for login in keys where !login.comment.isEmpty {
            text += "Key of " + printable(login.comment) + ": " + printable(login.key) + "\n"
        }
        return text
    }

    /// One line for a login.
    static func line(_ story: BootStory) -> String {
        var text = "Postern: this boot " + outcome(story)
        if !story.openers.isEmpty { text += "; opened by " + joined(story.openers.map { name($0, address: true) }) }
        if !story.wrong.isEmpty {
            text += "; " + String(story.wrong.count) + " wrong passphrase" + (story.wrong.count == 1 ? "" : "s")
        }
        if !story.warnings.isEmpty { text += "; its sealed host key stayed shut" }
        return text + ".\n"
    }

    private static func outcome(_ story: BootStory) -> String {
        let waited = story.waited.map { "waited " + span($0) + ", and " } ?? ""
        switch story.end {
        case .continued(let without):
            return waited + "went on" + (without.isEmpty ? "" : " without " + joined(without.map { printable($0) }))
        case .native: return waited + "was left to the native prompt"
        case .left(let event):
            let how = event.name == "reboot-asked" ? "was restarted" : "was powered off"
            return waited + how + " by " + name(event.who, address: true)
        case .unknown: return "has no record of how the agent ended"
        }
    }

    private static func standing(_ volume: BootStory.Volume, _ story: BootStory) -> String {
        guard let opened = volume.opened else {
            let problem = volume.problem?.reason.map { ": " + printable($0) } ?? ""
            return (story.without.contains(volume.name) ? "missing" : "not opened by Postern") + problem
        }
        guard opened.who != .nobody else { return time(opened) + " was open already" }
        return time(opened) + " opened by " + name(opened.who, address: true)
            + (opened.seconds.map { " in " + printable($0) + " s" } ?? "")
    }

    /// Who it was, each once, such as `the console, daniel@laptop from 192.0.2.7`.
    private static func people(_ events: [BootEvent]) -> String {
        var names: [String] = []
        for event in events {
            let name = name(event.who, address: true)
            if !names.contains(name) { names.append(name) }
        }
        return "by " + joined(names) + ", the last at " + (events.last.map { time($0) } ?? "")
    }

    private static func name(_ who: Requester, address: Bool) -> String {
        switch who {
        case .nobody: "somebody"
        case .console: "the console"
        case .emptyPassphrase: "an empty passphrase"
        case .keyFile(let words): printable(words)
        case .login(let login):
            printable(login.title) + (address && !login.address.isEmpty ? " from " + printable(login.address) : "")
        }
    }

    private static func joined(_ names: [String]) -> String {
        var text = ""
        for (place, name) in names.enumerated() { text += (place > 0 ? ", " : "") + name }
        return text
    }

    private static func date(_ event: BootEvent?) -> String {
        guard let event, event.date > 0 else { return "an unknown time" }
        return CalendarTime(seconds: event.date).text + " UTC"
    }

    private static func time(_ event: BootEvent) -> String {
        String(decoding: Array(CalendarTime(seconds: event.date).text.utf8.suffix(8)), as: UTF8.self)
    }

    /// A span of milliseconds, such as `6.3 s` or `2 h 5 min`.
    static func span(_ milliseconds: Int64) -> String {
        let minutes = milliseconds / 60_000
        if minutes == 0 { return Clock.seconds(milliseconds) + " s" }
        if minutes < 60 { return String(minutes) + " min " + String(milliseconds / 1000 % 60) + " s" }
        return String(minutes / 60) + " h " + String(minutes % 60) + " min"
    }
}
