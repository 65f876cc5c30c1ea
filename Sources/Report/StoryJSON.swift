internal import Config
internal import Linux
internal import Terminal

/// A boot as a script reads it: one object in one line.
enum StoryJSON {
    static func text(_ story: BootStory) -> String {
        var json = "{\"boot\":" + Terminal.Report.quoted(story.boot)
        json += ",\"began\":" + time(story.began)
        json += ",\"ended\":" + time(story.ended)
        json += ",\"end\":\"" + end(story.end) + "\""
        json += ",\"waited_seconds\":" + (story.waited.map { Clock.seconds($0) } ?? "null")
        json += ",\"volumes\":" + list(story.volumes.map { volume($0, story) })
        json += ",\"without\":" + list(story.without.map { Terminal.Report.quoted($0) })
        json += ",\"wrong_passphrases\":" + list(story.wrong.map { event($0) })
        json += ",\"logins\":" + list(story.logins.map { event($0) })
        json += ",\"warnings\":" + list(story.warnings.map { event($0) })
        json += ",\"requests\":" + list(story.requests.map { event($0) })
        return json + "}\n"
    }

    private static func end(_ end: BootStory.End) -> String {
        switch end {
        case .continued: "boot-continues"
        case .native: "told-to-end"
        case .left(let event): event.name == "reboot-asked" ? "reboot-asked" : "poweroff-asked"
        case .unknown: "unknown"
        }
    }

    private static func volume(_ volume: BootStory.Volume, _ story: BootStory) -> String {
        var json = "{\"name\":" + Terminal.Report.quoted(volume.name)
        json += ",\"open\":" + (volume.opened == nil ? "false" : "true")
        json += ",\"missing\":" + (story.without.contains(volume.name) ? "true" : "false")
        if let opened = volume.opened {
            json += ",\"time\":" + time(opened) + who(opened.who)
            if let seconds = opened.seconds {
                json += ",\"seconds\":" + Clock.seconds(BootEvent.milliseconds(seconds))
            }
        }
        if let reason = volume.problem?.reason { json += ",\"problem\":" + Terminal.Report.quoted(reason) }
        return json + "}"
    }

    private static func event(_ event: BootEvent) -> String {
        "{\"time\":" + time(event) + ",\"event\":" + Terminal.Report.quoted(event.name) + who(event.who)
            + ",\"message\":"
            + Terminal.Report.quoted(event.message) + "}"
    }

    /// Members for who it was, with a comma before each.
    private static func who(_ who: Requester) -> String {
        switch who {
        case .nobody: return ",\"by\":\"\""
        case .console: return ",\"by\":\"console\""
        case .emptyPassphrase: return ",\"by\":\"empty-passphrase\""
        case .keyFile(let words):
            return ",\"by\":\"key-file\",\"key_file\":" + Terminal.Report.quoted(String(words.dropFirst(9)))
        case .login(let login):
            var json = ",\"by\":\"login\",\"key\":" + Terminal.Report.quoted(login.key)
            if !login.comment.isEmpty { json += ",\"key_comment\":" + Terminal.Report.quoted(login.comment) }
            return json + ",\"address\":" + Terminal.Report.quoted(login.address)
        }
    }

    private static func time(_ event: BootEvent?) -> String {
        guard let event, event.date > 0 else { return "null" }
        return "\"" + CalendarTime(seconds: event.date).timestamp + "\""
    }

    private static func list(_ items: [String]) -> String {
        var text = "["
        for (place, item) in items.enumerated() { text += (place > 0 ? "," : "") + item }
        return text + "]"
    }
}
