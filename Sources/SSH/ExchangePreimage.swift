internal import CSigner

/// What the exchange hash of a key exchange is the hash of (RFC 4253, section 8), read strictly:
///
///     string V_C, string V_S: the greetings of client and server, without their line ends
///     string I_C, string I_S: the SSH_MSG_KEXINIT of either
///     string K_S: the host key
///     string or mpint of the client, the same of the server, and the secret of both, as the method has it
///
/// Every method that is served has these eight fields (RFC 5656 and RFC 8731 have the same; so have the post-quantum ones),
/// and nothing else that a host key signs has: so the hash of one is neither another server's, nor that of a file.
struct ExchangePreimage {
    /// K_S.
    let hostKey: [UInt8]
    /// The random bytes of I_S.
    let cookie: [UInt8]

    private static let fields = 8
    private static let keyExchangeInit: UInt8 = 20
    private static let nameLists = 10
    private static let longestGreeting = 255

    /// `nil` when it is no such thing, or a server's that greets otherwise.
    init?(_ bytes: UnsafeRawBufferPointer, greeting: [UInt8]) {
        var fields: [Range<Int>] = []
        var offset = 0
        while offset < bytes.count, fields.count < ExchangePreimage.fields {
            guard bytes.count - offset >= 4 else { return nil }
            let length = (0..<4).reduce(0) { unsafe $0 << 8 | Int(bytes[offset + $1]) }
            offset += 4
            guard length > 0, length <= bytes.count - offset else { return nil }
            fields.append(offset..<offset + length)
            offset += length
        }
        guard offset == bytes.count, fields.count == ExchangePreimage.fields else { return nil }
        // The last one is a secret: no copy of it is made.
        func copy(_ index: Int) -> [UInt8] { unsafe Array(bytes[fields[index]]) }
        guard fields[0].count <= ExchangePreimage.longestGreeting, copy(0).starts(with: "SSH-".utf8),
            copy(1) == greeting, ExchangePreimage.cookie(of: copy(2)) != nil,
            let cookie = ExchangePreimage.cookie(of: copy(3))
        else { return nil }
        self.cookie = cookie
        hostKey = copy(4)
    }

    /// Reads an SSH_MSG_KEXINIT (section 7.1).
    private static func cookie(of message: [UInt8]) -> [UInt8]? {
        var reader = PacketReader(message)
        guard reader.byte() == keyExchangeInit else { return nil }
        var cookie: [UInt8] = []
        for _ in 0..<SIGNER_COOKIE {
            guard let byte = reader.byte() else { return nil }
            cookie.append(byte)
        }
        for _ in 0..<nameLists where reader.string() == nil { return nil }
        // Whether a guess follows, and what is reserved.
        return reader.byte() != nil && reader.integer() == 0 && reader.isAtEnd ? cookie : nil
    }
}
