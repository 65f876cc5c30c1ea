public import Wire

/// What a program that asks on behalf of the agent, such as systemd-ask-password(1), shows: one line, to which it has an
/// answer typed.
public enum AskText {
    /// The longest question, in columns: Plymouth and narrow consoles cut longer ones.
    private static let columns = 200

    /// The question, and before it what became of the last answer where that was no good.
    ///
    /// - Parameters:
    ///   - state: the state.
    ///   - last: what became of the last answer on each volume, or nothing at first.
    /// - Returns: the question, such as `Wrong passphrase. Passphrase for crypt-root:`.
    public static func question(_ state: MachineState, after last: [TryResult]) -> String {
        var text = ""
        if !last.isEmpty, last.allSatisfy({ $0.outcome == .wrong }) {
            text = Words.wrongPassphrase + " "
        } else {
            for result in last where result.outcome == .wrong || result.outcome == .failed {
                text += Words.result(result) + ". "
            }
        }
        let prompt = Words.prompt(state.asking.map { Text.clean($0.name) }, columns: columns)
        // The program puts a space of its own behind it.
        let end = prompt.utf8.last == UInt8(ascii: " ") ? 1 : 0
        return Text.shortened(text, to: columns) + String(decoding: prompt.utf8.dropLast(end), as: UTF8.self)
    }

    /// The question again after an answer that was too long to be tried.
    public static func questionAgain(_ state: MachineState) -> String {
        "\(Words.tooLong) \(question(state, after: []))"
    }

    /// What a try has opened, a line each.
    public static func opened(_ results: [TryResult]) -> [String] {
        results.filter { $0.outcome == .opened || $0.outcome == .alreadyOpen }.map(Words.result)
    }

    /// The last lines.
    public static func end(_ code: ExitCode, reason: String) -> [String] {
        Words.end(code, reason: reason, rehearsal: false, continues: true)
    }
}
