internal import CLinux

/// One end of a socket that carries frames between two of our processes.
///
/// On the wire a frame is its length (4 bytes, big-endian) and then that many bytes. A length over the limit ends
/// the connection before anything is allocated. Every body lies in `SecretBytes`, since any may hold a passphrase.
/// Descriptors that go with a frame come with its first byte.
public final class FrameSocket {
    /// What the other end sent.
    public enum Received {
        case frame(SecretBytes)
        /// Nothing whole is there yet.
        case nothing
        /// The other end closed, or broke the rules: no frame will come any more.
        case closed
    }

    /// The descriptor, for `poll`.
    public var number: Int32 { descriptor.number }
    /// Whether frames wait for the socket to take them.
    public var wantsToWrite: Bool { !outgoing.isEmpty }

    /// Whether the other end was there when it was last sent to.
    public private(set) var isOpen = true

    private let descriptor: FileDescriptor
    private let largestFrame: Int
    private let largestQueue: Int
    /// How many frames may wait for a reader that does not read: each takes a page of locked memory, also a short one.
    public static let mostFrames = 256
    private var header: [UInt8] = []
    private var body: SecretBytes?
    private var expected = 0
    private var outgoing: [Outgoing] = []
    private var outgoingOffset = 0
    private var queued = 0
    /// Whether descriptors that come are kept. Otherwise the kernel closes them.
    public var takesDescriptors = false
    private var received: PassedDescriptors?

    private struct Outgoing {
        let bytes: SecretBytes
        /// They are closed here once the frame is sent.
        let descriptors: PassedDescriptors?
    }

    /// Takes over a socket, which does not block from now on.
    ///
    /// - Parameters:
    ///   - descriptor: the socket.
    ///   - largestFrame: the longest body that is accepted, in bytes.
    ///   - largestQueue: how many bytes may wait for a reader that does not read.
    public init(_ descriptor: consuming FileDescriptor, largestFrame: Int, largestQueue: Int) {
        self.descriptor = descriptor
        self.largestFrame = largestFrame
        self.largestQueue = largestQueue
        _ = linux_set_nonblocking(self.descriptor.number)
    }

    /// Tells the other end that this one is gone, as closing would. The corresponding C function is `shutdown`.
    public func shutDown() {
        _ = shutdown(descriptor.number, Int32(SHUT_RDWR))
    }

    /// Reads the next frame, without blocking.
    public func receive() -> Received {
        while true {
            guard let body else {
                guard let count = readHeader() else { return .nothing }
                guard count > 0 else { return .closed }
                guard header.count == 4 else { continue }
                let length = header.reduce(0) { $0 << 8 | Int($1) }
                guard length > 0, length <= largestFrame, let room = try? SecretBytes(capacity: length) else {
                    return .closed
                }
                header.removeAll(keepingCapacity: true)
                self.body = room
                expected = length
                continue
            }
            var got: Int? = 0
            do throws(SystemError) {
                try unsafe body.fill { room throws(SystemError) -> Int in
                    got = unsafe try descriptor.read(
                        into: UnsafeMutableRawBufferPointer(rebasing: room[..<(expected - body.count)]))
                    return got ?? 0
                }
            } catch { return .closed }
            guard let got else { return .nothing }
            guard got > 0 else { return .closed }
            if body.count == expected {
                self.body = nil
                return .frame(body)
            }
        }
    }

    /// Reads more of the header: the count of bytes, 0 at the end or on an error, `nil` when it would block.
    private func readHeader() -> Int? {
        var bytes: (UInt8, UInt8, UInt8, UInt8) = (0, 0, 0, 0)
        let missing = 4 - header.count
        // They are of the frame that came last, and nobody has asked for them.
        if missing == 4 { received = nil }
        let count = unsafe withUnsafeMutableBytes(of: &bytes) { room -> Int? in
            let part = unsafe UnsafeMutableRawBufferPointer(rebasing: room[..<missing])
            if takesDescriptors { return unsafe readWithDescriptors(into: part) }
            do throws(SystemError) { return unsafe try descriptor.read(into: part) } catch { return 0 }
        }
        guard let count, count > 0 else { return count }
        unsafe withUnsafeBytes(of: &bytes) { room in
            for index in 0..<count { unsafe header.append(room[index]) }
        }
        return count
    }

    private func readWithDescriptors(into part: UnsafeMutableRawBufferPointer) -> Int? {
        var numbers: [Int32] = [-1, -1, -1]
        var count = -1
        repeat {
            count = unsafe linux_receive_with(descriptor.number, part.baseAddress, UInt(part.count), &numbers)
        } while count < 0 && linux_errno() == EINTR
        guard count >= 0 else { return linux_errno() == EAGAIN ? nil : 0 }
        let passed = numbers.filter { $0 >= 0 }
        if !passed.isEmpty { received = PassedDescriptors(owning: passed) }
        return count
    }

    /// The descriptors that came with the last frame, once.
    public func takeDescriptors() -> PassedDescriptors? {
        defer { received = nil }
        return received
    }

    /// Queues a frame, with 1 to 3 descriptors or none, and sends what the socket takes.
    ///
    /// - Returns: whether the other end is there and reads; when not, it is to be given up.
    public func send(_ frame: SecretBytes, _ descriptors: PassedDescriptors? = nil) -> Bool {
        guard frame.count > 0, queued + frame.count <= largestQueue, outgoing.count < FrameSocket.mostFrames,
            let whole = try? SecretBytes(capacity: frame.count + 4)
        else { return false }
        for shift in [24, 16, 8, 0] { _ = whole.append(UInt8(truncatingIfNeeded: frame.count >> shift)) }
        unsafe frame.withUnsafeBytes { bytes in _ = unsafe whole.append(contentsOf: bytes) }
        outgoing.append(Outgoing(bytes: whole, descriptors: descriptors))
        queued += whole.count
        return flush()
    }

    /// Sends what the socket takes of the frames that wait.
    ///
    /// - Returns: whether the other end is still there.
    public func flush() -> Bool {
        while let first = outgoing.first {
            let offset = outgoingOffset
            let sent = unsafe first.bytes.withUnsafeBytes { bytes in
                let start = unsafe bytes.baseAddress?.advanced(by: offset)
                // They go with the first byte.
                guard offset == 0, let numbers = first.descriptors?.numbers else {
                    return unsafe CLinux.send(descriptor.number, start, bytes.count - offset, Int32(MSG_NOSIGNAL))
                }
                return unsafe linux_send_with(
                    descriptor.number, start, UInt(bytes.count), numbers, Int32(numbers.count))
            }
            if sent < 0 {
                if linux_errno() == EINTR { continue }
                isOpen = linux_errno() == EAGAIN
                return isOpen
            }
            outgoingOffset += sent
            if outgoingOffset == first.bytes.count {
                queued -= first.bytes.count
                outgoing.removeFirst()
                outgoingOffset = 0
            }
        }
        return true
    }
}
