internal import CLinux

/// A TCP socket that listens.
public final class Listener {
    private let socket: FileDescriptor
    /// Where it listens, for the log.
    public let title: String

    /// The descriptor, for `poll`.
    public var number: Int32 { socket.number }

    /// Listens on a numeric address, which need not be there yet.
    ///
    /// - Throws: `SystemError` named after the address: `EADDRINUSE`, or `EAFNOSUPPORT` where IPv6 is off.
    public init(address: String, port: UInt16, dual: Bool) throws(SystemError) {
        title = "\(address) port \(port)"
        socket = FileDescriptor(
            owning: try check("listen(\(address) port \(port))") {
                unsafe linux_listen(address, port, dual ? 1 : 0)
            })
    }

    /// A connection that waits, close-on-exec and non-blocking, or `nil`. Errors of a client that has left already
    /// are none of the listener's.
    public func accept() -> Client? {
        let number = linux_accept(socket.number)
        guard number >= 0 else { return nil }
        return Client(FileDescriptor(owning: number))
    }
}

/// A client's TCP connection.
public final class Client {
    private let socket: FileDescriptor
    public let number: Int32
    /// The client's address, 4 or 16 bytes; an IPv4-mapped one as 4. Empty when it has left.
    public let address: [UInt8]
    public let port: UInt16

    /// The address and port here that it came to, likewise.
    public let ownAddress: [UInt8]
    public let ownPort: UInt16

    init(_ socket: consuming FileDescriptor) {
        (address, port) = Client.end(socket, own: false)
        (ownAddress, ownPort) = Client.end(socket, own: true)
        number = socket.number
        self.socket = socket
    }

    private static func end(_ socket: borrowing FileDescriptor, own: Bool) -> ([UInt8], UInt16) {
        var bytes = [UInt8](repeating: 0, count: 16)
        var port: UInt16 = 0
        let count = unsafe linux_end(socket.number, own ? 1 : 0, &bytes, &port)
        return (Array(bytes.prefix(Int(max(count, 0)))), port)
    }

    /// Has the kernel end the connection when the client is not heard of for `seconds`.
    public func keepAlive(seconds: Int32) {
        _ = linux_set_keepalive(socket.number, seconds)
    }
}
