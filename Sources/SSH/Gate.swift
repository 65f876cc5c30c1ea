internal import Linux

/// Decides who may log in, before libssh sees the request.
///
/// libssh alone would take a certificate over an authorized key and a security key's signature without a touch, and
/// would leave a request unanswered whose key it cannot parse or whose signature is wrong, so that the client waits
/// and never offers its next key.
public struct Gate {
    /// What is to become of a request.
    enum Verdict: Equatable {
        /// libssh is to answer it: the key may log in, and a signature, if there is one, is to be verified.
        case examine(key: Int)
        /// It is refused, and the client may try its next key. `note` is for the log, or empty.
        case refuse(note: String)
    }

    let keys: [LoginKey]
    let mostFailures: Int
    private var failures = 0
    private var isFirst = true
    /// The user name of the last request, as the client sent it.
    private(set) var user: [UInt8] = []
    /// The host key that its client was shown, where it said so.
    private(set) var hostKey: [UInt8]?

    /// A gate that sends a client away after `mostFailures` refusals, as sshd's `MaxAuthTries`.
    public init(keys: [LoginKey], mostFailures: Int) {
        self.keys = keys
        self.mostFailures = max(mostFailures, 1)
    }

    /// Whether the client was refused too often.
    var isExhausted: Bool { failures >= mostFailures }
    /// How often the client was refused.
    var refusals: Int { failures }

    /// Takes an SSH_MSG_USERAUTH_REQUEST, without its type byte.
    ///
    /// As sshd counts: each refused key and each wrong signature is a failure; the first request for `none`, by which
    /// clients ask for the methods, and the question whether a key would do are not.
    mutating func verdict(on packet: [UInt8]) -> Verdict {
        defer { isFirst = false }
        guard let request = AuthenticationRequest(packet) else { return refuse("") }
        user = request.user
        hostKey = request.hostKey
        switch request.method {
        case .none where isFirst: return .refuse(note: "")
        case .none, .other: return refuse("")
        case .publicKey(let algorithm, let blob, let signature):
            if SignatureAlgorithm.isCertificate(algorithm) { return refuse("a certificate was refused") }
            guard let index = place(of: blob) else { return refuse("") }
            return verdict(on: keys[index], index, algorithm, signature)
        }
    }

    /// A request that was to be examined came to nothing.
    mutating func fail() {
        failures += 1
    }

    private mutating func verdict(
        on key: LoginKey, _ index: Int, _ algorithm: [UInt8], _ signature: AuthenticationRequest.Signature?
    ) -> Verdict {
        var reader = PacketReader(key.blob)
        guard key.refusal.isEmpty else { return refuse("key \(key.title) was refused: \(key.refusal)") }
        guard let type = reader.string(), SignatureAlgorithm.allows(algorithm, forKeyType: type) else {
            return refuse("key \(key.title) was refused: it was to sign with \(printable(algorithm, limit: 80))")
        }
        guard let signature else { return .examine(key: index) }
        guard signature.algorithm == algorithm else {
            return refuse("key \(key.title) was refused: its signature is of another kind than it said")
        }
        guard signature.touched != false || key.noTouchRequired else {
            return refuse("key \(key.title) was refused: it signed without a touch")
        }
        return .examine(key: index)
    }

    private mutating func refuse(_ note: String) -> Verdict {
        failures += 1
        return .refuse(note: note)
    }

    /// The same key may stand in two lines: one that may log in goes before one that may not.
    private func place(of blob: [UInt8]) -> Int? {
        keys.firstIndex { $0.blob == blob && $0.refusal.isEmpty } ?? keys.firstIndex { $0.blob == blob }
    }
}
