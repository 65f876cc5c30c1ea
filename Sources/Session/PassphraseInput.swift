internal import Linux
internal import Wire

/// A passphrase on standard input without a terminal: all up to the first CR or LF, or up to the end.
struct PassphraseInput {
    enum Outcome {
        case passphrase(SecretBytes)
        case empty
        case tooLong
    }

    private var line: SecretBytes?

    /// - Throws: `SystemError` when there is no locked memory for it.
    init() throws(SystemError) {
        line = try SecretBytes(capacity: Limits.passphrase)
    }

    /// Whether the passphrase has come: what follows it is nobody's.
    var isOver: Bool { line == nil }

    /// Takes bytes, and returns what they amount to once that is clear.
    mutating func add(_ bytes: Span<UInt8>) -> Outcome? {
        guard let line else { return nil }
        for index in bytes.indices {
            if bytes[index] == 0x0A || bytes[index] == 0x0D { return end() }
            guard line.append(bytes[index]) else {
                self.line = nil
                return .tooLong
            }
        }
        return nil
    }

    /// Standard input has ended.
    mutating func end() -> Outcome? {
        guard let line else { return nil }
        self.line = nil
        return line.count == 0 ? .empty : .passphrase(line)
    }
}
