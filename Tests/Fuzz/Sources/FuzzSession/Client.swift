import CSession
import Peer

/// The client's end of the connection: packets, and as much of the key exchange as makes them readable.
///
/// It speaks curve25519-sha256 and aes256-gcm@openssh.com (RFC 8731, RFC 5647). When something else was negotiated it
/// goes on in the clear, and hears nothing more.
final class Client {
    private let socket: Int32
    var outbox: [UInt8] = []
    private var inbox: [UInt8] = []
    private var sealing: Cipher?
    private var opening: Cipher?
    /// Keys that wait for the message after which they hold.
    private var nextSealing: Cipher?
    private var nextOpening: Cipher?
    private var greeting: [UInt8]?
    private var ownInit: [UInt8] = []
    private var serverInit: [UInt8] = []
    private var secret: [UInt8]?
    private var isDeaf = false
    private var isGone = false
    private(set) var hostKey: [UInt8] = []
    private(set) var session: [UInt8] = []
    /// The keys that have signed as they should.
    var signed: Set<Int> = []
    var isReading = true
    var damage: Damage?
    private var total = 0
    private var buffer = [UInt8](repeating: 0, count: 16 << 10)

    static let banner = Array("SSH-2.0-fuzz".utf8)
    /// The most bytes that one input may make it send.
    private static let most = 4 << 20

    /// What becomes of a packet on its way.
    struct Damage {
        let kind: UInt8
        let place: Int
    }

    init(_ socket: Int32) { self.socket = socket }

    // MARK: Sending

    func send(raw bytes: [UInt8]) {
        total += bytes.count
        if total <= Client.most { outbox += bytes }
    }

    func send(_ payload: [UInt8]) {
        trace("client: \(payload.first.map { "\($0)" } ?? "empty"), \(payload.count) bytes")
        if payload.first == 20 { ownInit = payload }
        var packet = framed(payload)
        if let damage {
            self.damage = nil
            let place = damage.place % packet.count
            switch damage.kind % 4 {
            case 0: packet[place] ^= 1 << (damage.place >> 12 & 7)
            case 1: packet = Array(packet[..<place])
            case 2: packet = []
            default: packet += packet
            }
        }
        send(raw: packet)
        if payload.first == 21, let next = nextSealing {
            sealing = next
            nextSealing = nil
        }
    }

    private func framed(_ payload: [UInt8]) -> [UInt8] {
        let block = sealing == nil ? 8 : 16
        let unpadded = payload.count + 1 + (sealing == nil ? 4 : 0)
        let padding = block - unpadded % block + (block - unpadded % block < 4 ? block : 0)
        var body = Bytes()
        body.integer(UInt32(1 + payload.count + padding))
        body.all += [UInt8(padding)] + payload + [UInt8](repeating: 0, count: padding)
        guard sealing != nil else { return body.all }
        body.all += [UInt8](repeating: 0, count: 16)
        _ = sealing?.apply(&body.all, seal: true)
        return body.all
    }

    /// Our half of the exchange.
    func exchange() {
        let secret = [UInt8](repeating: 9, count: 32)
        var point = secret
        fuzz_x25519_public(secret, &point)
        self.secret = secret
        var message = Bytes(30)
        message.string(point)
        send(message.all)
    }

    func endSending() { fuzz_end_sending(socket) }
    func close() { fuzz_close(socket) }

    // MARK: Receiving

    /// Sends and receives what can be.
    ///
    /// - Returns: whether anything moved.
    func pump() -> Bool {
        var moved = false
        while !outbox.isEmpty, !isGone {
            let sent = fuzz_send(socket, outbox, outbox.count)
            isGone = sent < 0
            guard sent > 0 else { break }
            outbox.removeFirst(sent)
            moved = true
        }
        guard isReading else { return moved }
        while true {
            let got = fuzz_receive(socket, &buffer, buffer.count)
            guard got > 0 else { break }
            if !isDeaf { inbox += buffer[..<got] }
            moved = true
        }
        takeApart()
        return moved
    }

    private func takeApart() {
        if greeting == nil, let end = inbox.firstIndex(of: 0x0a) {
            greeting = inbox[..<end].filter { $0 != 0x0d }
            inbox.removeFirst(end + 1)
        }
        guard greeting != nil else { return }
        while !isDeaf, inbox.count >= 4 {
            let length = Int(inbox[..<4].reduce(0) { $0 << 8 | UInt32($1) })
            let tag = opening == nil ? 0 : 16
            guard length >= 2, length <= 1 << 18 else {
                isDeaf = true
                return
            }
            guard inbox.count >= 4 + length + tag else { return }
            var packet = Array(inbox[..<(4 + length + tag)])
            inbox.removeFirst(packet.count)
            if opening != nil, opening?.apply(&packet, seal: false) == false {
                trace("client: cannot read it")
                isDeaf = true
                return
            }
            let padding = Int(packet[4])
            guard padding + 2 <= length else { fatalError("the session pads a packet too far") }
            handle(Array(packet[5..<(4 + length - padding)]))
        }
    }

    private func handle(_ payload: [UInt8]) {
        trace("server: \(payload[0]), \(payload.count) bytes")
        switch payload[0] {
        case 20: serverInit = payload
        case 21:
            if let next = nextOpening {
                opening = next
                nextOpening = nil
            } else {
                isDeaf = true
            }
        case 31: if let secret { agree(secret, Array(payload[1...])) }
        default: break
        }
    }

    private func agree(_ secret: [UInt8], _ reply: [UInt8]) {
        self.secret = nil
        var reader = Taker(reply)
        let key = reader.string()
        let point = reader.string()
        var shared = [UInt8](repeating: 0, count: 32)
        var own = shared
        guard point.count == 32, fuzz_x25519(secret, point, &shared) else { return }
        fuzz_x25519_public(secret, &own)
        var text = Bytes()
        for field in [Client.banner, greeting ?? [], ownInit, serverInit, key, own, point] { text.string(field) }
        text.mpint(shared)
        let hash = sha256(text.all)
        hostKey = key
        if session.isEmpty { session = hash }
        func derive(_ letter: UInt8) -> [UInt8] {
            var text = Bytes()
            text.mpint(shared)
            return sha256(text.all + hash + [letter] + session)
        }
        nextSealing = Cipher(key: derive(0x43), nonce: Array(derive(0x41).prefix(12)))
        nextOpening = Cipher(key: derive(0x44), nonce: Array(derive(0x42).prefix(12)))
    }
}

/// AES-256-GCM as aes256-gcm@openssh.com has it.
struct Cipher {
    let key: [UInt8]
    var nonce: [UInt8]

    /// Works on a packet with its length before it and room for the tag behind it, in place.
    mutating func apply(_ packet: inout [UInt8], seal: Bool) -> Bool {
        let count = packet.count - 20
        let (key, nonce) = (key, nonce)
        let good = packet.withUnsafeMutableBufferPointer { packet in
            packet.baseAddress.map { fuzz_gcm(seal, key, nonce, $0 + 4, count) } ?? false
        }
        // The last eight bytes count.
        for index in (4..<12).reversed() {
            self.nonce[index] &+= 1
            if self.nonce[index] != 0 { break }
        }
        return good
    }
}
