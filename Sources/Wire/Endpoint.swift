public import Linux

/// What one of our processes sends another, as the body of a frame.
public protocol WireMessage {
    /// The message as a frame's body.
    ///
    /// - Throws: `WireError.memory`, and `.badValue` where a value is over its limit.
    func body() throws(WireError) -> SecretBytes

    /// Reads a frame's body.
    ///
    /// - Throws: `WireError`; then the process that sent it is not ours any more.
    static func read(_ body: SecretBytes) throws(WireError) -> Self
}

/// A message that can be a line for the log.
public protocol LogMessage: WireMessage {
    static func log(_ level: LogLevel, _ line: String) -> Self
}

/// One end of the socket between the monitor and a child: it sends messages of the kind `Out` and receives those of the
/// kind `In`.
public final class Endpoint<Out: WireMessage, In: WireMessage> {
    /// What became of a message.
    public enum Sent {
        case sent
        /// More waits already than may wait for an end that does not read, or there is no locked memory for the message:
        /// the other end is to be given up, for it would miss what others rely on.
        case notQueued
        /// The other end is gone.
        case gone
    }

    /// What the other end sent.
    public enum Received {
        case message(In)
        /// Nothing whole is there yet.
        case nothing
        /// The other end closed, or broke the rules of frames.
        case closed
        /// It sent what is no message.
        case malformed(WireError)
    }

    /// Whether the other end is there, took all that it was sent, and sent `next` nothing but messages.
    public private(set) var isOpen = true
    /// Lines that may still be sent by `log`.
    public var logLinesLeft = Int.max
    private let socket: FrameSocket

    /// Takes over a socket, which does not block from now on.
    ///
    /// - Parameters:
    ///   - descriptor: the socket.
    ///   - largestFrame: the longest body that is accepted, in bytes.
    ///   - largestQueue: how many bytes may wait for an end that does not read.
    public init(_ descriptor: consuming FileDescriptor, largestFrame: Int, largestQueue: Int) {
        socket = FrameSocket(descriptor, largestFrame: largestFrame, largestQueue: largestQueue)
    }

    /// The descriptor, for `PollSet`.
    public var number: Int32 { socket.number }
    /// Whether messages wait for the socket to take them.
    public var wantsToWrite: Bool { socket.wantsToWrite }
    /// What to wait for.
    public var wants: PollSet.Events { socket.wantsToWrite ? [.readable, .writable] : .readable }

    /// Reads the next message, without blocking.
    public func receive() -> Received {
        switch socket.receive() {
        case .nothing: return .nothing
        case .closed:
            isOpen = false
            return .closed
        case .frame(let body):
            do throws(WireError) { return .message(try In.read(body)) } catch { return .malformed(error) }
        }
    }

    /// The next message, or `nil` where none is there yet, or none will come any more.
    public func next() -> In? {
        guard isOpen else { return nil }
        switch receive() {
        case .message(let message): return message
        case .nothing, .closed: return nil
        case .malformed:
            isOpen = false
            return nil
        }
    }

    /// Waits for the next message.
    ///
    /// - Parameter descriptor: another one to wait for, or -1.
    /// - Returns: the message, or `nil` where none will come any more, or `descriptor` has become readable.
    public func waitForNext(or descriptor: Int32 = -1) -> In? {
        var set = PollSet()
        while isOpen {
            if let message = next() { return message }
            guard isOpen else { return nil }
            set.removeAll()
            set.add(number, .readable)
            let other = set.add(descriptor, .readable)
            set.wait(milliseconds: nil)
            if !set.events(of: other).isEmpty { return nil }
        }
        return nil
    }

    /// From now on messages may come with descriptors.
    public func admitDescriptors() { socket.takesDescriptors = true }

    /// The descriptors that came with the last message, once.
    public func takeDescriptors() -> PassedDescriptors? { socket.takeDescriptors() }

    /// Queues a message, with 1 to 3 descriptors or none, and sends what the socket takes.
    @discardableResult
    public func send(_ message: Out, _ descriptors: PassedDescriptors? = nil) -> Sent {
        guard isOpen else { return .gone }
        do throws(WireError) {
            if socket.send(try message.body(), descriptors) { return .sent }
        } catch {
            isOpen = false
            return .notQueued
        }
        isOpen = false
        return socket.isOpen ? .notQueued : .gone
    }

    /// Sends a message and waits until the socket has taken it.
    ///
    /// - Returns: whether it did.
    public func sendAndWait(_ message: Out) -> Bool {
        guard case .sent = send(message) else { return false }
        var set = PollSet()
        while wantsToWrite {
            set.removeAll()
            set.add(number, .writable)
            set.wait(milliseconds: nil)
            guard flush() else { return false }
        }
        return true
    }

    /// Sends what the socket takes of the messages that wait.
    ///
    /// - Returns: whether the other end is still there.
    @discardableResult
    public func flush() -> Bool {
        if isOpen, !socket.flush() { isOpen = false }
        return isOpen
    }

    /// Tells the other end that this one is gone, as closing would.
    public func shutDown() { socket.shutDown() }
}

extension Endpoint where Out: LogMessage {
    /// Sends a line for the log, made safe to print.
    public func log(_ level: LogLevel, _ line: String) {
        guard logLinesLeft > 0 else { return }
        logLinesLeft -= 1
        send(.log(level, printable(line, limit: Limits.logLine)))
    }
}

// MARK: - Messages of a channel

/// A message of a session, or of the console, with the channel that it is about.
public struct SessionFrame: LogMessage {
    public let channel: UInt8
    public let message: SessionMessage

    public init(_ message: SessionMessage, channel: UInt8 = 0) {
        (self.message, self.channel) = (message, channel)
    }

    public func body() throws(WireError) -> SecretBytes { try message.body(channel: channel) }

    public static func read(_ body: SecretBytes) throws(WireError) -> SessionFrame {
        let (channel, message) = try SessionMessage.read(body)
        return SessionFrame(message, channel: channel)
    }

    public static func log(_ level: LogLevel, _ line: String) -> SessionFrame { SessionFrame(.log(level, line)) }
}

/// A message of the monitor to a session or the console, with the channel that it is about.
public struct MonitorFrame: WireMessage {
    public let channel: UInt8
    public let message: MonitorMessage

    public init(_ message: MonitorMessage, channel: UInt8 = 0) {
        (self.message, self.channel) = (message, channel)
    }

    public func body() throws(WireError) -> SecretBytes { try message.body(channel: channel) }

    public static func read(_ body: SecretBytes) throws(WireError) -> MonitorFrame {
        let (channel, message) = try MonitorMessage.read(body)
        return MonitorFrame(message, channel: channel)
    }
}

/// The end of a session, or of the console.
public typealias SessionEndpoint = Endpoint<SessionFrame, MonitorFrame>
/// The monitor's end of the same socket.
public typealias SessionsEndpoint = Endpoint<MonitorFrame, SessionFrame>

extension Endpoint where Out == SessionFrame {
    public func send(_ message: SessionMessage, channel: UInt8 = 0) {
        send(SessionFrame(message, channel: channel))
    }
}

extension WorkerOrder: WireMessage {}
extension WorkerReport: WireMessage {}
