public import Linux

/// What Windows programs put around or between the letters of a passphrase, which is then another one.
public enum TextMark: Sendable {
    /// The byte order mark of UTF-8: EF BB BF.
    case utf8
    /// UTF-16: its mark, FF FE or FE FF, or a zero beside every letter.
    case utf16

    private static let ofUTF8: [UInt8] = [0xEF, 0xBB, 0xBF]

    /// The mark of a passphrase, or `nil` where it has none.
    public init?(of secret: SecretBytes) {
        let found = unsafe secret.withUnsafeBytes { bytes -> TextMark? in
            if unsafe bytes.starts(with: TextMark.ofUTF8) { return .utf8 }
            if unsafe bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) { return .utf16 }
            guard bytes.count >= 4 else { return nil }
            // The zero of the first letter comes before it or after it.
            for first in 0...1 {
                let zeros = stride(from: first, to: bytes.count, by: 2)
                if zeros.allSatisfy({ unsafe bytes[$0] == 0 }) { return .utf16 }
            }
            return nil
        }
        guard let found else { return nil }
        self = found
    }

    /// A passphrase without the mark of UTF-8, or `nil` where it has none, is nothing else, or there is no locked memory.
    public static func removed(from secret: SecretBytes) -> SecretBytes? {
        guard case .utf8 = TextMark(of: secret), secret.count > ofUTF8.count else { return nil }
        return unsafe secret.withUnsafeBytes { bytes in
            unsafe try? SecretBytes(copying: UnsafeRawBufferPointer(rebasing: bytes[ofUTF8.count...]))
        }
    }
}
