import Peer

/// What the client does, made of bytes: an operation and what it takes, again and again. A mutation anywhere gives
/// another script, and none is wrong.
struct Script {
    private var input: Taker
    private var last: [UInt8] = []
    private var operations = 0

    /// Events of one input: each costs the session some work.
    private static let most = 400

    init(_ input: Taker) { self.input = input }

    var isMore: Bool { !input.isAtEnd && operations < Script.most }

    /// The channel numbers that libssh gives begin here.
    private static let firstChannel: UInt32 = 43

    /// Numbers where something may give way.
    private static let numbers: [UInt32] = [
        80, 0, 1, 2, 24, 200, 500, 10000, 32767, 32768, 65536, 1 << 20, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe,
        0xffff_ffff,
    ]

    /// What the next event needs of the world besides the client.
    enum Outside {
        case nothing
        /// The session is not to run in between.
        case more
        case time(Int64)
        case monitor(UInt8, UInt8)
    }

    mutating func step(_ client: Client) -> Outside {
        operations += 1
        let operation = input.byte()
        var outside = Outside.nothing
        switch operation & 15 {
        case 0: send(input.bytes(Int(input.byte()) << 8 | Int(input.byte())), client)
        case 1: greet(input.byte(), client)
        case 2: client.exchange()
        case 3: send([21], client)
        case 4: logIn(input.byte(), client)
        case 5: again(input.byte(), input.byte(), client)
        case 6: client.damage = .init(kind: input.byte(), place: Int(input.byte()) << 8 | Int(input.byte()))
        case 7: client.send(raw: input.bytes(Int(input.byte())))
        case 8: outside = .time(Int64(input.byte()) * 100)
        case 9: outside = .monitor(input.byte(), input.byte() % 11)
        case 10: flood(input.byte(), input.byte(), client)
        case 11: client.isReading = input.byte() & 1 == 0
        case 12: open(input.byte(), client)
        case 13: request(input.byte(), input.byte(), client)
        case 14: data(input.byte(), input.bytes(Int(input.byte())), client)
        default: client.endSending()
        }
        if operation & 128 != 0, case .nothing = outside { return .more }
        return outside
    }

    private mutating func send(_ payload: [UInt8], _ client: Client) {
        last = payload
        client.send(payload)
    }

    private static func number(_ byte: UInt8) -> UInt32 { numbers[Int(byte & 15)] }

    private static let exchanges = [
        "curve25519-sha256", "curve25519-sha256@libssh.org,ext-info-c,kex-strict-c-v00@openssh.com",
        "sntrup761x25519-sha512@openssh.com,curve25519-sha256", "mlkem768x25519-sha256", "ecdh-sha2-nistp256",
        "diffie-hellman-group14-sha256", "mlkem768nistp256-sha256", "curve25519-sha256,,kex-strict-c-v00@openssh.com",
    ]

    /// The banner, and SSH_MSG_KEXINIT (RFC 4253, section 7.1).
    private mutating func greet(_ choice: UInt8, _ client: Client) {
        if choice & 16 == 0 { client.send(raw: Client.banner + [0x0d, 0x0a]) }
        var message = Bytes(20)
        message.all += [UInt8](repeating: choice, count: 16)
        message.string(Script.exchanges[Int(choice & 7)])
        message.string("ssh-ed25519")
        let ciphers = [
            "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com", "aes256-ctr", "aes128-gcm@openssh.com",
        ]
        let cipher = ciphers[Int(choice >> 3 & 1 | choice >> 6 & 2)]
        for _ in 0..<2 { message.string(cipher) }
        for _ in 0..<2 { message.string("hmac-sha2-256-etm@openssh.com") }
        for _ in 0..<2 { message.string("none") }
        for _ in 0..<2 { message.string("") }
        message.all.append(choice >> 5 & 1)
        message.integer(0)
        send(message.all, client)
    }

