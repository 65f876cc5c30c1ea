public import Wire

/// What `unlock` says where no terminal is, each a line or nothing.
extension Report {
    public static let emptyInput = "The passphrase on standard input is empty.\n"
    public static let longInput = "A passphrase has at most \(Limits.passphrase) bytes.\n"
    public static let noInput = "No passphrase came on standard input.\n"
    /// For a person who forgot the terminal.
    public static let awaited = """
        Waiting for a passphrase on standard input. At a keyboard it would be shown: press Ctrl-C, and use ssh -t.

        """

    /// What is said before a passphrase is taken.
    public static func warning(_ state: MachineState) -> String {
        state.warning.isEmpty ? "" : Text.clean(state.warning) + "\n"
    }

    /// The brake holds the passphrase.
    public static func held(_ state: MachineState) -> String {
        state.wait > 0 ? Words.held(Int(state.wait)) + ".\n" : ""
    }

    /// What was about a passphrase that opened nothing.
    public static func mark(_ mark: TextMark?, _ results: [TryResult]) -> String {
        guard let mark, Report.isWrong(results) else { return "" }
        return Words.mark(mark) + "\n"
    }

    static func isWrong(_ results: [TryResult]) -> Bool {
        results.contains { $0.outcome == .wrong } && !results.contains { $0.outcome == .opened }
    }

    /// The line that Debian's cryptroot-unlock prints where no terminal is, once something asks.
    public static func debianPrompt(_ state: MachineState) -> String {
        let names = state.asking.map { Text.clean($0.name) }
        return names.isEmpty ? "" : "Please unlock disk \(Text.list(names, columns: Int.max))\n"
    }
}
