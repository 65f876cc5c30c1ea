/// A request to log in: SSH_MSG_USERAUTH_REQUEST, method "publickey" (RFC 4252, section 7).
package struct LogIn {
    /// The request without its signature.
    package let message: [UInt8]
    /// What is signed: the session id and the message.
    package let text: [UInt8]
    package let signature: [UInt8]
    /// The place of the authorized key that may log in with this, or `nil`.
    package let key: Int?

    /// The bits of `choice`: 0 to 2 the key, 3 whether to ask alone, 4 whether to sign wrongly, 5 whether to name the host
    /// key, 7 whether the user has a terrible name.
    package init(_ choice: UInt8, session: [UInt8], hostKey: [UInt8]) {
        let (index, key, type, blob): (Int?, Key, String, [UInt8]) =
            switch choice & 7 {
            case 0: (0, .person, "ssh-ed25519", Key.person.blob())
            case 1: (nil, .host, "ssh-ed25519", Key.host.blob())
            case 2: (2, .token, "sk-ssh-ed25519@openssh.com", Key.token.blob("sk-ssh-ed25519@openssh.com"))
            case 3: (nil, .stranger, "ecdsa-sha2-nistp256", Others.ecdsa)
            case 4: (nil, .stranger, "rsa-sha2-512", Others.rsa)
            case 5: (5, .forced, "ssh-ed25519", Key.forced.blob())
            case 6: (nil, .stranger, "ssh-ed25519", Key.stranger.blob())
            default: (nil, .person, "ssh-ed25519-cert-v01@openssh.com", Key.person.blob())
            }
        var message = Bytes(50)
        message.string(choice & 128 == 0 ? Array("root".utf8) : [0x1b, 0x5b, 0, 0x0a, 0xff])
        message.string("ssh-connection")
        message.string(choice & 32 == 0 ? "publickey" : "publickey-hostbound-v00@openssh.com")
        message.all.append(choice & 8 == 0 ? 1 : 0)
        message.string(type)
        message.string(blob)
        if choice & 32 != 0 { message.string(hostKey) }
        var text = Bytes()
        text.string(session)
        text.all += message.all
        var signature = Bytes()
        signature.string(type)
        if type.hasPrefix("sk-") {
            // With a touch, always: an input may clear the flag in a packet of its own.
            let end: [UInt8] = [1, 0, 0, 0, 9]
            signature.string(key.sign(sha256(Array("ssh:".utf8)) + end + sha256(text.all)))
            signature.all += end
        } else {
            signature.string(key.sign(text.all))
        }
        let isWrong = choice & 16 != 0
        if isWrong { signature.all[signature.all.count - 20] ^= 1 }
        self.key = isWrong ? nil : index
        self.message = message.all
        self.text = text.all
        self.signature = signature.all
    }
}
