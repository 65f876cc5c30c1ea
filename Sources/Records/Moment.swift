internal import Config

/// When something happened.
public struct Moment: Equatable, Sendable {
    /// Seconds since 1970, by the machine's idea of the date, which in an initrd may be far off.
    public let date: Int64
    /// Milliseconds since the kernel started: the order of what happened, whatever the date is set to.
    public let uptime: Int64

    public init(date: Int64, uptime: Int64) {
        self.date = date
        self.uptime = uptime
    }

    /// The date in UTC, such as `2026-11-27 12:03:15`: an initrd knows no time zone.
    var text: String { CalendarTime(seconds: date).text }

    /// The same as RFC 3339 has it, such as `2026-11-27T12:03:15Z`.
    var timestamp: String { CalendarTime(seconds: date).timestamp }

    /// The seconds of uptime, such as `12.345`.
    var uptimeSeconds: String {
        // The 1 keeps the zeros behind it.
        String(uptime / 1000) + "." + String(String(1000 + uptime % 1000).dropFirst())
    }
}
