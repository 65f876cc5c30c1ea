import Glibc
import Linux
import Testing

@Suite struct FrameSocketTests {
    /// A frame socket, and the other end as a plain descriptor.
    private func pair(largestFrame: Int = 1000, largestQueue: Int = 100_000) throws -> (FrameSocket, Int32) {
        let pair = try FileDescriptor.socketPair()
        let other = dup(pair.second.number)
        return (FrameSocket(pair.takeFirst(), largestFrame: largestFrame, largestQueue: largestQueue), other)
    }

    private func put(_ bytes: [UInt8], _ descriptor: Int32) {
        #expect(write(descriptor, bytes, bytes.count) == bytes.count)
    }

    private func frame(_ received: FrameSocket.Received) -> [UInt8]? {
        guard case .frame(let body) = received else { return nil }
        return body.withUnsafeBytes { Array($0) }
    }

    private func isNothing(_ received: FrameSocket.Received) -> Bool {
        if case .nothing = received { true } else { false }
    }

    private func isClosed(_ received: FrameSocket.Received) -> Bool {
        if case .closed = received { true } else { false }
    }

    private func secret(_ bytes: [UInt8]) throws -> SecretBytes {
        try bytes.withUnsafeBytes { try SecretBytes(copying: $0) }
    }

    @Test func `a frame comes whole however it is cut`() throws {
        let (socket, other) = try pair()
        defer { close(other) }
        let bytes: [UInt8] = [0, 0, 0, 3, 7, 8, 9, 0, 0, 0, 1, 5]
        for byte in bytes.dropLast(5) {
            #expect(isNothing(socket.receive()))
            put([byte], other)
        }
        #expect(frame(socket.receive()) == [7, 8, 9])
        put(Array(bytes.suffix(5)) + [0, 0], other)
        #expect(frame(socket.receive()) == [5])
        #expect(isNothing(socket.receive()))
    }

    @Test(
        arguments: [[0, 0, 0, 0], [0, 0, 3, 0xe9], [0x80, 0, 0, 0], [0xff, 0xff, 0xff, 0xff]] as [[UInt8]])
    func `a length out of bounds ends the connection, for good`(length: [UInt8]) throws {
        let (socket, other) = try pair()
        defer { close(other) }
        put(length + [0, 0, 0, 1, 1], other)
        #expect(isClosed(socket.receive()))
        #expect(isClosed(socket.receive()))
    }

    @Test func `the longest frame is accepted`() throws {
        let (socket, other) = try pair()
        defer { close(other) }
        put([0, 0, 3, 0xe8] + [UInt8](repeating: 1, count: 1000), other)
        #expect(frame(socket.receive())?.count == 1000)
    }

    @Test func `what came before the end is still received`() throws {
        let (socket, other) = try pair()
        put([0, 0, 0, 1, 7, 0, 0, 0, 2, 1], other)
        close(other)
        #expect(frame(socket.receive()) == [7])
        #expect(isClosed(socket.receive()))
    }

    @Test func `a reader that does not read is given up after so many bytes`() throws {
        let (socket, other) = try pair(largestFrame: 1 << 20, largestQueue: 1 << 20)
        defer { close(other) }
        let body = try secret([UInt8](repeating: 1, count: 100_000))
        var sent = 0
        while socket.send(body), sent < 100 { sent += 1 }
        #expect(sent >= 10)
        #expect(sent < 20)
        #expect(socket.wantsToWrite)
    }