    private mutating func logIn(_ choice: UInt8, _ client: Client) {
        if choice & 64 == 0 {
            var service = Bytes(5)
            service.string("ssh-userauth")
            client.send(service.all)
        }
        let request = LogIn(choice, session: client.session, hostKey: client.hostKey)
        guard choice & 8 == 0 else { return send(request.message, client) }
        if let key = request.key { client.signed.insert(key) }
        var message = Bytes()
        message.all = request.message
        message.string(request.signature)
        send(message.all, client)
    }

    /// The last message many times, with its first number counting up.
    private mutating func again(_ count: UInt8, _ place: UInt8, _ client: Client) {
        for _ in 0...(count & 127) {
            if place & 128 == 0, last.count > Int(place) { last[Int(place)] &+= 1 }
            client.send(last)
        }
    }

    private mutating func flood(_ size: UInt8, _ channel: UInt8, _ client: Client) {
        var message = Bytes(channel & 128 == 0 ? 94 : 95)
        message.integer(Script.firstChannel + UInt32(channel & 15))
        if channel & 128 != 0 { message.integer(1) }
        message.string([UInt8](repeating: 0x61, count: Int(size) << 10))
        send(message.all, client)
    }

    /// SSH_MSG_CHANNEL_OPEN (RFC 4254, section 5.1).
    private mutating func open(_ choice: UInt8, _ client: Client) {
        var message = Bytes(90)
        message.string("session")
        message.integer(UInt32(choice))
        let sizes: [UInt32] = [1 << 21, 0, 1, 0xffff_ffff]
        message.integer(sizes[Int(choice & 3)])
        message.integer(sizes[Int(choice >> 2 & 3)])
        send(message.all, client)
    }

    private mutating func request(_ what: UInt8, _ sizes: UInt8, _ client: Client) {
        let kind = Int(what >> 4)
        let names = [
            "pty-req", "shell", "exec", "window-change", "env", "signal", "subsystem", "exec", "eof", "close",
            "pty-req", "window", "x11-req", "auth-agent-req@openssh.com", "break", "keepalive@openssh.com",
        ]
        var message = Bytes(kind == 8 ? 96 : kind == 9 ? 97 : kind == 11 ? 93 : 98)
        message.integer(Script.firstChannel + UInt32(what & 7))
        let (first, second) = (Script.number(sizes), Script.number(sizes >> 4))
        guard ![8, 9].contains(kind) else { return send(message.all, client) }
        guard kind != 11 else {
            message.integer(first)
            return send(message.all, client)
        }
        message.string(names[kind])
        message.all.append(what >> 3 & 1)
        switch kind {
        case 0, 10:
            message.string(kind == 0 ? Array("xterm".utf8) : [UInt8](repeating: 0x1b, count: Int(first & 4095)))
            for number in [first, second, 0, first] { message.integer(number) }
            message.string([UInt8](repeating: 0, count: Int(sizes)))
        case 2:
            let commands = [
                "unlock", "status", "status --json", "help", "cryptroot-unlock", "cryptroot-unlock && exit", "",
                "\u{1b}c\0\n", "shell", "shell -c id", "entries --json", "log -f", "continue", "reboot a.conf",
                "unlock root", "shell x",
            ]
            message.string(commands[Int(sizes & 15)])
        case 7: message.string([UInt8](repeating: 0x20 &+ sizes, count: 1000 + Int(sizes)))
        case 3: for number in [first, second, 0, 0] { message.integer(number) }
        case 6 where sizes & 1 == 0: message.string("sftp")
        case 4, 5, 6: for _ in 0..<2 { message.string("PATH") }
        default: message.integer(first)
        }
        send(message.all, client)
    }

    private mutating func data(_ channel: UInt8, _ text: [UInt8], _ client: Client) {
        var message = Bytes(94)
        message.integer(Script.firstChannel + UInt32(channel & 15))
        message.string(text)
        send(message.all, client)
    }
}
