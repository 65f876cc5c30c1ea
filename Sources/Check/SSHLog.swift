internal import Linux

/// What the log of `ssh -v` says of one login.
struct SSHLog: Equatable {
    /// Whether the server would let in whoever has the private half of the key.
    private(set) var acceptsKey = false
    /// Whether it has let somebody in.
    private(set) var isAuthenticated = false
    /// Why the login did not come about, in ssh's own words.
    private(set) var obstacle: Obstacle?

    enum Obstacle: Equatable {
        /// The server knows none of the keys that were offered.
        case refused
        /// It proved itself with a key that is not among the known ones.
        case hostKey
        /// Client and server share no algorithm.
        case algorithms(String)
        /// The private key wants a passphrase, which nobody is asked for.
        case locked
        /// ssh cannot read the private key, or nobody signs with it.
        case unsigned(String)
        /// Anything else that ssh ended with.
        case other(String)
    }

    /// The obstacle in a sentence.
    var reason: String {
        switch obstacle {
        case .hostKey: "the host key is not the image's"
        case .algorithms(let words), .unsigned(let words): words
        case .locked: "the key wants its passphrase"
        case .other(let words) where !words.isEmpty: words
        case .other, nil: acceptsKey ? "nobody signed in time" : "it ended without a word"
        case .refused: "the key was refused"
        }
    }

    /// Whether the server did not answer in time.
    var isTooLate: Bool {
        if case .other(let words) = obstacle { SSHLog.has(words, "timed out") } else { false }
    }

    /// - Parameter log: its standard error.
    init(_ log: [UInt8]) {
        var last = ""
        var isRefused = false
        var found: Obstacle?
        for bytes in log.split(whereSeparator: { $0 == 0x0a || $0 == 0x0d }) {
            let line = printable(Array(bytes), limit: 300)
            if line.hasPrefix("debug1: Server accepts key: ") { acceptsKey = true }
            if line.hasPrefix("Authenticated to ") { isAuthenticated = true }
            guard !line.hasPrefix("debug") else { continue }
            if line.hasPrefix("Host key verification failed") {
                found = .hostKey
            } else if line.hasPrefix("Unable to negotiate with ") {
                found = .algorithms(line)
            } else if line.hasPrefix("sign_and_send_pubkey: ") || line.hasPrefix("Load key ") {
                found = .unsigned(line)
            } else if SSHLog.has(line, "Permission denied (") {
                isRefused = true
            } else if !line.hasPrefix("OpenSSH_") {
                last = line
            }
        }
        guard !isAuthenticated else { return }
        // ssh says nothing of a passphrase that it may not ask for.
        obstacle = found ?? (isRefused ? (acceptsKey ? .locked : .refused) : .other(last))
    }

    private static func has(_ line: String, _ text: String) -> Bool {
        let (line, text) = (Array(line.utf8), Array(text.utf8))
        return line.indices.contains { line[$0...].starts(with: text) }
    }
}
