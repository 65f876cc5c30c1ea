internal import CLinux
internal import Config
internal import Linux
internal import Notify

/// The process that sends one announcement, and ends. It is nobody's user, sees no secret but the URL, and may use the network.
///
/// Its standard error is read by who started it: the three digits that the server answered, or why there is no answer.
public enum NotifierProcess {
    /// Runs the role `notifier`, with its errand at `Role.controlDescriptor`.
    ///
    /// - Returns: the exit status, unless it becomes curl: 0 when a server has answered.
    public static func run() -> Int32 {
        let parent = ChildProcess.parent
        // It comes first: what is not dumpable cannot write its own /proc files without root.
        Role.notifier.score.applyToSelf()
        do throws(SystemError) {
            let bytes: [UInt8]
            do {
                let file = FileDescriptor(owning: Role.controlDescriptor)
                let secret = try SealedBytes.read(file, limit: Errand.limit)
                bytes = unsafe secret.withUnsafeBytes { unsafe Array($0) }
                // It stays open, for curl.
                _ = file.release()
            }
            let line = bytes.prefix { $0 != UInt8(ascii: "\n") }
            _ = try Sandbox.enter(
                root: nil, user: ChildProcess.isRoot ? Role.notifier.user() : nil, calls: Role.notifier.systemCalls,
                parent: parent)
            if let place = ListenAddress(String(decoding: line, as: UTF8.self)) {
                Log.complain(try answer(place, Array(bytes.dropFirst(line.count + 1))))
                return 0
            }
            for path in Errand.programs where Files.exists(path) {
                try check(path) { unsafe linux_become_curl(path, Role.controlDescriptor) }
            }
            throw SystemError("curl", code: ENOENT)
        } catch {
            Log.complain(error.description)
            return 1
        }
    }

    /// How long connecting, sending and the answer may take together, in milliseconds.
    private static let patience: Int64 = 20_000

    /// Sends a request of HTTP/1.1.
    ///
    /// - Returns: the three digits of the answer's status.
    private static func answer(_ place: ListenAddress, _ request: [UInt8]) throws(SystemError) -> String {
        let deadline = Clock.now() + patience
        let socket = FileDescriptor(
            owning: try check("connect") {
                unsafe linux_connect(place.address.description, place.port ?? 80)
            })
        var sent = 0
        while sent < request.count {
            try wait(socket.number, .writable, until: deadline)
            let code = linux_connect_error(socket.number)
            guard code == 0 else { throw SystemError("connect", code: code) }
            sent += try unsafe request.withUnsafeBufferPointer { bytes throws(SystemError) -> Int in
                unsafe try socket.write(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: bytes[sent...]))) ?? 0
            }
        }
        // `HTTP/1.1 200`, whatever follows.
        let room = try SecretBytes(capacity: 12)
        var hasEnded = false
        while !hasEnded, room.count < room.capacity {
            try wait(socket.number, .readable, until: deadline)
            try unsafe room.fill { room throws(SystemError) -> Int in
                let count = unsafe try socket.read(into: room)
                hasEnded = count == 0
                return count ?? 0
            }
        }
        let answer = unsafe room.withUnsafeBytes { unsafe Array($0) }
        guard answer.starts(with: "HTTP/1.".utf8), answer.count == room.capacity else {
            throw SystemError("no answer of HTTP", code: EPROTO)
        }
        return String(decoding: answer[9...], as: UTF8.self)
    }

    private static func wait(_ socket: Int32, _ events: PollSet.Events, until deadline: Int64) throws(SystemError) {
        var set = PollSet()
        let token = set.add(socket, events)
        repeat {
            set.wait(milliseconds: deadline - Clock.now())
            if !set.events(of: token).isEmpty { return }
        } while Clock.now() < deadline
        throw SystemError("no answer", code: ETIMEDOUT)
    }
}
