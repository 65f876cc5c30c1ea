/// What an ssh client may ask for.
public enum Command: Equatable, Sendable {
    /// Take a passphrase and open what it opens; also what a plain login runs.
    case unlock
    case status(json: Bool)
    case help

    /// The longest command line that is looked at, in bytes.
    public static let longest = Limits.word

    /// The names that scripts for other unlockers call, all of which mean `unlock`.
    public static let aliases = [
        "cryptroot-unlock", "cryptsetup-askpass", "systemd-tty-ask-password-agent", "systemctl default",
    ]

    /// Reads a command line. There is no shell: words are split at spaces and compared whole.
    ///
    /// - Returns: the command, or why there is none: `.usage` for a known one with wrong words, else `.refused`.
    public static func parse(_ line: String) -> Result {
        let words = line.split(separator: " ", omittingEmptySubsequences: true).map { String($0) }
        guard let first = words.first else { return .command(.unlock) }
        let name = lastComponent(first)
        switch (name, Array(words.dropFirst())) {
        case ("unlock", []), ("cryptroot-unlock", []), ("cryptsetup-askpass", []): return .command(.unlock)
        // Its options choose how to ask, which is not a choice here.
        case ("systemd-tty-ask-password-agent", let rest) where rest.allSatisfy({ $0.hasPrefix("-") }):
            return .command(.unlock)
        case ("systemctl", ["default"]): return .command(.unlock)
        case ("status", []): return .command(.status(json: false))
        case ("status", ["--json"]): return .command(.status(json: true))
        case ("help", []), ("--help", []), ("-h", []): return .command(.help)
        case ("unlock", _), ("cryptroot-unlock", _), ("cryptsetup-askpass", _): return .usage("usage: \(name)")
        case ("status", _): return .usage("usage: status [--json]")
        case ("help", _): return .usage("usage: help")
        default: return .refused
        }
    }

    public enum Result: Equatable, Sendable {
        case command(Command)
        case usage(String)
        case refused
    }

    /// Scripts call helpers by their full path, such as `/bin/cryptroot-unlock`.
    private static func lastComponent(_ path: String) -> String {
        path.split(separator: "/").last.map { String($0) } ?? path
    }
}
