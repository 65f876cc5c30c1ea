import Base64
import CSession
import Linux
import Wire

/// Keys that everybody may know, made of one byte each.
package struct Key {
    private let secret: [UInt8]

    private init(_ byte: UInt8) { secret = Array(repeating: byte, count: 32) }

    package static let host = Key(1)
    package static let person = Key(2)
    package static let forced = Key(3)
    package static let token = Key(4)
    package static let stranger = Key(5)

    private var point: [UInt8] {
        var point = [UInt8](repeating: 0, count: 32)
        fuzz_ed25519_public(secret, &point)
        return point
    }

    package func sign(_ bytes: [UInt8]) -> [UInt8] {
        var signature = [UInt8](repeating: 0, count: 64)
        fuzz_ed25519_sign(secret, bytes, bytes.count, &signature)
        return signature
    }

    package func blob(_ type: String = "ssh-ed25519") -> [UInt8] {
        var blob = Bytes()
        blob.string(type)
        blob.string(point)
        if type.hasPrefix("sk-") { blob.string("ssh:") }
        return blob.all
    }

    /// PROTOCOL.key of OpenSSH.
    fileprivate var file: String {
        var secrets = Bytes()
        secrets.integer(7)
        secrets.integer(7)
        secrets.string("ssh-ed25519")
        secrets.string(point)
        secrets.string(secret + point)
        secrets.string("")
        var pad: UInt8 = 1
        while secrets.all.count % 8 != 0 {
            secrets.all.append(pad)
            pad += 1
        }
        var key = Bytes()
        key.all = Array("openssh-key-v1".utf8) + [0]
        for text in ["none", "none", ""] { key.string(text) }
        key.integer(1)
        key.string(blob())
        key.string(secrets.all)
        return "-----BEGIN OPENSSH PRIVATE KEY-----\n\(base64(key.all))\n-----END OPENSSH PRIVATE KEY-----\n"
    }
}

package func sha256(_ bytes: [UInt8]) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 32)
    fuzz_sha256(bytes, bytes.count, &digest)
    return digest
}

/// A hash by its length in bytes, or `nil` for one that no key exchange has.
package func hash(_ bytes: [UInt8], size: UInt8) -> [UInt8]? {
    var digest = [UInt8](repeating: 0, count: Int(size))
    switch size {
    case 32: fuzz_sha256(bytes, bytes.count, &digest)
    case 48: fuzz_sha384(bytes, bytes.count, &digest)
    case 64: fuzz_sha512(bytes, bytes.count, &digest)
    default: return nil
    }
    return digest
}

/// The public keys whose secrets nobody has here: the curve's own base point, and a modulus of no known factors.
package enum Others {
    package static let ecdsa: [UInt8] = {
        var blob = Bytes()
        blob.string("ecdsa-sha2-nistp256")
        blob.string("nistp256")
        let words: [UInt64] = [
            0x6B17_D1F2_E12C_4247, 0xF8BC_E6E5_63A4_40F2, 0x7703_7D81_2DEB_33A0, 0xF4A1_3945_D898_C296,
            0x4FE3_42E2_FE1A_7F9B, 0x8EE7_EB4A_7C0F_9E16, 0x2BCE_3357_6B31_5ECE, 0xCBB6_4068_37BF_51F5,
        ]
        var point: [UInt8] = [4]
        for word in words { for shift in (0..<8).reversed() { point.append(UInt8(word >> (8 * shift) & 255)) } }
        blob.string(point)
        return blob.all
    }()
    package static let rsa: [UInt8] = {
        var blob = Bytes()
        blob.string("ssh-rsa")
        blob.mpint([1, 0, 1])
        blob.mpint((0..<8).flatMap { sha256([UInt8($0)]) }.enumerated().map { $0 == 0 || $0 == 255 ? $1 | 129 : $1 })
        return blob.all
    }()
}

extension SessionSetup {
    /// What the monitor tells the session. The input's first byte chooses.
    package static func fuzzed(_ choice: UInt8) throws -> SessionSetup {
        SessionSetup(
            confinement: Confinement(root: nil, user: nil), rules: .fuzzed(choice),
            keyExchange: choice & 0x08 == 0
                ? nil
                : "ecdh-sha2-nistp256,diffie-hellman-group14-sha256,mlkem768nistp256-sha256,curve25519-sha256",
            ciphers: nil, macs: nil, loginGraceTime: choice & 0x20 == 0 ? 0 : 20, permitsShell: true)
    }
}

extension SignerSetup {
    /// What the monitor tells its signer.
    package static func fuzzed(_ choice: UInt8) throws -> SignerSetup {
        let text = Array(Key.host.file.utf8)
        let host = try text.withUnsafeBytes { try SecretBytes(copying: $0) }
        return SignerSetup(
            confinement: Confinement(root: nil, user: nil), hostKeys: [host], rules: .fuzzed(choice))
    }
}

extension LoginRules {
    /// Who may log in. The input's first byte chooses.
    package static func fuzzed(_ choice: UInt8) -> LoginRules {
        func key(
            _ index: UInt16, _ type: String, _ blob: [UInt8], command: String? = nil, rule: UInt16? = nil
        ) -> UsableKey {
            UsableKey(
                index: index, type: type, blob: blob, forcedCommand: command, permitsTerminal: command == nil,
                noTouchRequired: choice & 0x10 != 0, rule: rule, title: "key \(index)")
        }
        return LoginRules(
            keys: [
                key(0, "ssh-ed25519", Key.person.blob()),
                key(1, "ssh-ed25519", Key.host.blob(), rule: 0),
                key(2, "sk-ssh-ed25519@openssh.com", Key.token.blob("sk-ssh-ed25519@openssh.com")),
                key(3, "ecdsa-sha2-nistp256", Others.ecdsa), key(4, "ssh-rsa", Others.rsa),
                key(5, "ssh-ed25519", Key.forced.blob(), command: "status"),
            ],
            refusals: ["it comes from elsewhere"], maxAuthTries: choice & 0x40 == 0 ? 20 : 3)
    }
}
