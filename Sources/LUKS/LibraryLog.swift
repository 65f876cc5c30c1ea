internal import CCryptsetup

/// What libcryptsetup says about one volume, besides its return codes.
public final class LibraryLog {
    /// More lines than this are dropped: a hostile header can make it say much.
    private static let largestCount = 20
    private var lines: [String] = []

    public init() {}

    /// Removes and returns the errors it reported since the last call, without newlines.
    public func removeLines() -> [String] {
        defer { lines.removeAll() }
        return lines
    }

    fileprivate func add(_ text: String) {
        guard lines.count < LibraryLog.largestCount else { return }
        for line in text.split(separator: "\n") { lines.append(String(line)) }
    }

    /// Takes over what libcryptsetup would print about `device`, whose owner keeps this log alive.
    func attach(to device: OpaquePointer) {
        unsafe crypt_set_log_callback(device, keep, Unmanaged.passUnretained(self).toOpaque())
    }

    /// Stops libcryptsetup from printing on standard error what concerns no device in particular.
    static func silence() {
        unsafe crypt_set_log_callback(nil, discard, nil)
    }
}

private let keep: @convention(c) (Int32, UnsafePointer<CChar>?, UnsafeMutableRawPointer?) -> Void = {
    level, text, log in
    guard level == CRYPT_LOG_ERROR, let text = unsafe text, let log = unsafe log else { return }
    unsafe Unmanaged<LibraryLog>.fromOpaque(log).takeUnretainedValue().add(unsafe String(cString: text))
}

private let discard: @convention(c) (Int32, UnsafePointer<CChar>?, UnsafeMutableRawPointer?) -> Void = { _, _, _ in }
