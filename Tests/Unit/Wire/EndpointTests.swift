import Glibc
import Linux
import Testing
import Wire

/// The two ends of a socket between our processes.
@Suite struct EndpointTests {
    private func pair(
        largestFrame: Int = 4096, largestQueue: Int = 1 << 20
    ) throws -> (SessionEndpoint, SessionsEndpoint) {
        let pair = try FileDescriptor.socketPair()
        let other = FileDescriptor(owning: dup(pair.second.number))
        return (
            SessionEndpoint(pair.takeFirst(), largestFrame: largestFrame, largestQueue: largestQueue),
            SessionsEndpoint(other, largestFrame: largestFrame, largestQueue: largestQueue)
        )
    }

    @Test func `a message arrives with its channel, and the last ones before the end, too`() throws {
        let (session, monitor) = try pair()
        session.send(.close, channel: 7)
        session.log(.info, "line")
        session.shutDown()
        #expect(monitor.next()?.channel == 7)
        guard case .log(.info, "line")? = monitor.next()?.message else {
            Issue.record("no line")
            return
        }
        guard monitor.isOpen, case .closed = monitor.receive() else {
            Issue.record("it is open")
            return
        }
        #expect(!monitor.isOpen && monitor.next() == nil)
    }

    @Test func `an end that does not take what it is sent is given up`() throws {
        let (session, monitor) = try pair(largestQueue: 100)
        #expect(session.isOpen)
        session.log(.info, String(repeating: "x", count: 200))
        #expect(!session.isOpen, "the line is lost, and nothing would say so")
        guard case .gone = session.send(SessionFrame(.close)) else {
            Issue.record("it is sent to")
            return
        }
        withExtendedLifetime(monitor) {}
    }

    @Test func `a message that cannot be made ends the connection, too`() throws {
        let (session, monitor) = try pair()
        let secret = try SecretBytes(capacity: Limits.passphrase + 1)
        for _ in 0...Limits.passphrase { _ = secret.append(0x78) }
        guard case .notQueued = session.send(SessionFrame(.passphrase(secret), channel: 1)) else {
            Issue.record("it is sent")
            return
        }
        #expect(!session.isOpen)
        withExtendedLifetime(monitor) {}
    }

    @Test func `what is no message is said, and ends the connection where nobody asks what it was`() throws {
        let ends = try FileDescriptor.socketPair()
        let other = FileDescriptor(owning: dup(ends.second.number))
        let raw = FrameSocket(ends.takeFirst(), largestFrame: 100, largestQueue: 1000)
        let monitor = SessionsEndpoint(other, largestFrame: 100, largestQueue: 1000)
        for _ in 0..<2 { #expect(raw.send(try ([0, 99] as [UInt8]).withUnsafeBytes { try SecretBytes(copying: $0) })) }
        guard case .malformed(.unknownTag(99)) = monitor.receive() else {
            Issue.record("it reads as a message")
            return
        }
        #expect(monitor.isOpen)
        #expect(monitor.next() == nil)
        #expect(!monitor.isOpen)
    }

    @Test func `the wait for a message ends with another descriptor, and at the end`() throws {
        let (session, monitor) = try pair()
        let signal = try FileDescriptor.socketPair()
        session.send(.close, channel: 3)
        #expect(monitor.waitForNext(or: signal.first.number)?.channel == 3)
        let other = FrameSocket(
            FileDescriptor(owning: dup(signal.second.number)), largestFrame: 10, largestQueue: 100)
        #expect(other.send(try ([1] as [UInt8]).withUnsafeBytes { try SecretBytes(copying: $0) }))
        #expect(monitor.waitForNext(or: signal.first.number) == nil)
        #expect(monitor.isOpen)
        session.shutDown()
        #expect(monitor.waitForNext() == nil)
        #expect(!monitor.isOpen)
    }

    @Test func `so many lines are logged and no more`() throws {
        let (session, monitor) = try pair()
        session.logLinesLeft = 2
        for _ in 0..<5 { session.log(.notice, "x") }
        #expect(monitor.next() != nil && monitor.next() != nil && monitor.next() == nil)
        #expect(monitor.isOpen)
    }
}
