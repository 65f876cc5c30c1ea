/// A private key in OpenSSH's file format, as far as it can be judged without looking at its secret part.
public enum HostKey {
    /// How much of the file's start is looked at, in bytes. The key's secret begins well after it.
    public static let startLength = 128
    /// How much of its end is looked at, in bytes.
    public static let endLength = 48
    /// The shortest RSA modulus, in bits, that may be the only host key, as for authorized keys.
    public static let shortestRSA = 2048
    /// The shortest one, in bits, that is used beside another host key.
    public static let longEnoughRSA = 3072

    private static let begin = Array("-----BEGIN OPENSSH PRIVATE KEY-----".utf8)
    private static let finish = Array("-----END OPENSSH PRIVATE KEY-----".utf8)
    /// Base64 digits that give the fields below: 66 bytes, of which a shorter ed25519 key needs 58.
    private static let digits = 88

    /// Why this file cannot serve as a host key, as one sentence, or `nil` when it can.
    ///
    /// It must be an unencrypted ed25519 or rsa key: nobody is there to type its passphrase.
    ///
    /// - Parameters:
    ///   - start: the file's first `startLength` bytes, or all of them.
    ///   - end: its last `endLength` bytes.
    /// - Returns: the problem.
    public static func problem(start: [UInt8], end: [UInt8]) -> String? {
        let foreign = "this is no private key in OpenSSH's format"
        let blanks: [UInt8] = [0x0a, 0x0d, 0x20, 0x09]
        guard start.starts(with: begin) else { return foreign }
        guard let bytes = decoded(start) else {
            return "the key is damaged: its base64 cannot be read"
        }
        if let problem = problem(decoded: bytes) { return problem }
        if let bits = bits(bytes), bits < shortestRSA {
            return "the key is an rsa key of \(bits) bits, and \(shortestRSA) are needed"
        }
        let last = end.reversed().drop { blanks.contains($0) }.prefix(finish.count).reversed()
        return last.elementsEqual(finish) ? nil : "the key is damaged: its last line is missing"
    }

    /// Whether it has a passphrase.
    static func isLocked(start: [UInt8]) -> Bool {
        guard let bytes = decoded(start) else { return false }
        var reader = BlobReader(Array(bytes.dropFirst(magicLength)))
        return reader.string()?.elementsEqual("none".utf8) == false
    }

    /// The format: the magic, the names of cipher and key derivation, the latter's options, the number of keys, and
    /// the length of the first public key and what it begins with (PROTOCOL.key of OpenSSH).
    private static func problem(decoded bytes: [UInt8]) -> String? {
        let magic = Array("openssh-key-v1".utf8) + [0]
        let damaged = "the key is damaged: it ends early"
        guard bytes.starts(with: magic) else { return "this is no private key in OpenSSH's format" }
        var reader = BlobReader(Array(bytes[magic.count...]))
        guard let cipher = reader.string() else { return damaged }
        guard cipher.elementsEqual("none".utf8) else { return "the key has a passphrase, which nobody could type" }
        // Two names, the number of keys, and the length of the public key, which begins with its type.
        guard reader.string() != nil, reader.string() != nil, reader.skip(8), let type = reader.string() else {
            return damaged
        }
        if type.elementsEqual("ssh-ed25519".utf8) { return nil }
        guard type.elementsEqual("ssh-rsa".utf8) else {
            return "the key is of type \(quoted(type)), and a host key is ed25519 or rsa"
        }
        return bits(bytes) == nil ? damaged : nil
    }

    /// The number of bits of an rsa key's modulus, or `nil` when the file is no such key.
    ///
    /// - Parameter start: as for `problem`.
    /// - Returns: the number of bits.
    public static func bitsOfRSA(start: [UInt8]) -> Int? {
        decoded(start).flatMap { bits($0) }
    }

    /// The public exponent, then the modulus, in front of whose highest bit there is a byte of zero.
    private static func bits(_ bytes: [UInt8]) -> Int? {
        var reader = BlobReader(Array(bytes.dropFirst(magicLength)))
        guard reader.string() != nil, reader.string() != nil, reader.string() != nil, reader.skip(8),
            let type = reader.string(), type.elementsEqual("ssh-rsa".utf8), reader.string() != nil,
            reader.rest.count >= 5
        else { return nil }
        let length = reader.rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        let first = reader.rest.dropFirst(4).first ?? 0
        return first == 0 ? (length - 1) * 8 : length * 8 - first.leadingZeroBitCount
    }

    private static let magicLength = 15

    /// What the base64 of the file's start holds, as far as it is looked at, or `nil` when it is none.
    private static func decoded(_ start: [UInt8]) -> [UInt8]? {
        guard start.starts(with: begin) else { return nil }
        let blanks: [UInt8] = [0x0a, 0x0d, 0x20, 0x09]
        let text = start.dropFirst(begin.count).filter { !blanks.contains($0) }.prefix(digits)
        return text.count == digits ? Base64.decode(text[...]) : nil
    }
}
