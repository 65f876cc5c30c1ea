internal import CGate
internal import CLibssh
internal import CLinux
public import Linux

/// One client's connection, from the banner to the end, on a socket that is connected already.
///
/// Its owner waits for `number` to become what `wants` says, calls `process`, and sends what was queued with `flush`.
///
/// While the client does not take what it is sent, nothing is read from it: whatever it asks for, no answers pile up. It
/// is then its owner's timeouts that end it.
@safe public final class SSHConnection {
    /// What the owner does about the client's doings. They run inside `process` and `flush`.
    public struct Handlers {
        /// The key at this place of the list logged in, for this user name as the client sent it.
        public var authenticated: (Int, [UInt8]) -> Void
        /// Whether a channel may have a terminal.
        public var permitsTerminal: () -> Bool
        public var requested: (Channel, Channel.Request) -> Void
        public var resized: (Channel) -> Void
        /// The client has a signal, by its name, for what runs on the channel.
        public var signalled: (Channel, String) -> Void = { _, _ in }
        /// Bytes of the client's standard input, which are wiped afterwards.
        public var input: (Channel, Span<UInt8>) -> Void
        public var inputEnded: (Channel) -> Void
        /// The channel is gone. It was reported by `requested`.
        public var closed: (Channel) -> Void
        /// A line for the log.
        public var note: (String) -> Void

        public init(
            authenticated: @escaping (Int, [UInt8]) -> Void, permitsTerminal: @escaping () -> Bool,
            requested: @escaping (Channel, Channel.Request) -> Void, resized: @escaping (Channel) -> Void,
            input: @escaping (Channel, Span<UInt8>) -> Void,
            inputEnded: @escaping (Channel) -> Void, closed: @escaping (Channel) -> Void,
            note: @escaping (String) -> Void
        ) {
            self.authenticated = authenticated
            self.permitsTerminal = permitsTerminal
            self.requested = requested
            self.resized = resized
            self.input = input
            self.inputEnded = inputEnded
            self.closed = closed
            self.note = note
        }
    }

    /// The longest command that is looked at, in bytes.
    public static let longestCommand = 1024

    public let number: Int32
    public private(set) var isAuthenticated = false
    /// The channels that are not gone yet.
    public internal(set) var channels: [Channel] = []
    /// Counts what reached the client: bytes that libssh took, and ends.
    public internal(set) var progress = 0
    /// How often the client was refused.
    public var refusals: Int { gate.refusals }
    /// What the client has done that ends its connection, or empty.
    public private(set) var fault = ""

    var handlers: Handlers
    private var gate: Gate
    private var budget: Budget
    private let mostChannels: UInt8
    private var lastNumber: UInt8 = 0
    private var isBroken = false
    /// Whether something was queued since it was last looked for.
    var hasMore = false
    /// The key of the request that libssh has before it.
    private var examined: Int?
    private let session: ssh_session
    private let event: ssh_event
    private let serverCallbacks: UnsafeMutablePointer<ssh_server_callbacks_struct>
    private let guardCallbacks: GuardCallbacks
    /// What libssh counts: of the socket, and of the packets in it.
    private let counters: UnsafeMutablePointer<ssh_counter_struct>
    /// Where the packet lies that is being taken apart.
    private var packet: UnsafeMutableRawBufferPointer?

