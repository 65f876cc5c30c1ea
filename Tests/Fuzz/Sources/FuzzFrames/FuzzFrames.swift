import Glibc
import Linux
import Wire

/// Whatever comes through a socket, in whatever pieces, becomes the frames that stand in it, and none after a length that
/// is against the rules; what was received is sent as it was.
///
/// The first byte chooses the pieces' size.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 1 else { return 0 }
    let bytes = Array(UnsafeBufferPointer(start: start + 1, count: count - 1))
    let (near, far) = pair()
    let receiver = FrameSocket(
        FileDescriptor(owning: near), largestFrame: Limits.frameFromSession, largestQueue: 1 << 20)
    var frames: [[UInt8]] = []
    var isClosed = false
    let size = Int(start[0]) + 1
    for begin in stride(from: 0, to: bytes.count, by: size) where !isClosed {
        let piece = Array(bytes[begin..<min(begin + size, bytes.count)])
        precondition(send(far, piece, piece.count, Int32(MSG_NOSIGNAL)) == piece.count)
        isClosed = !receiveAll(from: receiver, into: &frames)
    }
    let expected = reference(bytes)
    precondition(frames == expected.frames && isClosed == expected.isBroken)
    close(far)
    if !isClosed { precondition(!receiveAll(from: receiver, into: &frames)) }
    precondition(frames.count == expected.frames.count)
    echo(expected.frames)
    return 0
}

private func pair() -> (Int32, Int32) {
    var ends: [Int32] = [-1, -1]
    precondition(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0, &ends) == 0)
    return (ends[0], ends[1])
}

/// Takes what is there, and returns whether more may come.
private func receiveAll(from socket: FrameSocket, into frames: inout [[UInt8]]) -> Bool {
    while true {
        switch socket.receive() {
        case .frame(let body): frames.append(body.withUnsafeBytes { Array($0) })
        case .nothing: return true
        case .closed: return false
        }
    }
}

/// The same from all the bytes at once.
private func reference(_ bytes: [UInt8]) -> (frames: [[UInt8]], isBroken: Bool) {
    var rest = bytes[...]
    var frames: [[UInt8]] = []
    while rest.count >= 4 {
        let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        guard length > 0, length <= Limits.frameFromSession else { return (frames, true) }
        guard rest.count >= 4 + length else { break }
        frames.append(Array(rest.dropFirst(4).prefix(length)))
        rest = rest.dropFirst(4 + length)
    }
    return (frames, false)
}

private func echo(_ frames: [[UInt8]]) {
    let (near, far) = pair()
    let sender = FrameSocket(FileDescriptor(owning: near), largestFrame: 1, largestQueue: 1 << 20)
    let receiver = FrameSocket(
        FileDescriptor(owning: far), largestFrame: Limits.frameFromSession, largestQueue: 1 << 20)
    var received: [[UInt8]] = []
    for frame in frames {
        guard let body = try? frame.withUnsafeBytes({ try SecretBytes(copying: $0) }) else { return }
        precondition(sender.send(body))
        precondition(receiveAll(from: receiver, into: &received))
    }
    precondition(received == frames)
}
