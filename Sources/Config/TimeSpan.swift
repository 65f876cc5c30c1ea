/// Reads a span of time as whole seconds.
enum TimeSpan {
    /// The longest span taken: one year, in seconds.
    static let longest = 366 * 86400

    /// sshd_config(5)'s TIME FORMATS: numbers with `s`, `m`, `h`, `d`, `w` in either case; without a unit, seconds.
    static func sshd(_ bytes: some Collection<UInt8>) -> Int? {
        milliseconds(bytes) { unit in
            switch unit.count == 1 ? lowercased(unit)[0] : unit.isEmpty ? UInt8(ascii: "s") : 0 {
            case UInt8(ascii: "s"): 1000
            case UInt8(ascii: "m"): 60_000
            case UInt8(ascii: "h"): 3_600_000
            case UInt8(ascii: "d"): 86_400_000
            case UInt8(ascii: "w"): 604_800_000
            default: nil
            }
        }.map { $0 / 1000 }
    }

    /// systemd.time(7)'s time spans up to weeks: `90`, `2min 30s`, `500ms` (rounded up), `infinity` (0).
    static func systemd(_ bytes: some Collection<UInt8>) -> Int? {
        if Array(bytes).isText("infinity") { return 0 }
        return milliseconds(bytes) { unit in
            if unit.isText("ms") || unit.isText("msec") { return 1 }
            if unit.isEmpty || unit.isText("s") || unit.isText("sec") || unit.isText("second") { return 1000 }
            if unit.isText("seconds") { return 1000 }
            if unit.isText("m") || unit.isText("min") || unit.isText("minute") { return 60_000 }
            if unit.isText("minutes") { return 60_000 }
            if unit.isText("h") || unit.isText("hr") || unit.isText("hour") || unit.isText("hours") { return 3_600_000 }
            if unit.isText("d") || unit.isText("day") || unit.isText("days") { return 86_400_000 }
            if unit.isText("w") || unit.isText("week") || unit.isText("weeks") { return 604_800_000 }
            return nil
        }.map { ($0 + 999) / 1000 }
    }

    /// The sum of all `NUMBER UNIT` pairs, or `nil` when one is not understood or the sum is over `longest`.
    private static func milliseconds(_ bytes: some Collection<UInt8>, unit: (ArraySlice<UInt8>) -> Int?) -> Int? {
        var rest = Array(bytes)[...]
        guard !rest.isEmpty else { return nil }
        var total = 0
        while !rest.isEmpty {
            let digits = rest.prefix(while: isDigit)
            rest = trimmed(rest.dropFirst(digits.count))
            let name = rest.prefix { !isDigit($0) && !isBlank($0) }
            rest = trimmed(rest.dropFirst(name.count))
            // The bound keeps the product and the sum far from overflow, also where Int has 32 bits to spare.
            guard let count = number(digits, in: 0...(longest * 1000)), let scale = unit(name) else { return nil }
            let (product, over) = count.multipliedReportingOverflow(by: scale)
            guard !over, product <= longest * 1000 else { return nil }
            total += product
            guard total <= longest * 1000 else { return nil }
        }
        return total
    }
}