    /// Takes over a connected socket. Nothing is read from it before `start`, and at most `mostChannels` are open at
    /// once.
    ///
    /// - Throws: `SSHError`
    public init(
        _ socket: consuming FileDescriptor, settings: ServerSettings, gate: Gate, mostChannels: UInt8,
        handlers: Handlers
    ) throws(SSHError) {
        guard let bind = unsafe ssh_bind_new() else { throw .call("ssh_bind_new") }
        defer { unsafe ssh_bind_free(bind) }
        try unsafe settings.apply(to: bind, note: handlers.note)
        guard let session = unsafe ssh_new(), let event = unsafe ssh_event_new() else { throw .call("ssh_new") }
        unsafe self.session = session
        unsafe self.event = event
        self.gate = gate
        budget = Budget(mostFailures: gate.mostFailures)
        self.mostChannels = mostChannels
        self.handlers = handlers
        number = socket.number
        _ = linux_set_nonblocking(number)
        // libssh writes each message by itself.
        _ = linux_nodelay(number)
        unsafe serverCallbacks = .allocate(capacity: 1)
        unsafe serverCallbacks.initialize(to: .init())
        guardCallbacks = GuardCallbacks()
        unsafe counters = .allocate(capacity: 2)
        unsafe counters.initialize(repeating: .init(), count: 2)
        unsafe fillServerCallbacks(serverCallbacks, for: self)
        guardCallbacks.fill(for: self)
        unsafe ssh_set_blocking(session, 0)
        unsafe ssh_set_counters(session, counters, counters + 1)
        guard unsafe ssh_set_server_callbacks(session, serverCallbacks) == SSH_OK else {
            throw .call("ssh_set_server_callbacks")
        }
        unsafe ssh_set_auth_methods(session, Int32(SSH_AUTH_METHOD_PUBLICKEY))
        guard unsafe ssh_bind_accept_fd(bind, session, socket.release()) == SSH_OK else {
            throw .call("ssh_bind_accept_fd")
        }
    }

    /// Sends the banner, begins the key exchange, and takes what has come by then.
    public func startKeyExchange() {
        // Before the key exchange: libssh adds its own when the client's banner comes, and the first one decides.
        unsafe clibssh_set_packet_callbacks(session, guardCallbacks.pointer)
        // The banner goes out at once: a client that speaks first, and wrongly, is to see who is here.
        unsafe ssh_set_fd_towrite(session)
        defer { updateReading() }
        guard unsafe ssh_handle_key_exchange(session) != SSH_ERROR else { return isBroken = true }
        guard unsafe ssh_event_add_session(event, session) == SSH_OK else { return isBroken = true }
    }

    /// Why the connection is over, or an empty string. It may have the client's words in it.
    public var complaint: String { unsafe String(cString: ssh_get_error(UnsafeMutableRawPointer(session))) }

    /// What to wait for on `number`.
    public var wants: PollSet.Events {
        let flags = unsafe ssh_get_poll_flags(session)
        var events: PollSet.Events = []
        if flags & SSH_READ_PENDING != 0 { events.insert(.readable) }
        if flags & SSH_WRITE_PENDING != 0 { events.insert(.writable) }
        return events
    }

    /// Whether the client is there, and may be.
    public var isOpen: Bool {
        let status = unsafe ssh_get_status(session)
        return !isBroken && fault.isEmpty && !gate.isExhausted && status & (SSH_CLOSED | SSH_CLOSED_ERROR) == 0
    }

    /// Whether libssh still has something for the client that the socket did not take, or that waits for new keys.
    var isCongested: Bool {
        let session = unsafe UnsafeRawPointer(session)
        return unsafe gate_pending(session) > 0 || gate_held(session) > 0
    }

    /// Packets that may wait for new keys. A client that goes on asking meanwhile does not mean to exchange them.
    private static let mostHeld = 256
    /// Bytes that may wait for the socket while requests are read: more than one piece of output, so that a client on a slow
    /// line can interrupt what floods it.
    private static let mostPending = 32 << 10

    /// Reads from the client, or not, until this is looked at again.
    private func updateReading() {
        if !isAuthenticated,
            unsafe budget.isSpent(packets: counters[1].in_packets, bytes: counters[0].in_bytes)
        {
            fault = "too much was sent before a login"
        }
        if unsafe gate_held(UnsafeRawPointer(session)) > SSHConnection.mostHeld { fault = "keys are not exchanged" }
        let reads = unsafe gate_pending(UnsafeRawPointer(session)) <= SSHConnection.mostPending
        unsafe gate_set_reading(UnsafeMutableRawPointer(session), reads)
    }

    /// Makes the kernel acknowledge at once what comes next: its delay and the client's Nagle cost 40 ms a login.
    public func hurryAcknowledgement() {
        _ = linux_quickack(number)
    }

    /// Takes what has come, and sends what libssh has to say. It does not block.
    public func process() {
        if unsafe ssh_event_dopoll(event, 0) == SSH_ERROR { isBroken = true }
        // libssh may move its buffer from here on.
        unsafe packet = nil
        refuseDroppedRequest()
        releaseEndedChannels()
        updateReading()
    }

