/// What the exchange hash of a key exchange is the hash of (RFC 4253, section 8), with fields to make wrong.
public struct Exchange {
    /// What each string is of: V_C, V_S, I_C, I_S, K_S, the two public values, and the secret.
    public var fields: [[UInt8]]

    /// A right one of a server that greets so and has that host key. `number` tells one from another.
    public init(greeting: String, cookie: [UInt8], hostKey: [UInt8], number: UInt8 = 1) {
        let share = [UInt8](repeating: number, count: 32)
        fields = [
            Array("SSH-2.0-client".utf8), Array(greeting.utf8), Exchange.keyExchangeInit(),
            Exchange.keyExchangeInit(cookie: cookie), hostKey, share, share, share,
        ]
    }

    public var bytes: [UInt8] { fields.flatMap { string($0) } }

    /// An SSH_MSG_KEXINIT (RFC 4253, section 7.1).
    public static func keyExchangeInit(
        type: UInt8 = 20, cookie: [UInt8] = [UInt8](repeating: 7, count: 16), lists: Int = 10, reserved: UInt8 = 0,
        name: String = "none"
    ) -> [UInt8] {
        [type] + cookie + (0..<lists).flatMap { _ in string(name) } + [0, 0, 0, 0, reserved]
    }
}
