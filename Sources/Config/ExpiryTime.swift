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
            day <= CalendarTime.daysOf(month: month, year: year), let hour = part(8, 2, 0...23),
            let minute = part(10, 2, 0...59),
            let second = part(12, 2, 0...59)
        else { throw refusal }
        seconds =
            CalendarTime(year: year, month: month, day: day, hour: hour, minute: minute, second: second).seconds
    }
}
