import Linux
import Peer
import Signer
import Wire

@testable import SSH
@testable import Session

/// The signer, in the session's own process, so that what it does counts as seen: it answers while the session waits.
final class SignerEnd {
    private let signer: Signer
    private var socket: FrameSocket?
    private let client: Client
    /// Whether it answers one question and no more, and whether it is gone then.
    private let stops: Bool
    private let leaves: Bool
    private var questions = 0

    enum Heard {
        case nothing
        case question
        /// It had a question, and will not answer it.
        case unanswered
    }

    /// The key that it has let in.
    var login: Int? { signer.login?.key }

    init(_ descriptor: consuming FileDescriptor, client: Client, choice: UInt8) throws {
        let setup = try SignerSetup.fuzzed(choice)
        signer = try Signer(hostKeys: setup.hostKeys, gate: setup.rules.gate)
        socket = FrameSocket(
            descriptor, largestFrame: Signer.largestQuestion, largestQueue: 2 * Signer.largestQuestion)
        self.client = client
        stops = choice & 0x04 != 0
        leaves = choice & 0x80 != 0
        send(signer.greeting)
    }

    func pump() -> Heard {
        guard let socket else { return .nothing }
        var waiting = PollSet()
        let asked = waiting.add(socket.number, .readable)
        waiting.wait(milliseconds: 0)
        guard !waiting.events(of: asked).isEmpty else { return .nothing }
        switch socket.receive() {
        case .nothing: return .question
        case .closed: fatalError("the session asks in no frame")
        case .frame(let body):
            questions += 1
            if stops, questions > 1 {
                guard leaves else { return .unanswered }
                self.socket = nil
                return .question
            }
            let answer = signer.answer(body, now: Clock.now())
            trace("signer: \(body.count) bytes, answered with \(answer.count == 1 ? "\(answer[0])" : "a signature")")
            if let login, !client.signed.contains(login) { fatalError("a login without a signature: key \(login)") }
            send(answer)
            return .question
        }
    }

    private func send(_ bytes: [UInt8]) {
        guard let frame = try? bytes.withUnsafeBytes({ try SecretBytes(copying: $0) }) else { fatalError("no memory") }
        _ = socket?.send(frame)
    }
}
