internal import CLinux
internal import HostPrograms
internal import Linux

/// The private keys with which a login can be tried from here.
struct LoginMeans {
    /// The path of one that was named.
    let identity: String?
    /// Of that key, or else of those that ssh-agent has.
    private(set) var fingerprints: [String] = []
    /// Those that ssh-agent has.
    private(set) var held: [String] = []
    /// What ssh needs to reach ssh-agent.
    let environment: [String]

    /// Looks at the key that is named, or else asks ssh-agent.
    ///
    /// - Throws: `Problem` when the named file is no key.
    init(identity: String?) throws(Problem) {
        self.identity = identity
        let socket = unsafe getenv("SSH_AUTH_SOCK").map { unsafe String(cString: $0) }
        environment = socket.map { ["SSH_AUTH_SOCK=" + $0] } ?? []
        if socket != nil, let program = HostProgram.find("ssh-add") {
            let result = try? HostProgram.run([program, "-l"], environment: environment, seconds: 5)
            held = LoginMeans.fingerprints(in: result?.output ?? [])
        }
        if let identity {
            guard let program = HostProgram.find("ssh-keygen") else { return }
            let result = try? HostProgram.run([program, "-l", "-f", identity])
            let words = LoginMeans.fingerprints(in: result?.output ?? [])
            guard result?.succeeded == true, !words.isEmpty else {
                throw Problem(text: result?.failure ?? "ssh-keygen does not run")
            }
            fingerprints = words
        } else {
            fingerprints = held
        }
    }

    struct Problem: Error {
        let text: String
    }

    /// The second word of each line: `256 SHA256:... COMMENT (ED25519)`.
    static func fingerprints(in output: [UInt8]) -> [String] {
        output.split(separator: UInt8(ascii: "\n")).compactMap { line in
            let words = line.split(separator: UInt8(ascii: " "))
            guard words.count > 1 else { return nil }
            let word = String(decoding: words[1], as: UTF8.self)
            return word.hasPrefix("SHA256:") ? word : nil
        }
    }
}
