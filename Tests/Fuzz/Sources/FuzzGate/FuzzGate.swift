import Linux

@testable import SSH

/// Whatever a client asks for, only a key that may log in is examined, and only for a signature that its type allows; and of
/// services only the one, once for each request for a login.
///
/// The input is requests, each with two bytes of length before it. Each is taken for one of a service, too.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var rest = Array(UnsafeBufferPointer(start: start, count: count))[...]
    var gate = Gate(keys: keys, mostFailures: 6)
    var budget = Budget(mostFailures: 6)
    var isServing = false
    while rest.count > 2, !gate.isExhausted {
        let length = Int(rest.removeFirst()) << 8 | Int(rest.removeFirst())
        let packet = Array(rest.prefix(length))
        rest = rest.dropFirst(length)
        if budget.grants(packet) {
            precondition(!isServing && packet == [0, 0, 0, 12] + Array("ssh-userauth".utf8))
            isServing = true
            continue
        }
        if AuthenticationRequest(packet) != nil {
            budget.serves()
            isServing = false
        }
        let refusals = gate.refusals
        switch gate.verdict(on: packet) {
        case .examine(let index):
            guard let request = AuthenticationRequest(packet),
                case .publicKey(let algorithm, let blob, let signature) = request.method
            else { fatalError("it asks for no key") }
            precondition(keys[index].blob == blob && keys[index].refusal.isEmpty && gate.user == request.user)
            precondition(!SignatureAlgorithm.isCertificate(algorithm) && algorithm != Array("ssh-rsa".utf8))
            precondition(signature == nil || signature?.algorithm == algorithm)
            precondition(signature?.touched != false || keys[index].noTouchRequired)
            precondition(gate.refusals == refusals)
        case .refuse(let note):
            precondition(gate.refusals - refusals <= 1)
            precondition(note.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7f })
        }
    }
    precondition(gate.refusals <= 6)
    return 0
}

private let keys = [
    LoginKey(blob: blob("ssh-ed25519", 8), refusal: "it is late", title: "late"),
    LoginKey(blob: blob("ssh-ed25519", 8), title: "one"),
    LoginKey(blob: blob("ssh-ed25519", 9), refusal: "it comes from elsewhere", title: "two"),
    LoginKey(blob: blob("sk-ssh-ed25519@openssh.com", 8), title: "three"),
    LoginKey(blob: blob("sk-ssh-ed25519@openssh.com", 9), noTouchRequired: true, title: "four"),
    LoginKey(blob: blob("ssh-rsa", 8), title: "five"), LoginKey(blob: blob("ssh-dss", 8), title: "six"),
    LoginKey(blob: [0, 0], title: "seven"),
]

private func blob(_ type: String, _ number: UInt8) -> [UInt8] {
    [0, 0, 0, UInt8(type.utf8.count)] + Array(type.utf8) + [0, 0, 0, 1, number]
}
