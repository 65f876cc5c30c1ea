internal import CLibssh

/// What libssh calls for the connection as a whole. Methods other than public keys have none and never get here.
func fillServerCallbacks(
    _ callbacks: UnsafeMutablePointer<ssh_server_callbacks_struct>, for connection: SSHConnection
) {
    unsafe callbacks.pointee.size = MemoryLayout<ssh_server_callbacks_struct>.size
    unsafe callbacks.pointee.userdata = Unmanaged.passUnretained(connection).toOpaque()
    unsafe callbacks.pointee.auth_pubkey_function = onPublicKey
    unsafe callbacks.pointee.channel_open_request_session_function = onOpen
}

/// The packet callbacks that run before libssh's own, from the first message that is looked at to the last.
@safe final class GuardCallbacks {
    let pointer: UnsafeMutablePointer<ssh_packet_callbacks_struct>
    private let functions: UnsafeMutablePointer<ssh_packet_callback?>

    private static let serviceRequest = 5
    private static let authenticationRequest = 50
    private static let channelData = 94
    private static let channelExtendedData = 95

    init() {
        let count = GuardCallbacks.channelExtendedData - GuardCallbacks.serviceRequest + 1
        unsafe functions = .allocate(capacity: count)
        unsafe functions.initialize(repeating: nil, count: count)
        unsafe functions[0] = onServiceRequest
        unsafe functions[GuardCallbacks.authenticationRequest - GuardCallbacks.serviceRequest] = onAuthenticationRequest
        // Both reach the channel's data callback, which wipes the packet that was noted last.
        unsafe functions[GuardCallbacks.channelData - GuardCallbacks.serviceRequest] = onChannelData
        unsafe functions[GuardCallbacks.channelExtendedData - GuardCallbacks.serviceRequest] = onChannelData
        unsafe pointer = .allocate(capacity: 1)
        unsafe pointer.initialize(to: .init())
        unsafe pointer.pointee.start = UInt8(GuardCallbacks.serviceRequest)
        unsafe pointer.pointee.n_callbacks = UInt8(count)
        unsafe pointer.pointee.callbacks = unsafe functions
    }

    func fill(for connection: SSHConnection) {
        unsafe pointer.pointee.user = Unmanaged.passUnretained(connection).toOpaque()
    }
}

private func connection(_ data: UnsafeMutableRawPointer?) -> SSHConnection? {
    unsafe data.map { unsafe Unmanaged<SSHConnection>.fromOpaque($0).takeUnretainedValue() }
}

/// The packet without its type, which has been taken from it.
private func content(_ packet: ssh_buffer?) -> UnsafeMutableRawBufferPointer {
    unsafe UnsafeMutableRawBufferPointer(start: ssh_buffer_get(packet), count: Int(ssh_buffer_get_len(packet)))
}

private let onServiceRequest: @convention(c) (ssh_session?, UInt8, ssh_buffer?, UnsafeMutableRawPointer?) -> Int32 = {
    _, _, packet, user in
    guard let connection = unsafe connection(user) else { return SSH_PACKET_USED }
    return unsafe connection.grantsService(Array(content(packet))) ? SSH_PACKET_NOT_USED : SSH_PACKET_USED
}

private let onAuthenticationRequest:
    @convention(c) (ssh_session?, UInt8, ssh_buffer?, UnsafeMutableRawPointer?) -> Int32 = { _, _, packet, user in
        guard let connection = unsafe connection(user) else { return SSH_PACKET_USED }
        let goesOn = unsafe connection.admitsAuthentication(Array(content(packet)))
        return goesOn ? SSH_PACKET_NOT_USED : SSH_PACKET_USED
    }

/// Looks where a channel's data lie, and leaves the packet to libssh.
private let onChannelData: @convention(c) (ssh_session?, UInt8, ssh_buffer?, UnsafeMutableRawPointer?) -> Int32 = {
    _, _, packet, user in
    unsafe connection(user)?.beginPacket(content(packet))
    return SSH_PACKET_NOT_USED
}

private let onPublicKey:
    @convention(c) (
        ssh_session?, UnsafePointer<CChar>?, ssh_key?, CChar, UnsafeMutableRawPointer?
    ) -> Int32 = { _, _, _, state, user in
        let signed = Int32(state) != SSH_PUBLICKEY_STATE_NONE.rawValue
        let valid = Int32(state) == SSH_PUBLICKEY_STATE_VALID.rawValue
        guard let connection = unsafe connection(user), connection.handleVerification(signed: signed, valid: valid)
        else {
            return SSH_AUTH_DENIED.rawValue
        }
        return SSH_AUTH_SUCCESS.rawValue
    }

private let onOpen: @convention(c) (ssh_session?, UnsafeMutableRawPointer?) -> ssh_channel? = { _, user in
    unsafe connection(user)?.openChannel()
}
