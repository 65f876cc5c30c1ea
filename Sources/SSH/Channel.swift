internal import CLibssh

/// A `session` channel that a client opened.
///
/// Its handlers run while libssh takes a packet apart, where nothing may be written: `send` and `finish` queue what
/// the connection sends afterwards.
@safe public final class Channel {
    /// What a client may ask of a channel, once.
    public enum Request: Equatable {
        case shell
        case exec(String)
        /// A file transfer, for one.
        case subsystem(String)
        /// A command of more bytes than are looked at.
        case tooLong
    }

    /// The size of a terminal, in characters.
    public struct WindowSize: Equatable, Sendable {
        public var columns: Int
        public var rows: Int

        /// Clients send 0 for what they do not know, and whatever they like.
        init(columns: Int32, rows: Int32) {
            self.columns = columns <= 0 ? 80 : min(max(Int(columns), 20), 500)
            self.rows = rows <= 0 ? 24 : min(max(Int(rows), 5), 200)
        }
    }

    /// Its place among the channels of this connection, from 1; free again when it is gone.
    public let number: UInt8
    /// The terminal that the client sits at, or `nil`.
    public internal(set) var terminal: WindowSize?
    /// The type of that terminal, as the client names it, or empty.
    public internal(set) var terminalType = ""
    /// Whether its owner takes no input now: libssh keeps what comes, and the client's window closes.
    public var holdsInput = false
    /// How many bytes of input libssh keeps.
    public internal(set) var held = 0
    /// How many bytes wait for the client to read them.
    public private(set) var queued = 0
    /// Whether nothing more can be sent: `finish` was called, or the client closed.
    public var isOver: Bool { status != nil || closedByClient }

    /// How many bytes may wait in all. A client that lets more of them wait is not there to read them.
    public static let largestQueue = 256 << 10

    let handle: ssh_channel
    let callbacks: UnsafeMutablePointer<ssh_channel_callbacks_struct>
    unowned(unsafe) let connection: SSHConnection
    var asked = false
    var closedByClient = false
    private var queue: [Output] = []
    private var sent = 0
    private var status: UInt8?
    /// The name of the signal that ended what ran here, or empty.
    private var signal = ""
    private var statusSent = false
    private(set) var closeSent = false

    /// The most that is handed to libssh at once, in bytes.
    private static let largestWrite = 16 << 10

    private struct Output {
        var bytes: [UInt8]
        var isError: Bool
    }

    init(number: UInt8, handle: ssh_channel, connection: SSHConnection) {
        self.number = number
        unsafe self.handle = handle
        unsafe self.connection = connection
        unsafe callbacks = .allocate(capacity: 1)
        unsafe callbacks.initialize(to: .init())
        unsafe ChannelCallbacks.fill(callbacks, for: self)
    }

    deinit {
        unsafe callbacks.deallocate()
    }

    /// Queues bytes for the client's standard output, or standard error.
    public func send(_ bytes: [UInt8], asError: Bool = false) {
        guard !bytes.isEmpty, !isOver else { return }
        queue.append(Output(bytes: bytes, isError: asError))
        queued += bytes.count
        unsafe connection.hasMore = true
    }

    /// Queues the end: what was queued before, the exit status or in its place the signal, end of file, and the close.
    public func exit(status: UInt8, signal: String = "") {
        guard !isOver else { return }
        self.status = status
        self.signal = signal
        unsafe connection.hasMore = true
    }

    /// Takes some of the input that libssh keeps, and grants the client as much again; nothing where there is none. It must
    /// not be called from a handler.
    public func takeHeld() -> [UInt8] {
        guard held > 0, !closedByClient else { return [] }
        var bytes = [UInt8](repeating: 0, count: min(held, Channel.largestWrite))
        let got = unsafe ssh_channel_read(handle, &bytes, UInt32(bytes.count), 0)
        held = got > 0 ? held - Int(got) : 0
        return Array(bytes.prefix(max(Int(got), 0)))
    }

    /// Sends what the client has room for, and the end after it.
    ///
    /// - Returns: whether the connection is still there.
    func flush() -> Bool {
        while let first = queue.first, !closedByClient {
            guard unsafe !connection.isCongested else { return true }
            let window = Int(unsafe ssh_channel_window_size(handle))
            let count = min(first.bytes.count - sent, window, Channel.largestWrite)
            guard count > 0 else { return true }
            // libssh may take packets apart meanwhile, whose handlers queue more: nothing of the queue is borrowed.
            let offset = sent
            let written = unsafe first.bytes.withUnsafeBytes { bytes in
                let start = unsafe bytes.baseAddress?.advanced(by: offset)
                return unsafe first.isError
                    ? ssh_channel_write_stderr(handle, start, UInt32(count))
                    : ssh_channel_write(handle, start, UInt32(count))
            }
            guard written >= 0 else { return closedByClient }
            guard written > 0 else { return true }
            sent += Int(written)
            queued -= Int(written)
            unsafe connection.progress += 1
            if sent == first.bytes.count {
                queue.removeFirst()
                sent = 0
            }
        }
        return close()
    }

    /// Sends the exit status, the end of file and the close, once all output is out or the client wants no more.
    private func close() -> Bool {
        guard !closeSent, unsafe !connection.isCongested else { return true }
        if !closedByClient {
            guard let status, queue.isEmpty else { return true }
            if !statusSent {
                let result =
                    signal.isEmpty
                    ? unsafe ssh_channel_request_send_exit_status(handle, Int32(status))
                    : unsafe ssh_channel_request_send_exit_signal(handle, signal, 0, "", "")
                guard result == SSH_OK else { return false }
                statusSent = true
            }
        }
        let result = unsafe ssh_channel_close(handle)
        // Where it says "again" for the end of file, the close follows with the next call.
        closeSent = result == SSH_OK
        if closeSent { unsafe connection.progress += 1 }
        return result != SSH_ERROR
    }

    /// Forgets the queue of a client that is gone, and gives the channel back to libssh.
    func release() {
        queue = []
        queued = 0
        unsafe ssh_channel_free(handle)
    }
}
