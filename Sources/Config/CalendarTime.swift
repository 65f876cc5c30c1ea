/// A moment in UTC as a calendar and a clock show it.
public struct CalendarTime: Equatable, Sendable {
    let year: Int
    let month: Int
    let day: Int
    let hour: Int
    let minute: Int
    let second: Int

    init(year: Int, month: Int, day: Int, hour: Int, minute: Int, second: Int) {
        self.year = year
        self.month = month
        self.day = day
        self.hour = hour
        self.minute = minute
        self.second = second
    }

    /// The moment so many seconds after 1970-01-01 00:00, within the years 1970 to 9999.
    public init(seconds: Int64) {
        let seconds = min(max(Int(seconds), 0), CalendarTime.last)
        let days = seconds / 86400
        // No year is longer than 366 days, so this one begins no later than the day.
        var year = 1970 + days / 366
        while CalendarTime.days(before: year + 1) <= days { year += 1 }
        var left = days - CalendarTime.days(before: year)
        var month = 1
        while left >= CalendarTime.daysOf(month: month, year: year) {
            left -= CalendarTime.daysOf(month: month, year: year)
            month += 1
        }
        let time = seconds % 86400
        self.init(
            year: year, month: month, day: left + 1, hour: time / 3600, minute: time / 60 % 60, second: time % 60)
    }

    /// 9999-12-31 23:59:59.
    private static let last = 253_402_300_799

    /// Reads what `timestamp` gives, or `nil` where it is something else.
    public init?(timestamp text: [UInt8]) {
        let pattern = Array("0000-00-00T00:00:00Z".utf8)
        guard text.count == pattern.count else { return nil }
        var numbers: [Int] = [0]
        for (byte, expected) in zip(text, pattern) {
            if expected == UInt8(ascii: "0") {
                guard isDigit(byte) else { return nil }
                numbers[numbers.count - 1] = numbers[numbers.count - 1] * 10 + Int(byte - UInt8(ascii: "0"))
            } else {
                guard byte == expected else { return nil }
                numbers.append(0)
            }
        }
        guard numbers[0] >= 1970, (1...12).contains(numbers[1]), numbers[2] >= 1,
            numbers[2] <= CalendarTime.daysOf(month: numbers[1], year: numbers[0]), numbers[3] < 24, numbers[4] < 60,
            numbers[5] < 60
        else { return nil }
        self.init(
            year: numbers[0], month: numbers[1], day: numbers[2], hour: numbers[3], minute: numbers[4],
            second: numbers[5])
    }

    /// Seconds since 1970-01-01 00:00.
    public var seconds: Int64 {
        var days = CalendarTime.days(before: year) + day - 1
        for earlier in 1..<month { days += CalendarTime.daysOf(month: earlier, year: year) }
        return Int64(days) * 86400 + Int64(hour * 3600 + minute * 60 + second)
    }

    /// Such as `2026-11-27 12:03:15`.
    public var text: String { filled("0000-00-00 00:00:00") }

    /// As RFC 3339 has it, such as `2026-11-27T12:03:15Z`.
    public var timestamp: String { filled("0000-00-00T00:00:00Z") }

    /// The pattern with two digits in the place of two zeros each.
    private func filled(_ pattern: String) -> String {
        var bytes = Array(pattern.utf8)
        let pairs = [year / 100, year % 100, month, day, hour, minute, second]
        for (number, place) in zip(pairs, [0, 2, 5, 8, 11, 14, 17]) {
            bytes[place] += UInt8(number / 10)
            bytes[place + 1] += UInt8(number % 10)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    static func daysOf(month: Int, year: Int) -> Int {
        switch month {
        case 2: isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    private static func isLeap(_ year: Int) -> Bool {
        year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    }

    /// Days from 1970 until this year begins.
    private static func days(before year: Int) -> Int {
        let before = year - 1
        return 365 * (year - 1970) + before / 4 - before / 100 + before / 400 - 477
    }
}
