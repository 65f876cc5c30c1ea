/// The option `expiry-time=` of authorized_keys (sshd(8)).
struct ExpiryTime {
    /// Seconds since 1970-01-01 00:00 UTC.
    let seconds: Int64
    /// Whether it says `Z`. Without, sshd reads local time; the initrd has no time zone, and reads UTC.
    let isUTC: Bool

    /// Reads `YYYYMMDD`, `YYYYMMDDHHMM` or `YYYYMMDDHHMMSS`, with `Z` or `UTC` after it or not.
    init(_ value: [UInt8]) throws(KeyRefusal) {
        var digits = value[...]
        let end = lowercased(digits.suffix(3))
        if end.isText("utc") {
            digits = digits.dropLast(3)
        } else if end.last == UInt8(ascii: "z") {
            digits = digits.dropLast()
        }
        isUTC = digits.count < value.count
        let refusal = KeyRefusal(
            "expiry-time= \(quoted(value)) is no date", "write YYYYMMDDZ, YYYYMMDDHHMMZ or YYYYMMDDHHMMSSZ")
        guard [8, 12, 14].contains(digits.count) else { throw refusal }
        func part(_ start: Int, _ count: Int, _ range: ClosedRange<Int>) -> Int? {
            guard start < digits.count else { return 0 }
            return number(digits.dropFirst(start).prefix(count), in: range)
        }
        guard let year = part(0, 4, 1970...9999), let month = part(4, 2, 1...12), let day = part(6, 2, 1...31),
            day <= daysOf(month: month, year: year), let hour = part(8, 2, 0...23), let minute = part(10, 2, 0...59),
            let second = part(12, 2, 0...59)
        else { throw refusal }
        let days = daysSince1970(year: year, month: month, day: day)
        seconds = Int64(days) * 86400 + Int64(hour * 3600 + minute * 60 + second)
    }
}

private func isLeap(_ year: Int) -> Bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

private func daysOf(month: Int, year: Int) -> Int {
    switch month {
    case 2: isLeap(year) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
}

private func daysSince1970(year: Int, month: Int, day: Int) -> Int {
    let before = year - 1
    var days = 365 * (year - 1970) + before / 4 - before / 100 + before / 400 - 477
    for earlier in 1..<month { days += daysOf(month: earlier, year: year) }
    return days + day - 1
}