    @Test func `short frames for a reader that does not read are bounded, too: each takes a page`() throws {
        let (socket, other) = try pair(largestQueue: 1 << 20)
        defer { close(other) }
        // Fills what the kernel takes.
        let long = try secret([UInt8](repeating: 1, count: 1000))
        while !socket.wantsToWrite { #expect(socket.send(long)) }
        let short = try secret([1])
        var sent = 0
        while socket.send(short), sent < 10_000 { sent += 1 }
        #expect(sent < FrameSocket.mostFrames)
    }

    @Test func `what waits is sent when the reader reads`() throws {
        let ends = try FileDescriptor.socketPair()
        let reader = FrameSocket(
            FileDescriptor(owning: dup(ends.second.number)), largestFrame: 9 << 20, largestQueue: 1)
        let socket = FrameSocket(ends.takeFirst(), largestFrame: 10, largestQueue: 9 << 20)
        #expect(socket.send(try secret([UInt8](repeating: 3, count: 8 << 20))))
        #expect(socket.send(try secret([4])))
        var received: [[UInt8]] = []
        while received.count < 2 {
            if let body = frame(reader.receive()) { received.append(body) }
            #expect(socket.flush())
        }
        #expect(received.map(\.count) == [8 << 20, 1])
        #expect(!socket.wantsToWrite)
    }

    @Test func `an end that is gone is told, without a signal`() throws {
        let (socket, other) = try pair()
        close(other)
        // The pair's own second descriptor went with `pair`.
        #expect(!socket.send(try secret([1])))
    }

    /// Two sockets of ours, of which the second takes descriptors.
    private func passing() throws -> (from: FrameSocket, to: FrameSocket) {
        let ends = try FileDescriptor.socketPair()
        let reader = FrameSocket(
            FileDescriptor(owning: dup(ends.second.number)), largestFrame: 1 << 20, largestQueue: 1)
        reader.takesDescriptors = true
        return (FrameSocket(ends.takeFirst(), largestFrame: 10, largestQueue: 1 << 20), reader)
    }

    private func isOpen(_ descriptor: Int32) -> Bool { fcntl(descriptor, F_GETFD) >= 0 }

    @Test func `descriptors come with the frame that they were sent with, and are closed on this side`() throws {
        let (from, to) = try passing()
        var pipes = try (0..<3).map { _ in try FileDescriptor.pipe().takeSecond().release() }
        #expect(from.send(try secret([1])))
        #expect(from.send(try secret([2, 2]), PassedDescriptors(owning: pipes)))
        #expect(from.send(try secret([3])))
        for number in pipes { #expect(!isOpen(number)) }
        #expect(frame(to.receive()) == [1])
        #expect(to.takeDescriptors() == nil)
        #expect(frame(to.receive()) == [2, 2])
        let passed = try #require(to.takeDescriptors())
        #expect(passed.numbers.count == 3)
        #expect(to.takeDescriptors() == nil)
        #expect(frame(to.receive()) == [3])
        pipes = passed.numbers
        for number in pipes {
            #expect(isOpen(number))
            #expect(fcntl(number, F_GETFD) == FD_CLOEXEC)
        }
    }

    @Test func `descriptors that nobody asks for are closed with the next frame`() throws {
        let (from, to) = try passing()
        let sent = try FileDescriptor.pipe()
        let reading = FileDescriptor(owning: dup(sent.first.number))
        #expect(from.send(try secret([1]), PassedDescriptors(owning: [sent.takeSecond().release()])))
        #expect(frame(to.receive()) == [1])
        #expect(from.send(try secret([2])))
        #expect(frame(to.receive()) == [2])
        #expect(to.takeDescriptors() == nil)
        // Nobody has its other end any more.
        var byte: [UInt8] = [0]
        #expect(try byte.withUnsafeMutableBytes { try reading.read(into: $0) } == 0)
    }

    @Test func `who takes no descriptors gets none`() throws {
        let ends = try FileDescriptor.socketPair()
        let to = FrameSocket(FileDescriptor(owning: dup(ends.second.number)), largestFrame: 10, largestQueue: 1)
        let from = FrameSocket(ends.takeFirst(), largestFrame: 10, largestQueue: 1000)
        let sent = try FileDescriptor.pipe()
        let reading = FileDescriptor(owning: dup(sent.first.number))
        #expect(from.send(try secret([1]), PassedDescriptors(owning: [sent.takeSecond().release()])))
        #expect(frame(to.receive()) == [1])
        #expect(to.takeDescriptors() == nil)
        var byte: [UInt8] = [0]
        #expect(try byte.withUnsafeMutableBytes { try reading.read(into: $0) } == 0)
    }

    @Test func `nothing is no frame`() throws {
        let (socket, other) = try pair()
        defer { close(other) }
        #expect(!socket.send(try SecretBytes(capacity: 1)))
        #expect(!socket.wantsToWrite)
    }
}
