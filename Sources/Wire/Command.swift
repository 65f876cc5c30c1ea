/// What an ssh client may ask for, and what `command=` of authorized_keys may force.
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

    /// Reads a command line. There is no shell: words are split at blanks and line ends, and compared whole.
    public static func parse(_ line: String) -> Result {
        let words = words(line)
        guard let name = words.first.map(lastComponent) else { return .command(.unlock) }
        let rest = Array(words.dropFirst())
        switch name {
        case "unlock", "cryptroot-unlock", "cryptsetup-askpass":
            return rest.isEmpty ? .command(.unlock) : usage(line, name)
        // Its options choose how to ask, which is not a choice here.
        case "systemd-tty-ask-password-agent":
            return rest.allSatisfy { $0.hasPrefix("-") } ? .command(.unlock) : usage(line, name)
        case "systemctl" where rest == ["default"]: return .command(.unlock)
        case "status":
            if rest == ["--json"] { return .command(.status(json: true)) }
            return rest.isEmpty ? .command(.status(json: false)) : usage(line, "status [--json]")
        case "help", "--help", "-h": return rest.isEmpty ? .command(.help) : usage(line, "help")
        case "scp", "rsync", "sftp-server", "internal-sftp": return .noFiles
        default: return hasShell(line) || isWrapper(name, rest) ? .noShell : .refused
        }
    }

    public enum Result: Equatable, Sendable {
        case command(Command)
        /// A command with words that it does not take: what to write.
        case usage(String)
        /// A line for a shell, which may have a passphrase in it.
        case noShell
        /// The far end of a file transfer.
        case noFiles
        case refused
    }

    /// Whether the line calls Debian's `cryptroot-unlock`, for whose prompt scripts wait.
    public static func isDebians(_ line: String) -> Bool {
        words(line).first.map(lastComponent) == "cryptroot-unlock"
    }

    /// A command line in Postern's own spelling, or `nil` when it is none.
    public static func canonical(_ line: String) -> String? {
        guard !words(line).isEmpty, case .command(let command) = parse(line) else { return nil }
        switch command {
        case .unlock: return isDebians(line) ? "cryptroot-unlock" : "unlock"
        case .status(let json): return json ? "status --json" : "status"
        case .help: return "help"
        }
    }

    private static func usage(_ line: String, _ synopsis: String) -> Result {
        .usage(hasShell(line) ? "there is no shell here; write: \(synopsis)" : "usage: \(synopsis)")
    }

    private static func words(_ line: String) -> [String] {
        line.unicodeScalars.split { $0 == " " || $0 == "\t" || $0 == "\n" || $0 == "\r" }.map { String($0) }
    }

    /// Whether the line has what only a shell understands.
    private static func hasShell(_ line: String) -> Bool {
        line.utf8.contains { byte in "&|;<>$`'\"(){}".utf8.contains(byte) }
    }

    /// Whether it is a program that would run one of the names that are known here, or write a passphrase.
    private static func isWrapper(_ name: String, _ rest: [String]) -> Bool {
        ["echo", "printf", "cat"].contains(name)
            || rest.contains { lastComponent($0) == "unlock" || aliases.contains(lastComponent($0)) }
    }

    /// Scripts call helpers by their full path, such as `/bin/cryptroot-unlock`.
    private static func lastComponent(_ path: String) -> String {
        path.split(separator: "/").last.map { String($0) } ?? path
    }
}
