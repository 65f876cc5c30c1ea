internal import CLinux

/// Points in time and spans of it, in milliseconds, on a clock that no administrator or NTP server turns back.
public enum Clock {
    /// Milliseconds since some moment before this program started. It goes on during suspend.
    public static func now() -> Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_BOOTTIME, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }

    /// Microseconds of CLOCK_MONOTONIC, by which systemd says when something is over. It stands still during suspend.
    public static func monotonic() -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000 + UInt64(time.tv_nsec) / 1000
    }

    /// Seconds since 1970, by the machine's idea of the date, which in an initrd may be far off.
    public static func date() -> Int64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec)
    }

    /// A span of milliseconds in seconds and tenths, such as `3.2`.
    public static func seconds(_ milliseconds: Int64) -> String {
        let tenths = (max(milliseconds, 0) + 50) / 100
        return String(tenths / 10) + "." + String(tenths % 10)
    }

    /// The date that whatever is built now is to bear (`SOURCE_DATE_EPOCH` of reproducible-builds.org), in seconds since
    /// 1970, or `nil` when nobody says.
    public static var sourceDate: Int64? {
        let date = linux_source_date()
        return date < 0 ? nil : date
    }
}
