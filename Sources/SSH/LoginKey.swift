/// A public key that may log in, or that would if something were not against it.
public struct LoginKey: Equatable, Sendable {
    /// The key as it stands in SSH's messages (RFC 4253, section 6.6).
    public var blob: [UInt8]
    /// Why it may not log in, or empty.
    public var refusal: String
    /// Whether a security key may sign without a touch.
    public var noTouchRequired: Bool
    /// What the log calls it.
    public var title: String

    public init(blob: [UInt8], refusal: String = "", noTouchRequired: Bool = false, title: String = "") {
        self.blob = blob
        self.refusal = refusal
        self.noTouchRequired = noTouchRequired
        self.title = title
    }
}

/// The signature algorithms that a key's own type allows. A type that is not among them never logs in: DSA is broken,
/// and a certificate's authority is nobody here.
enum SignatureAlgorithm {
    static func allows(_ algorithm: [UInt8], forKeyType type: [UInt8]) -> Bool {
        if type == Array("ssh-rsa".utf8) {
            // `ssh-rsa` itself is the signature with SHA-1.
            return ["rsa-sha2-512", "rsa-sha2-256"].contains { Array($0.utf8) == algorithm }
        }
        return algorithm == type && plain.contains { Array($0.utf8) == type }
    }

    /// Whether signatures come from a security key, which states in them whether it was touched.
    static func isSecurityKey(_ algorithm: [UInt8]) -> Bool {
        algorithm.starts(with: "sk-".utf8)
    }

    static func isCertificate(_ algorithm: [UInt8]) -> Bool {
        let suffix = Array("-cert-v01@openssh.com".utf8)
        return algorithm.count > suffix.count && Array(algorithm.suffix(suffix.count)) == suffix
    }

    private static let plain = [
        "ssh-ed25519", "sk-ssh-ed25519@openssh.com", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521", "sk-ecdsa-sha2-nistp256@openssh.com",
    ]
}
