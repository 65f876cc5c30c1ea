internal import LUKS

/// What encryptions need of the kernel.
enum CipherModules {
    /// The device-mapper target below dm-crypt when a volume has integrity protection. All other names here are of the
    /// kernel's crypto API.
    static let integrity = "dm_integrity"

    /// What dm-crypt does by itself.
    private static let vectors = [
        "plain", "plain64", "plain64be", "random", "benbi", "null", "eboiv", "elephant", "lmk", "tcw", "capi", "none",
        "aead",
    ]
    /// What a template asks for by itself, behind its own name.
    private static let partners = [
        "xts", "ecb", "lrw", "ecb", "gcm", "ctr", "gcm", "ghash", "ccm", "ctr", "adiantum", "nhpoly1305",
    ]

    /// What the crypto API is asked for, as it stands behind `crypto-` in the modules' aliases, and `integrity`.
    ///
    /// - Parameter encryptions: such as `serpent-cbc-essiv:sha256`, `capi:xts(aes)-plain64`, or `aes-xts-random` with the
    ///   integrity `hmac(sha256)`.
    /// - Returns: each once.
    static func names(_ encryptions: [Encryption]) -> [String] {
        var names: [String] = []
        func add(_ name: String) {
            if !names.contains(name) { names.append(name) }
        }
        for encryption in encryptions {
            // How libcryptsetup joins the two for dm-crypt.
            let template =
                switch encryption.integrity {
                case "", "none", "aead": ""
                case "poly1305": "rfc7539-"
                default: "authenc-"
                }
            let text = "\(template)\(encryption.integrity)-\(encryption.cipher)".utf8.map { byte in
                switch byte {
                case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "_"): byte
                default: UInt8(ascii: " ")
                }
            }
            // A number is how many keys there are.
            for word in text.split(separator: UInt8(ascii: " ")) where word.contains(where: { $0 > 0x39 }) {
                let name = String(decoding: word, as: UTF8.self)
                if !vectors.contains(name) { add(name) }
            }
            if !encryption.integrity.isEmpty { add(integrity) }
        }
        for index in partners.indices where index & 1 == 0 && names.contains(partners[index]) {
            add(partners[index + 1])
        }
        return names
    }

    /// Whether a template may be asking for it, for which not every kernel has a module.
    static func isImplied(_ name: String) -> Bool {
        partners.indices.contains { $0 & 1 == 1 && partners[$0] == name }
    }
}
