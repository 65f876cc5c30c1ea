internal import CLinux
internal import Linux

/// What asks this program to end, such as Ctrl-C, and is waited for only where it leaves nothing behind.
final class Interruption {
    private let signals: FileDescriptor?

    /// From now on such a signal ends the program in `endIfAsked` alone.
    init() {
        signals = try? Signals.open()
    }

    /// The descriptor that becomes readable with a signal, or -1.
    var number: Int32 {
        switch signals {
        case .some(let signals): signals.number
        case .none: -1
        }
    }

    /// Ends the program where it was asked to, with the status 130, after `last`.
    func endIfAsked(_ last: () -> Void = {}) {
        var isAskedToEnd = false
        guard number >= 0 else { return }
        Signals.drain(number, isAskedToEnd: &isAskedToEnd)
        guard isAskedToEnd else { return }
        last()
        exit(130)
    }
}
