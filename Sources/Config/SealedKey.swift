/// A host key that only this machine's TPM can open: what systemd-creds(1) makes of it, in base64.
///
/// ```
/// id of the kind (16), size of the key, of a block, of the IV, of the tag (4 each, little endian), IV, zeros up to a
/// multiple of 8; then of the TPM: PCRs as bits (8), the bank of hashes (2), ...
/// ```
public enum SealedKey {
    /// What its file's name ends in, by which `HostKey` tells it from others.
    public static let suffix = ".sealed"
    /// The name that is encrypted with it: the TPM's other secrets are no host keys.
    public static let credential = "postern.host-key"
    /// The largest file, in bytes: the TPM's own part has some 700.
    public static let largestFile = 64 << 10

    /// The id of what the TPM alone opens, `CRED_AES256_GCM_BY_TPM2_HMAC` of systemd's creds-util.h.
    private static let kind: [UInt8] = [
        0x0c, 0x7c, 0xc0, 0x7b, 0x11, 0x76, 0x45, 0x91, 0x9c, 0x4b, 0x0b, 0xea, 0x08, 0xbc, 0x20, 0xfe,
    ]
    /// Base64 digits that give the fields above: 72 bytes with an IV of 12.
    private static let digits = 96

    /// Whether a file of this name is to hold one.
    public static func isName(_ path: String) -> Bool {
        path.utf8.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
    }

    /// Where the key lies that is sealed in a file: only on the disk of the booted machine.
    public static func source(of path: String) -> String {
        String(decoding: path.utf8.dropLast(suffix.utf8.count), as: UTF8.self)
    }

    /// Why this file cannot be one, as one sentence, or `nil` when it can.
    public static func problem(_ file: [UInt8]) -> String? {
        header(file) == nil ? "this is no key that the TPM alone opens" : nil
    }

    /// The numbers of the PCRs that must be as they were, or `nil` when the file is none.
    public static func registers(_ file: [UInt8]) -> [Int]? {
        guard let header = header(file) else { return nil }
        let size = (28..<32).reversed().reduce(0) { $0 << 8 | Int(header[$1]) }
        let start = (32 + size + 7) / 8 * 8
        guard size <= 16, start + 8 <= header.count else { return nil }
        return (0..<64).filter { header[start + $0 / 8] >> ($0 % 8) & 1 == 1 }
    }

    private static func header(_ file: [UInt8]) -> [UInt8]? {
        let blanks: [UInt8] = [0x0a, 0x0d, 0x20, 0x09]
        let text = Array(file.lazy.filter { !blanks.contains($0) }.prefix(digits))
        guard text.count == digits, let bytes = Base64.decode(text[...]), bytes.starts(with: kind) else { return nil }
        return bytes
    }
}
