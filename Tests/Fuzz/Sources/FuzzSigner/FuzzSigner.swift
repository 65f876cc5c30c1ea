import Linux
import Peer
import Signer
import Wire

@testable import SSH
@testable import Session

/// Whatever a session asks that a stranger has taken over, the signer signs nothing but hashes of its own host's key exchanges,
/// once before the login and within bounds after it, and lets in only who signed for this connection.
///
/// The input's first byte chooses the authorized keys; the rest is questions.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var input = Taker(Array(UnsafeBufferPointer(start: start, count: count)))
    signer.rules = SignerRules(gate: gates[Int(input.byte() & 3)])
    var world = World()
    var questions = 0
    while !input.isAtEnd, questions < 100 {
        questions += 1
        world.ask(&input)
    }
    return 0
}

@_cdecl("LLVMFuzzerInitialize")
public func initialize(_: UnsafeMutableRawPointer, _: UnsafeMutableRawPointer) -> CInt {
    // A first exchange, a login, a second exchange: without one, the search would not reach what comes after.
    let usual: [UInt8] = [0, 1, 0, 7, 32, 2, 0, 0, 1, 0, 8, 48]
    _ = fuzzOne(usual, usual.count)
    guard signer.login?.key == 0 else { fatalError("nobody can log in") }
    return 0
}

nonisolated(unsafe) private let signer: Signer = {
    do {
        try Library.initialize()
        let setup = try SignerSetup.fuzzed(0)
        return try Signer(hostKeys: setup.hostKeys, gate: setup.rules.gate)
    } catch { fatalError("\(error)") }
}()

private let greeting = Signer.greetingOfServers

/// With a touch needed or not, and with many failures allowed or few.
nonisolated(unsafe) private let gates: [Gate] = [0, 0x10, 0x40, 0x50].map { (choice: UInt8) in
    LoginRules.fuzzed(choice).gate
}

/// What was asked and answered so far.
private struct World {
    /// What clients' keys have signed to log in.
    private var signed: [[UInt8]: LogIn] = [:]
    /// The hash that the host key was first to sign. One that libssh then would not sign, as for an unknown digest, is it
    /// as well: no other is signed any more.
    private var session: [UInt8] = []
    /// The moment, that of the login, and how many were signed since then.
    private var now: Int64 = 0
    private var login: Int64 = 0
    private var signings: Int64 = 0
    private var question: [UInt8] = []

    mutating func ask(_ input: inout Taker) {
        let what = input.byte()
        now += Int64(what >> 2) * 5000
        switch what & 3 {
        case 0: question = input.bytes(Int(input.byte()))
        case 1:
            let (digest, number, size) = (input.byte(), input.byte(), input.byte())
            question = [1, digest, size] + Exchange(greeting: greeting, cookie: signer.cookie, number: number).all
        case 2:
            let (choice, other) = (input.byte(), input.byte())
            let id = other & 1 == 0 ? session : [UInt8](repeating: other, count: 32)
            let hostKey = other & 2 == 0 ? Key.host.blob() : Key.stranger.blob()
            let request = LogIn(choice, session: id, hostKey: hostKey)
            // One that asks alone, or names another host key, lets nobody in, rightly signed or not. A wrong signature may
            // become right by the byte that changes.
            if choice & 8 == 0, choice & 32 == 0 || other & 2 == 0 {
                signed[request.text] = LogIn(choice & ~16, session: id, hostKey: hostKey)
            }
            var asked = Bytes(2)
            asked.all += [0, other]
            asked.string(request.signature)
            asked.string(request.text)
            question = asked.all
        default:
            // The last one again, with one byte changed.
            let place = Int(input.byte()) << 8 | Int(input.byte())
            if !question.isEmpty { question[place % question.count] ^= input.byte() }
        }
        judge()
    }

    private mutating func judge() {
        let wasLoggedIn = signer.login != nil
        let answer = question.withUnsafeBytes { bytes in
            guard let secret = try? SecretBytes(copying: bytes) else { fatalError("no memory") }
            return signer.answer(secret, now: now)
        }
        let content = Array(question.dropFirst(3))
        // The signer asks for them in this order.
        var signed: [UInt8]?
        if question.count > 3, question[0] == 1, let exchange = Exchange(content, greeting: greeting),
            wasLoggedIn || session.isEmpty && exchange.cookie == signer.cookie
        {
            signed = hash(content, size: question[2])
        }
        if let signed, session.isEmpty { session = signed }
        if answer.count > 1 {
            guard let signed else { fatalError("it has signed what it must not") }
            if wasLoggedIn { signings += 1 }
            precondition(signings <= 40 + (now - login) / 60_000)
            var signature = Bytes()
            signature.string("ssh-ed25519")
            signature.string(Key.host.sign(signed))
            precondition(answer == signature.all)
        } else if answer == [1] {
            login = now
            var reader = Taker(content)
            let (signature, data) = (reader.string(), reader.string())
            var shown = Bytes()
            shown.string(session)
            precondition(question[0] == 2 && !wasLoggedIn && !session.isEmpty && data.starts(with: shown.all))
            guard let request = self.signed[data], request.key != nil, request.signature == signature,
                signer.login?.key == request.key
            else { fatalError("a login without a signature") }
        } else {
            precondition(answer == [0] && wasLoggedIn == (signer.login != nil))
        }
    }
}
