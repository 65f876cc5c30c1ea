import Peer
import Wire

@testable import SSH
@testable import Session

/// Whatever a session asks that a stranger has taken over, the signer signs once before the login, and lets in only who
/// signed for this connection.
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
        try Library.start()
        let setup = try SessionSetup.fuzzed(0, forSigner: true)
        return try Signer(hostKeys: setup.hostKeys, gate: setup.gate)
    } catch { fatalError("\(error)") }
}()

/// With a touch needed or not, and with many failures allowed or few.
nonisolated(unsafe) private let gates: [Gate] = [0, 0x10, 0x40, 0x50].map { (choice: UInt8) in
    do { return try SessionSetup.fuzzed(choice).gate } catch { fatalError("\(error)") }
}

/// What was asked and answered so far.
private struct World {
    /// What clients' keys have signed to log in.
    private var signed: [[UInt8]: LogIn] = [:]
    /// The hash that the host key was first to sign. One that libssh then would not sign, as for an unknown digest, is it
    /// as well: no other is signed any more.
    private var session: [UInt8] = []
    private var question: [UInt8] = []

    mutating func ask(_ input: inout Taker) {
        switch input.byte() & 3 {
        case 0: question = input.bytes(Int(input.byte()))
        case 1:
            let digest = input.byte()
            let hash = [UInt8](repeating: input.byte(), count: Int(input.byte()))
            put(1, digest, Key.host.blob(), hash)
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
            put(2, other, request.signature, request.text)
        default:
            // The last one again, with one byte changed.
            let place = Int(input.byte()) << 8 | Int(input.byte())
            if !question.isEmpty { question[place % question.count] ^= input.byte() }
        }
        judge()
    }

    private mutating func put(_ kind: UInt8, _ digest: UInt8, _ first: [UInt8], _ second: [UInt8]) {
        question = World.question(kind, digest, first, second)
    }

    private static func question(_ kind: UInt8, _ digest: UInt8, _ first: [UInt8], _ second: [UInt8]) -> [UInt8] {
        var bytes = Bytes(kind)
        bytes.all.append(digest)
        bytes.string(first)
        bytes.string(second)
        return bytes.all
    }

    private mutating func judge() {
        let wasLoggedIn = signer.login != nil
        let answer = signer.answer(question)
        var reader = Taker(Array(question.dropFirst(2)))
        let (first, second) = (reader.string(), reader.string())
        let mayBeSigned =
            question.count > 1 && question == World.question(1, question[1], first, second)
            && first == Key.host.blob() && [32, 48, 64].contains(second.count) && (wasLoggedIn || session.isEmpty)
        if mayBeSigned, session.isEmpty { session = second }
        if answer.count > 1 {
            precondition(mayBeSigned)
            var signature = Bytes()
            signature.string("ssh-ed25519")
            signature.string(Key.host.sign(second))
            precondition(answer == signature.all)
        } else if answer == [1] {
            var shown = Bytes()
            shown.string(session)
            precondition(question[0] == 2 && !wasLoggedIn && !session.isEmpty && second.starts(with: shown.all))
            guard let request = signed[second], request.key != nil, request.signature == first,
                signer.login?.key == request.key
            else { fatalError("a login without a signature") }
        } else {
            precondition(answer == [0] && wasLoggedIn == (signer.login != nil))
        }
    }
}
