/// What a client without a login may have of what libssh answers without counting it as a refusal.
///
/// libssh echoes the name of any service, says of any message that it does not know it, and takes any number of messages
/// that mean nothing, of questions whether a key would do, and so on. An honest client needs few of them: for each key a
/// question and a signature, and before that some ten messages, the largest of which are those of the key exchange.
public struct Budget: Sendable {
    private let mostPackets: UInt64
    private let mostBytes: UInt64
    /// Whether the service was asked for, and nothing of the service since.
    private var isServing = false

    /// What a client needs that is refused `mostFailures` times: the answers to as many questions are no failures.
    public init(mostFailures: Int) {
        let tries = UInt64(max(mostFailures, 1))
        mostPackets = 64 + 4 * tries
        // A key and a signature have some 4 KiB at most, and some clients send a user name that is as long.
        mostBytes = (128 << 10) + tries * (16 << 10)
    }

    /// Whether it is used up by so many packets, and so many bytes with what is around them.
    public func isSpent(packets: UInt64, bytes: UInt64) -> Bool {
        packets > mostPackets || bytes > mostBytes
    }

    /// Whether an SSH_MSG_SERVICE_REQUEST, without its type byte, is to be granted: for `ssh-userauth`, once, and again after
    /// a request for a login, for paramiko asks before each of them.
    public mutating func grants(_ packet: [UInt8]) -> Bool {
        var reader = PacketReader(packet)
        guard !isServing, let service = reader.string(), reader.isAtEnd, service == Array("ssh-userauth".utf8) else {
            return false
        }
        isServing = true
        return true
    }

    /// A login was asked for.
    public mutating func serves() { isServing = false }
}
