internal import Linux

/// The passphrases of all terminals, in the order they were typed. The first is with the monitor; each terminal has at
/// most one more waiting, since a person may well type the next volume's while a slow key is derived.
struct PassphraseQueue {
    private struct Try {
        let prompt: Prompt
        let line: SecretBytes
        /// Whether it was typed while another one of the same terminal was being tried.
        let isLater: Bool
    }

    /// The terminal whose passphrase the monitor has.
    private var running: Prompt?
    private var waiting: [Try] = []

    /// Adds a passphrase, unless that terminal has one waiting already.
    mutating func add(_ line: SecretBytes, from prompt: Prompt) -> Bool {
        guard !waiting.contains(where: { $0.prompt === prompt }) else { return false }
        waiting.append(Try(prompt: prompt, line: line, isLater: running === prompt))
        return true
    }

    /// Whether the terminal's passphrase was typed with nothing of its own being tried.
    func isFirst(of prompt: Prompt) -> Bool {
        running !== prompt
    }

    /// The next passphrase to send, when none is being tried. The answer to it belongs to its terminal.
    mutating func startNext() -> (prompt: Prompt, line: SecretBytes, isLater: Bool)? {
        guard running == nil, !waiting.isEmpty else { return nil }
        let next = waiting.removeFirst()
        running = next.prompt
        return (next.prompt, next.line, next.isLater)
    }

    /// The terminal whose passphrase was answered.
    mutating func answered() -> Prompt? {
        defer { running = nil }
        return running
    }
}
