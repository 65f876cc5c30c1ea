/// What to do about a host key that cannot serve. Clients know the host by it: nothing of this writes over it with another.
extension HostKey {
    /// How to come by another key, without writing over one.
    public static let another = "make another one with: ssh-keygen -t ed25519 -N '' -f NEW, and write: HostKey NEW"

    /// The remedy for a file at `path` of which `problem` found something.
    ///
    /// - Parameters:
    ///   - start: the file's first `startLength` bytes, or all of them.
    ///   - path: how the finding names it.
    /// - Returns: what to do.
    public static func remedy(start: [UInt8], path: String) -> String {
        // ssh-keygen keeps the key, and writes it in OpenSSH's format.
        let rewrite = "ssh-keygen -p -N '' -f \(path)"
        let line = Array(start.prefix { $0 != 0x0a && $0 != 0x0d })
        if line.startsWithText("-----BEGIN OPENSSH PRIVATE") {
            return isLocked(start: start) ? "take its passphrase away with: \(rewrite)" : another
        }
        if line.startsWithText("-----BEGIN"), holds(line, "PRIVATE KEY") {
            if holds(line, " EC ") || holds(line, " DSA ") { return another }
            // What PKCS8 of an ed25519 key begins with.
            let version = holds(start, "MC4CAQAwBQYDK2Vw") ? " (of OpenSSH 9.6 or later)" : ""
            return "bring it into OpenSSH's format with: \(rewrite)\(version)"
        }
        for name in ["ssh-ed25519", "ssh-rsa"]
        where start.starts(with: [0, 0, 0, UInt8(name.utf8.count)] + Array(name.utf8)) {
            return "it is dropbear's: dropbearconvert dropbear openssh \(path) NEW, and write: HostKey NEW"
        }
        if line.startsWithText("PuTTY-User-Key-File-") {
            return "it is PuTTY's: puttygen \(path) -O private-openssh-new -o NEW, and write: HostKey NEW"
        }
        if line.startsWithText("ssh-") || line.startsWithText("ecdsa-") {
            return "it is a public key: write the name of its private half, without .pub"
        }
        return another
    }

    private static func holds(_ bytes: [UInt8], _ text: StaticString) -> Bool {
        bytes.indices.contains { bytes[$0...].startsWithText(text) }
    }
}

extension SealedKey {
    /// What to do about a sealed key that cannot be used.
    public static let remedy = "make another one with: postern hostkey --seal"
}