    /// Sends what the channels queued, as far as the client has room for it.
    public func flush() {
        // libssh may take packets apart meanwhile, whose handlers queue more.
        repeat {
            hasMore = false
            for channel in channels where isOpen {
                if !channel.flush() || channel.queued > Channel.largestQueue { isBroken = true }
            }
            refuseDroppedRequest()
            releaseEndedChannels()
        } while hasMore && isOpen
        updateReading()
    }

    /// Tells the client why, when there is still something to tell it, and closes the connection.
    public func disconnect(_ reason: String) {
        let reason = gate.isExhausted ? "Too many authentication failures" : fault.isEmpty ? reason : fault
        // Only a poll tells libssh that the socket takes something; nothing is read any more.
        unsafe gate_set_reading(UnsafeMutableRawPointer(session), false)
        if !isBroken { unsafe ssh_event_dopoll(event, 0) }
        unsafe ssh_session_set_disconnect_message(session, reason)
        unsafe ssh_disconnect(session)
    }

    /// Gives back the channels that both sides closed, or the client did.
    private func releaseEndedChannels() {
        for channel in channels where channel.closedByClient && channel.closeSent {
            channels.removeAll { $0 === channel }
            channel.release()
            progress += 1
            if channel.asked { handlers.closed(channel) }
        }
    }
}

// What the callbacks do.
extension SSHConnection {
    /// Takes a request for a service before libssh does, which would grant any, and returns whether it may.
    func grantsService(_ request: [UInt8]) -> Bool {
        if !isAuthenticated, budget.grants(request) { return true }
        fault = "a service was asked for that is not here"
        return false
    }

    /// Takes an authentication request before libssh does, and returns whether libssh is to go on with it.
    func admitsAuthentication(_ request: [UInt8]) -> Bool {
        refuseDroppedRequest()
        guard !gate.isExhausted, fault.isEmpty else { return false }
        budget.serves()
        switch gate.verdict(on: request) {
        case .examine(let key):
            examined = key
            return true
        case .refuse(let note):
            if !note.isEmpty { handlers.note(note) }
            unsafe _ = clibssh_refuse_authentication(session)
            return false
        }
    }

    /// Answers a request that libssh dropped: one whose signature is wrong, or whose key it cannot parse.
    private func refuseDroppedRequest() {
        guard examined != nil else { return }
        examined = nil
        gate.fail()
        unsafe _ = clibssh_refuse_authentication(session)
    }

    /// Takes libssh's finding on the request that the gate let pass.
    ///
    /// - Returns: whether the key may log in.
    func handleVerification(signed: Bool, valid: Bool) -> Bool {
        guard let key = examined, !isAuthenticated else { return false }
        examined = nil
        guard signed else { return true }
        guard valid else {
            gate.fail()
            return false
        }
        isAuthenticated = true
        handlers.authenticated(key, gate.user)
        return true
    }

    /// Opens a channel, or refuses to.
    func openChannel() -> ssh_channel? {
        guard isAuthenticated, channels.count < Int(mostChannels), let handle = unsafe ssh_channel_new(session) else {
            return nil
        }
        // Not the number that was freed last: a late message about that channel would be taken for one about this.
        repeat { lastNumber = lastNumber % mostChannels + 1 } while channels.contains { $0.number == lastNumber }
        let channel = unsafe Channel(number: lastNumber, handle: handle, connection: self)
        guard unsafe ssh_set_channel_callbacks(handle, channel.callbacks) == SSH_OK else {
            unsafe ssh_channel_free(handle)
            return nil
        }
        channels.append(channel)
        return unsafe handle
    }

    func beginPacket(_ bytes: UnsafeMutableRawBufferPointer) {
        unsafe packet = unsafe bytes
    }

    /// Overwrites the packet that is being taken apart; libssh reads nothing more of it.
    func wipePacket() {
        if let bytes = unsafe packet, let start = bytes.baseAddress { unsafe explicit_bzero(start, bytes.count) }
        unsafe packet = nil
    }
}
