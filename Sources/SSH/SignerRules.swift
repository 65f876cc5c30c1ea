/// What the signer does for a session, whatever the session says.
///
/// What a client signs to log in must carry the session id, which is the first hash that the host key signed, and the signer
/// has made that hash itself, with its own host key and random bytes in it: a session that a stranger has taken over cannot
/// claim a key that the stranger does not have, nor use what that key has signed for another server or another connection.
struct SignerRules {
    private var gate: Gate
    /// The hash of the first key exchange, and the public half of the host key that signed it.
    private var sessionID: [UInt8] = []
    private var shownKey: [UInt8] = []
    /// What logged in: the place of the key among the authorized ones, and the user name that was signed with it.
    private(set) var login: (key: Int, user: [UInt8])?

    /// When all that was signed since the login is made up for.
    private var madeUp: Int64 = 0

    private static let authenticationRequest: UInt8 = 50
    /// Milliseconds that make up for one key exchange after the login, and how many may come at once. Clients exchange keys
    /// after a gigabyte or an hour, careful ones every few minutes; only who tries a `RekeyLimit` of some KB needs many.
    /// A session taken over by then could pose as this host to one client with each.
    static let spacing: Int64 = 60_000
    static let atOnce: Int64 = 40

    init(gate: Gate) { self.gate = gate }

    /// Whether the hash of a key exchange may be signed with a host key, at the moment `now` in milliseconds. Before the login
    /// there is one key exchange, as no client has a reason for another: a session taken over by then gets no signature for
    /// a second connection. It is a new one, `isFresh`, for it has the signer's own random bytes in it.
    mutating func maySign(_ hash: [UInt8], with hostKey: [UInt8], isFresh: Bool, now: Int64) -> Bool {
        guard !sessionID.isEmpty else {
            guard isFresh else { return false }
            (sessionID, shownKey) = (hash, hostKey)
            return true
        }
        guard login != nil else { return false }
        let next = max(madeUp, now) + SignerRules.spacing
        guard next - now <= SignerRules.atOnce * SignerRules.spacing else { return false }
        madeUp = next
        return true
    }

    /// Takes what a client is said to have signed (RFC 4252, section 7): the session id as a string, and the request
    /// without its signature.
    ///
    /// - Returns: the place of the authorized key whose signature it is to be, or `nil` for what nobody may log in with.
    mutating func keyToVerify(_ signed: [UInt8], _ signature: [UInt8]) -> Int? {
        guard login == nil, !gate.isExhausted, !sessionID.isEmpty else { return nil }
        var reader = PacketReader(signed)
        guard reader.string() == sessionID, reader.byte() == SignerRules.authenticationRequest else { return nil }
        let request = signed.dropFirst(4 + sessionID.count + 1) + PacketReader.string(signature)
        guard case .examine(let key) = gate.verdict(on: Array(request)) else { return nil }
        // A client that binds its signature to the host key signed for this connection's alone.
        guard gate.hostKey == nil || gate.hostKey == shownKey else {
            gate.fail()
            return nil
        }
        return key
    }

    /// Records the result of verifying the signature by `key`.
    mutating func verified(_ key: Int, valid: Bool) {
        if valid { login = (key, gate.user) } else { gate.fail() }
    }

    func blob(of key: Int) -> [UInt8] { gate.keys[key].blob }
}
