internal import Config
internal import Terminal

/// One thing that the owners are told.
public final class Announcement: Equatable {
    /// The longest text, in bytes: Discord takes no more than 2000 characters.
    static let longestText = 1000

    /// What happened, as the records call it.
    public let event: String
    /// A sentence that names the host.
    public let text: String
    /// Seconds since 1970, by the machine's idea of the date.
    public let time: Int64

    public init(_ event: String, _ text: String, at time: Int64) {
        self.event = event
        self.text = text
        self.time = time
    }

    public static func == (one: Announcement, other: Announcement) -> Bool {
        one.event == other.event && one.text == other.text && one.time == other.time
    }

    /// What is sent in that form.
    func body(_ form: NotifyTarget.Form, host: String) -> String {
        // Pieces one by one: an interpolation takes several times the code.
        var json: String
        switch form {
        case .ntfy: return text
        case .discord: json = "{\"content\":"
        case .slack: json = "{\"text\":"
        case .json:
            json = "{\"host\":"
            json += Report.quoted(host)
            json += ",\"event\":"
            json += Report.quoted(event)
            json += ",\"time\":\""
            json += CalendarTime(seconds: time).timestamp
            json += "\",\"text\":"
        }
        json += Report.quoted(text)
        json += "}"
        return json
    }
}
