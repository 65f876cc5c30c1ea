internal import CLinux

/// The kernel's news of links and addresses (netlink, `NETLINK_ROUTE`).
public final class RouteSocket {
    /// What to have listed.
    public enum Listing: Sendable {
        case links
        case addresses
    }

    public enum Received {
        /// A datagram of messages: see rtnetlink(7).
        case datagram(ArraySlice<UInt8>)
        case nothing
        /// The kernel had to drop some, or the socket is of no use any more: another one is to begin anew.
        case lost
    }

    private let socket: FileDescriptor
    /// The kernel fills datagrams of a dump up to this size, and no event is larger.
    private var buffer = [UInt8](repeating: 0, count: 32 << 10)

    /// The descriptor, for `poll`.
    public var number: Int32 { socket.number }

    /// Starts to listen. No rights are needed.
    ///
    /// - Throws: `SystemError` for `socket` or `bind`.
    public init() throws(SystemError) {
        socket = FileDescriptor(owning: try check("route socket") { linux_route_socket() })
    }

    /// Asks for all there are. The answer comes in datagrams, and only one may be asked for at a time.
    ///
    /// - Throws: `SystemError` for `send`.
    public func ask(for listing: Listing) throws(SystemError) {
        let isLinks: Int32 = listing == .links ? 1 : 0
        try check("route socket: send") { linux_route_dump(socket.number, isLinks) }
    }

    public func receive() -> Received {
        while true {
            let number = socket.number
            let count = unsafe buffer.withUnsafeMutableBytes {
                unsafe linux_receive_from_kernel(number, $0.baseAddress, UInt($0.count))
            }
            if count > 0 { return .datagram(buffer[..<Int(count)]) }
            switch linux_errno() {
            case EINTR where count < 0: continue
            case EAGAIN where count < 0: return .nothing
            default: return .lost
            }
        }
    }

    /// Sets IFF_UP of a link and nothing else, as `ip link set up` does. It takes as long as the driver likes, which is
    /// milliseconds for most.
    ///
    /// - Throws: `SystemError`, such as `EPERM`, or what the driver says.
    public static func bringUp(_ link: Int32) throws(SystemError) {
        try check("bringing it up") { linux_link_up(link) }
    }
}
