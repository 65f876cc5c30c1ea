internal import CLinux

/// The descriptors that a loop waits on, and what it waits for. The corresponding C function is `poll`.
public struct PollSet {
    /// What to wait for, and what has come.
    public struct Events: OptionSet, Sendable {
        public let rawValue: Int16
        public init(rawValue: Int16) { self.rawValue = rawValue }

        public static let readable = Events(rawValue: Int16(POLLIN))
        /// Such as that the table of mounts has changed.
        public static let urgent = Events(rawValue: Int16(POLLPRI))
        public static let writable = Events(rawValue: Int16(POLLOUT))
        /// The other end is gone, or the descriptor is in error; reported whether asked for or not.
        public static let closed = Events(rawValue: Int16(POLLHUP | POLLERR | POLLNVAL))
    }

    /// A descriptor that was added, until `removeAll`.
    public struct Token: Sendable {
        fileprivate let index: Int
    }

    private var entries: [pollfd] = []

    public init() {}

    /// Forgets all descriptors, to be filled anew before each wait.
    public mutating func removeAll() {
        entries.removeAll(keepingCapacity: true)
    }

    /// Adds a descriptor, and returns by what `events(of:)` knows it. Nothing ever comes for a descriptor of -1.
    @discardableResult
    public mutating func add(_ descriptor: Int32, _ events: Events) -> Token {
        entries.append(pollfd(fd: descriptor, events: events.rawValue, revents: 0))
        return Token(index: entries.count - 1)
    }

    /// What came for a descriptor.
    public func events(of token: Token) -> Events {
        Events(rawValue: entries[token.index].revents)
    }

    /// Waits for an event, a signal that interrupts, or `milliseconds` to pass (for ever when it is `nil`).
    public mutating func wait(milliseconds: Int64?) {
        let timeout = milliseconds.map { Int32(clamping: max($0, 0)) } ?? -1
        for index in entries.indices { entries[index].revents = 0 }
        _ = unsafe entries.withUnsafeMutableBufferPointer { buffer in
            unsafe poll(buffer.baseAddress, nfds_t(buffer.count), timeout)
        }
    }
}
