import Config
import Foundation
import Testing

@Suite struct CalendarTimeTests {
    @Test(
        arguments: [
            (0, "1970-01-01T00:00:00Z"), (-5, "1970-01-01T00:00:00Z"), (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"), (1_795_780_995, "2026-11-27T12:03:15Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"), (4_107_542_400, "2100-03-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"), (Int64.max, "9999-12-31T23:59:59Z"),
        ])
    func `a time has its date in UTC`(seconds: Int64, text: String) {
        #expect(CalendarTime(seconds: seconds).timestamp == text)
        #expect(CalendarTime(seconds: seconds).text + "Z" == text.replacing("T", with: " "))
    }

    @Test func `it is Foundation's, day by day`() throws {
        for day in stride(from: Int64(0), to: 60_000, by: 17) {
            let seconds = day * 86_400 + day % 86_400
            let date = Date(timeIntervalSince1970: Double(seconds))
            #expect(CalendarTime(seconds: seconds).timestamp == date.formatted(.iso8601))
        }
    }

    @Test(arguments: ["1970-01-01T00:00:00Z", "2000-02-29T23:59:59Z", "9999-12-31T23:59:59Z"])
    func `a timestamp is read as it was written`(text: String) {
        #expect(CalendarTime(timestamp: Array(text.utf8))?.timestamp == text)
    }

    @Test(arguments: [
        "", "2026-11-27 12:03:15Z", "2026-11-27T12:03:15", "2026-11-27T12:03:15ZZ", "1969-12-31T23:59:59Z",
        "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2025-02-29T00:00:00Z", "2026-01-00T00:00:00Z",
        "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z", "2026-01-01T00:00:0xZ",
    ])
    func `what is no timestamp is none`(text: String) {
        #expect(CalendarTime(timestamp: Array(text.utf8)) == nil)
    }
}
