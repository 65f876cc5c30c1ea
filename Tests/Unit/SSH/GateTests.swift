import Testing

@testable import SSH

/// Who may try, from the bytes of the request alone.
@Suite struct GateTests {
    private static let ed25519 = string("ssh-ed25519") + string("0123456789abcdef0123456789abcdef")
    private static let rsa = string("ssh-rsa") + string("\u{1}\u{0}\u{1}") + string("modulus")
    private static let dsa = string("ssh-dss") + string("p")
    private static let token = string("sk-ssh-ed25519@openssh.com") + string("point") + string("ssh:")

    private func gate(_ blob: [UInt8], refusal: String = "", noTouch: Bool = false, most: Int = 20) -> Gate {
        Gate(
            keys: [LoginKey(blob: blob, refusal: refusal, noTouchRequired: noTouch, title: "one")],
            mostFailures: most)
    }

    @Test func `a key that may log in is examined`() {
        var gate = gate(GateTests.ed25519)
        #expect(gate.verdict(on: request("ssh-ed25519", GateTests.ed25519)) == .examine(key: 0))
        #expect(
            gate.verdict(on: request("ssh-ed25519", GateTests.ed25519, signature: "ssh-ed25519")) == .examine(key: 0))
        #expect(gate.refusals == 0)
        #expect(gate.user == Array("root".utf8))
    }

    @Test func `the method bound to the host key is the same`() {
        var gate = gate(GateTests.ed25519)
        let bound = request(
            "ssh-ed25519", GateTests.ed25519, signature: "ssh-ed25519",
            method: "publickey-hostbound-v00@openssh.com", hostKey: string("host key"))
        #expect(gate.verdict(on: bound) == .examine(key: 0))
        let without = request(
            "ssh-ed25519", GateTests.ed25519, method: "publickey-hostbound-v00@openssh.com")
        #expect(gate.verdict(on: without) == .refuse(note: ""))
    }

    @Test(
        arguments: [
            (rsa, "ssh-rsa", nil, "key one was refused: it was to sign with ssh-rsa"),
            (rsa, "rsa-sha2-512", "ssh-rsa", "key one was refused: its signature is of another kind than it said"),
            (dsa, "ssh-dss", nil, "key one was refused: it was to sign with ssh-dss"),
            (ed25519, "ssh-ed25519-cert-v01@openssh.com", nil, "a certificate was refused"),
            (ed25519, "ssh-rsa", nil, "key one was refused: it was to sign with ssh-rsa"),
            (token, "webauthn-sk-ecdsa-sha2-nistp256@openssh.com", nil, "it was to sign with webauthn"),
        ] as [([UInt8], String, String?, String)])
    func `what may not log in is refused, with a note where the owner should know`(
        blob: [UInt8], algorithm: String, signature: String?, note: String
    ) {
        var gate = gate(blob)
        guard case .refuse(let found) = gate.verdict(on: request(algorithm, blob, signature: signature)) else {
            Issue.record("examined")
            return
        }
        #expect(found.contains(note))
        #expect(gate.refusals == 1)
    }

    @Test(
        arguments: [(1, false, true), (5, false, true), (0, false, false), (4, false, false), (0, true, true)]
            as [(UInt8, Bool, Bool)])
    func `a security key has to be touched, unless its line says otherwise`(flags: UInt8, noTouch: Bool, passes: Bool) {
        var gate = gate(GateTests.token, noTouch: noTouch)
        let name = "sk-ssh-ed25519@openssh.com"
        let verdict = gate.verdict(on: request(name, GateTests.token, signature: name, tail: [flags, 0, 0, 0, 9]))
        #expect((verdict == .examine(key: 0)) == passes)
    }

    @Test func `an unknown key is refused without a note`() {
        var gate = gate(GateTests.ed25519)
        #expect(gate.verdict(on: request("rsa-sha2-512", GateTests.rsa)) == .refuse(note: ""))
    }

    @Test func `a key with a refusal is named`() {
        var gate = gate(GateTests.ed25519, refusal: "expired")
        #expect(
            gate.verdict(on: request("ssh-ed25519", GateTests.ed25519)) == .refuse(note: "key one was refused: expired")
        )
    }

    @Test func `the line that may log in goes before the one that may not`() {
        var gate = Gate(
            keys: [
                LoginKey(blob: GateTests.ed25519, refusal: "expired"), LoginKey(blob: GateTests.ed25519),
            ], mostFailures: 20)
        #expect(gate.verdict(on: request("ssh-ed25519", GateTests.ed25519)) == .examine(key: 1))
    }

    @Test func `failures are counted as sshd does`() {
        var gate = gate(GateTests.ed25519, most: 3)
        let none = string("root") + string("ssh-connection") + string("none")
        #expect(gate.verdict(on: none) == .refuse(note: ""))
        #expect(gate.refusals == 0)
        _ = gate.verdict(on: none)
        _ = gate.verdict(on: string("root") + string("ssh-connection") + string("password") + [0] + string("secret"))
        #expect(gate.refusals == 2 && !gate.isExhausted)
        _ = gate.verdict(on: request("ssh-ed25519", GateTests.ed25519))
        gate.fail()
        #expect(gate.isExhausted)
    }

    @Test func `every cut of a request is refused`() {
        let whole = request("ssh-ed25519", GateTests.ed25519, signature: "ssh-ed25519")
        for length in 0..<whole.count {
            var gate = gate(GateTests.ed25519)
            #expect(gate.verdict(on: Array(whole[..<length])) == .refuse(note: ""))
        }
        var gate = gate(GateTests.ed25519)
        #expect(gate.verdict(on: whole + [0]) == .refuse(note: ""))
        #expect(gate.verdict(on: request("ssh-ed25519", GateTests.ed25519, service: "ssh-other")) == .refuse(note: ""))
    }
}

func string(_ bytes: [UInt8]) -> [UInt8] {
    [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: bytes.count >> $0) } + bytes
}

func string(_ text: String) -> [UInt8] {
    string(Array(text.utf8))
}

/// An SSH_MSG_USERAUTH_REQUEST without its type byte.
private func request(
    _ algorithm: String, _ blob: [UInt8], signature: String? = nil, tail: [UInt8] = [],
    method: String = "publickey", hostKey: [UInt8] = [], service: String = "ssh-connection"
) -> [UInt8] {
    var packet = string("root") + string(service) + string(method)
    packet += [signature == nil ? 0 : 1] + string(algorithm) + string(blob) + hostKey
    if let signature { packet += string(string(signature) + string("signature") + tail) }
    return packet
}
