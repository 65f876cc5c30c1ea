/// A private key in OpenSSH's file format, as far as it can be judged without using it.
public enum HostKey {
    /// Why this file cannot serve as a host key, as one sentence, or `nil` when it can.
    ///
    /// It must be an unencrypted ed25519 or rsa key: nobody is there to type its passphrase.
    public static func problem(_ file: [UInt8]) -> String? {
        let begin = Array("-----BEGIN OPENSSH PRIVATE KEY-----".utf8)
        let end = Array("-----END OPENSSH PRIVATE KEY-----".utf8)
        let lines = file.split { $0 == 0x0a || $0 == 0x0d }
        guard lines.first.map({ Array($0) == begin }) == true, lines.last.map({ Array($0) == end }) == true else {
            return "this is no private key in OpenSSH's format"
        }
        guard let bytes = Base64.decode(Array(lines.dropFirst().dropLast().joined())[...]) else {
            return "the key is damaged: its base64 cannot be read"
        }
        return problem(decoded: bytes)
    }

    /// The format: the magic, the names of cipher and key derivation, the latter's options, the number of keys, and
    /// each public key (PROTOCOL.key of OpenSSH).
    private static func problem(decoded bytes: [UInt8]) -> String? {
        let magic = Array("openssh-key-v1".utf8) + [0]
        let damaged = "the key is damaged: it ends early"
        guard bytes.starts(with: magic) else { return "this is no private key in OpenSSH's format" }
        var reader = BlobReader(Array(bytes[magic.count...]))
        guard let cipher = reader.string(), reader.string() != nil, reader.string() != nil else { return damaged }
        guard Array(cipher) == Array("none".utf8) else { return "the key has a passphrase, which nobody could type" }
        guard reader.skip(4), let blob = reader.string() else { return damaged }
        var inner = BlobReader(Array(blob))
        guard let type = inner.string() else { return damaged }
        guard type.elementsEqual("ssh-ed25519".utf8) || type.elementsEqual("ssh-rsa".utf8) else {
            return "the key is of type \(quoted(type)), and a host key is ed25519 or rsa"
        }
        return nil
    }
}
