public import Linux

/// Whether somebody has asked the command to end, as with Ctrl-C, while it waits for a program: what it has made can then be
/// removed.
public final class Interruption {
    private let signals: FileDescriptor
    private var isAsked = false

    /// From now on the signals that would end the process are only noted.
    ///
    /// - Throws: `SystemError` for `signalfd`.
    public init() throws(SystemError) {
        signals = try Signals.open()
    }

    /// The descriptor, for `poll`.
    var number: Int32 { signals.number }

    /// Whether it was asked for, now or before.
    public var isThere: Bool {
        Signals.drain(signals.number, isAskedToEnd: &isAsked)
        return isAsked
    }
}
