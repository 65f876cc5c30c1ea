internal import CLinux
internal import Linux

/// Whether somebody has asked the command to end, as with Ctrl-C, while it waits for a program or a person: what it has made
/// can then be removed.
public final class Interruption {
    private let signals: FileDescriptor?
    private var isAsked = false

    /// From now on the signals that would end the process are only noted; where they cannot be, they still end it.
    public init() {
        signals = try? Signals.open()
    }

    /// The descriptor that becomes readable with a signal, for `poll`, or -1.
    public var number: Int32 {
        switch signals {
        case .some(let signals): signals.number
        case .none: -1
        }
    }

    /// Whether it was asked for, now or before.
    public var isThere: Bool {
        if number >= 0 { Signals.drain(number, isAskedToEnd: &isAsked) }
        return isAsked
    }

    /// Ends the program where it was asked to, with the status 130, after `last`.
    public func endIfAsked(_ last: () -> Void = {}) {
        guard isThere else { return }
        last()
        exit(130)
    }
}
