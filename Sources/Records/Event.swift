public import Linux
internal import Terminal
public import Wire

/// What a line of the log is in the records: text for the command `log`, and for an event an object of JSON.
public enum Event {
    /// The longest text of a line, in bytes, as long as one in the kernel's log.
    static let longestText = 960

    /// The line as `log` shows it, such as `2026-11-27 12:03:15 crypt-root: opened by ...`.
    public static func text(_ text: String, at moment: Moment) -> String {
        moment.text + " " + cut(printable(text), to: longestText)
    }

    /// The event as a JSON object in one line with its line end, or `nil` where the fields name none.
    ///
    /// The fields come by their names in lower case, without `POSTERN_`. No name comes twice: the first one counts.
    public static func json(
        _ level: LogLevel, _ text: String, _ fields: [LogField], at moment: Moment
    ) -> String? {
        guard let event = fields.first(where: { $0.name == LogField.eventName }) else { return nil }
        // Pieces one by one: an interpolation takes several times the code.
        var json = "{\"time\":\""
        json += moment.timestamp
        json += "\",\"uptime\":"
        json += moment.uptimeSeconds
        json += ",\"event\":"
        json += Report.quoted(event.value)
        json += ",\"level\":\""
        json += level.word
        json += "\",\"message\":"
        json += Report.quoted(text)
        var names = ["time", "uptime", "event", "level", "message"]
        for field in fields {
            let name = key(field.name)
            guard !names.contains(name) else { continue }
            names.append(name)
            json += ","
            json += Report.quoted(name)
            json += ":"
            json += value(field)
        }
        json += "}\n"
        return json
    }

    /// `key_comment` for `POSTERN_KEY_COMMENT`.
    private static func key(_ name: String) -> String {
        var bytes = Array(name.utf8)
        let prefix = Array("POSTERN_".utf8)
        if bytes.starts(with: prefix) { bytes.removeFirst(prefix.count) }
        for index in bytes.indices where bytes[index] >= UInt8(ascii: "A") && bytes[index] <= UInt8(ascii: "Z") {
            bytes[index] += 32
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func value(_ field: LogField) -> String {
        switch field.kind {
        case .text: return Report.quoted(field.value)
        case .number: return field.value
        case .list:
            var list = "["
            for (place, value) in field.values.enumerated() {
                if place > 0 { list += "," }
                list += Report.quoted(value)
            }
            return list + "]"
        }
    }
}

extension LogLevel {
    /// The word of syslog(3) for it.
    var word: String {
        switch self {
        case .error: "error"
        case .warning: "warning"
        case .notice: "notice"
        case .info: "info"
        }
    }
}
