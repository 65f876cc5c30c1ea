internal import CLibssh
internal import CLinux

/// What libssh calls for a channel. A request that has no callback here is refused by libssh itself:
/// agent and X11 forwarding.
enum ChannelCallbacks {
    static func fill(_ callbacks: UnsafeMutablePointer<ssh_channel_callbacks_struct>, for channel: Channel) {
        unsafe callbacks.pointee.size = MemoryLayout<ssh_channel_callbacks_struct>.size
        unsafe callbacks.pointee.userdata = Unmanaged.passUnretained(channel).toOpaque()
        unsafe callbacks.pointee.channel_data_function = onData
        unsafe callbacks.pointee.channel_eof_function = onEnd
        unsafe callbacks.pointee.channel_close_function = onClose
        unsafe callbacks.pointee.channel_pty_request_function = onTerminal
        unsafe callbacks.pointee.channel_pty_window_change_function = onWindow
        unsafe callbacks.pointee.channel_shell_request_function = onShell
        unsafe callbacks.pointee.channel_exec_request_function = onExec
        unsafe callbacks.pointee.channel_subsystem_request_function = onSubsystem
        unsafe callbacks.pointee.channel_signal_function = onSignal
    }
}

/// What the callbacks say to libssh.
private let accepted: Int32 = 0
private let refused: Int32 = -1

private func channel(_ data: UnsafeMutableRawPointer?) -> Channel? {
    unsafe data.map { unsafe Unmanaged<Channel>.fromOpaque($0).takeUnretainedValue() }
}

/// Returns how many bytes were taken, by which the client's window then grows: all, unless the owner holds its input.
private let onData:
    @convention(c) (
        ssh_session?, ssh_channel?, UnsafeMutableRawPointer?, UInt32, Int32, UnsafeMutableRawPointer?
    ) -> Int32 = { _, _, data, count, isError, user in
        guard let channel = unsafe channel(user), let data = unsafe data, count > 0 else { return Int32(count) }
        if isError == 0, !channel.isOver, channel.holdsInput || channel.held > 0 {
            // These are all that have come and were not taken.
            channel.held = Int(count)
            return 0
        }
        if isError == 0, !channel.isOver {
            let bytes = unsafe UnsafeBufferPointer(start: data.assumingMemoryBound(to: UInt8.self), count: Int(count))
            unsafe channel.connection.handlers.input(channel, Span(_unsafeElements: bytes))
        }
        // It may have been a passphrase: this copy goes, and the one in the packet that it came from.
        unsafe explicit_bzero(data, Int(count))
        unsafe channel.connection.wipePacket()
        return Int32(count)
    }

private let onEnd: @convention(c) (ssh_session?, ssh_channel?, UnsafeMutableRawPointer?) -> Void = { _, _, user in
    guard let channel = unsafe channel(user), !channel.isOver else { return }
    unsafe channel.connection.handlers.inputEnded(channel)
}

private let onClose: @convention(c) (ssh_session?, ssh_channel?, UnsafeMutableRawPointer?) -> Void = { _, _, user in
    guard let channel = unsafe channel(user) else { return }
    channel.closedByClient = true
    unsafe channel.connection.hasMore = true
}

private let onTerminal:
    @convention(c) (
        ssh_session?, ssh_channel?, UnsafePointer<CChar>?, Int32, Int32, Int32, Int32, UnsafeMutableRawPointer?
    ) -> Int32 = { _, _, type, columns, rows, _, _, user in
        guard let channel = unsafe channel(user), !channel.asked else { return refused }
        guard unsafe channel.connection.handlers.permitsTerminal() else { return refused }
        channel.terminal = Channel.WindowSize(columns: columns, rows: rows)
        channel.terminalType = unsafe name(type)
        return accepted
    }

private let onSignal:
    @convention(c) (
        ssh_session?, ssh_channel?, UnsafePointer<CChar>?, UnsafeMutableRawPointer?
    ) -> Void = { _, _, signal, user in
        guard let channel = unsafe channel(user), channel.asked, !channel.isOver else { return }
        unsafe channel.connection.handlers.signalled(channel, name(signal))
    }

/// A short name that the client sent; empty where it is longer than any.
private func name(_ text: UnsafePointer<CChar>?) -> String {
    guard let text = unsafe text, unsafe strnlen(text, 65) <= 64 else { return "" }
    return unsafe String(cString: text)
}

private let onWindow:
    @convention(c) (
        ssh_session?, ssh_channel?, Int32, Int32, Int32, Int32, UnsafeMutableRawPointer?
    ) -> Int32 = { _, _, columns, rows, _, _, user in
        guard let channel = unsafe channel(user), channel.terminal != nil else { return refused }
        channel.terminal = Channel.WindowSize(columns: columns, rows: rows)
        if channel.asked, !channel.isOver { unsafe channel.connection.handlers.resized(channel) }
        return accepted
    }

private let onShell: @convention(c) (ssh_session?, ssh_channel?, UnsafeMutableRawPointer?) -> Int32 = { _, _, user in
    unsafe request(.shell, user)
}

private let onExec:
    @convention(c) (
        ssh_session?, ssh_channel?, UnsafePointer<CChar>?, UnsafeMutableRawPointer?
    ) -> Int32 = { _, _, command, user in
        guard let command = unsafe command else { return refused }
        guard unsafe strnlen(command, SSHConnection.longestCommand + 1) <= SSHConnection.longestCommand else {
            return unsafe request(.tooLong, user)
        }
        return unsafe request(.exec(String(cString: command)), user)
    }

/// None is served. It is taken so that the client can be told in words.
private let onSubsystem:
    @convention(c) (
        ssh_session?, ssh_channel?, UnsafePointer<CChar>?, UnsafeMutableRawPointer?
    ) -> Int32 = { _, _, name, user in
        guard let name = unsafe name else { return refused }
        return unsafe request(.subsystem(strcmp(name, "sftp") == 0 ? "sftp" : ""), user)
    }

/// One request to run something is taken for each channel (RFC 4254, section 6.5).
private func request(_ request: Channel.Request, _ user: UnsafeMutableRawPointer?) -> Int32 {
    guard let channel = unsafe channel(user), !channel.asked else { return refused }
    channel.asked = true
    unsafe channel.connection.handlers.requested(channel, request)
    return accepted
}
