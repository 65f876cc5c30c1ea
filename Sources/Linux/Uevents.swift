internal import CLinux

/// What the kernel says of a block device.
public enum BlockEvent: Equatable, Sendable {
    /// It appeared or changed: the path of its node.
    case changed(String)
    case removed(String)
}

/// The kernel's uevents of block devices (netlink, `NETLINK_KOBJECT_UEVENT`).
public struct Uevents: ~Copyable {
    private let socket: FileDescriptor

    /// The descriptor, for `poll`.
    public var number: Int32 { socket.number }

    /// Starts to listen. No rights are needed.
    ///
    /// - Throws: `SystemError` for `socket` or `bind`.
    public init() throws(SystemError) {
        socket = FileDescriptor(owning: try check("uevent socket") { linux_uevent_socket() })
    }

    /// The next event of a block device, `nil` when none is there. `lost` says that the kernel had to drop some, so
    /// that all devices are to be looked at again.
    public borrowing func next(lost: inout Bool) -> BlockEvent? {
        var buffer = [UInt8](repeating: 0, count: 8192)
        while true {
            let number = socket.number
            let count = unsafe buffer.withUnsafeMutableBytes {
                unsafe linux_receive_from_kernel(number, $0.baseAddress, UInt($0.count))
            }
            if count > 0 {
                if let event = BlockEvent(uevent: buffer[..<Int(count)]) { return event }
                continue
            }
            guard count < 0 else { return nil }
            switch linux_errno() {
            case EINTR: continue
            case ENOBUFS: lost = true
            default: return nil
            }
        }
    }
}

extension BlockEvent {
    /// Reads a uevent: `action@path`, then `KEY=value` strings, each ended by a zero byte.
    public init?(uevent: ArraySlice<UInt8>) {
        var action = ""
        var name = ""
        var isBlock = false
        for field in uevent.split(separator: 0) {
            let text = String(decoding: field, as: UTF8.self)
            if text.hasPrefix("ACTION=") { action = String(text.dropFirst(7)) }
            if text.hasPrefix("DEVNAME=") { name = String(text.dropFirst(8)) }
            if text == "SUBSYSTEM=block" { isBlock = true }
        }
        guard isBlock, !name.isEmpty, name != "/" else { return nil }
        let path = name.hasPrefix("/") ? name : "/dev/\(name)"
        self = action == "remove" ? .removed(path) : .changed(path)
    }
}
