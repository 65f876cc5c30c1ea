/// What an ssh client may ask for, and what `command=` of authorized_keys may force.
///
/// This file is the table of commands: the grammar, the number on the wire, the lines of `help`, who may ask, and whether
/// a passphrase is taken. The grammar judges what clients send and what `command=` has alike.
public enum Command: Equatable, Sendable {
    /// Take a passphrase and open what it opens; also what a plain login runs.
    case unlock
    /// The same for these volumes alone, one or more.
    case unlockOnly([String])
    case status(json: Bool)
    /// Show what the agent has logged; `follow` goes on until the agent ends.
    case log(follow: Bool)
    /// Have the boot go on without what it can do without.
    case goOn
    /// Show what the boot loader can start.
    case entries(json: Bool)
    /// Restart the machine.
    case reboot
    /// The same, and have the boot loader start this entry then.
    case rebootInto(String)
    case powerOff
    /// A shell of the initrd's own, as root.
    case shell
    /// One that runs this line, as `sh -c` does.
    case shellCommand(String)
    case help

    /// Each command in each of its forms without operands, in the order in which `help` has them.
    public static let all: [Command] = [
        .unlock, .status(json: false), .status(json: true), .log(follow: false), .log(follow: true), .goOn,
        .entries(json: false), .entries(json: true), .reboot, .powerOff, .shell, .help,
    ]

    var entry: Entry {
        switch self {
        case .unlock, .unlockOnly:
            Entry(
                number: 1,
                names: [
                    Name("unlock", synopsis: "unlock [VOLUME...]"), Name("cryptroot-unlock"),
                    Name("cryptsetup-askpass"),
                    // Its options choose how to ask, which is not a choice here.
                    Name("systemd-tty-ask-password-agent", takesOptions: true),
                    Name("systemctl default", synopsis: nil),
                ],
                help: """
                      unlock             ask for a passphrase, and open what it opens;
                                         a plain login does the same
                      unlock VOLUME...   the same for these volumes alone

                    """,
                isForConsole: true, takesPassphrase: true)
        case .status(json: false):
            Entry(
                number: 2, names: [Name("status", synopsis: Command.status)],
                help: "  status [--json]    show what is locked and what is open\n")
        case .status(json: true): Entry(number: 3, names: [Name("status --json", synopsis: Command.status)])
        case .help:
            Entry(
                number: 4, names: [Name("help"), Name("--help", synopsis: "help"), Name("-h", synopsis: "help")],
                help: "  help               show this\n")
        case .log(follow: false):
            Entry(
                number: 5, names: [Name("log", synopsis: Command.log)],
                help: "  log [-f]           show what has happened; -f goes on showing it\n")
        case .log(follow: true):
            Entry(
                number: 6,
                names: [Name("log -f", synopsis: Command.log), Name("log --follow", synopsis: Command.log)])
        case .goOn:
            Entry(
                number: 7, names: [Name("continue")],
                help: "  continue           boot now, without what the boot can do without\n")
        case .entries(json: false):
            Entry(
                number: 10, names: [Name("entries", synopsis: Command.entries)],
                help: "  entries [--json]   show what the boot loader can start\n")
        case .entries(json: true): Entry(number: 11, names: [Name("entries --json", synopsis: Command.entries)])
        case .reboot, .rebootInto:
            Entry(
                number: 8,
                names: [
                    Name("reboot", synopsis: "reboot [ENTRY]"), Name("reboot -f", synopsis: "reboot"),
                    Name("systemctl reboot", synopsis: nil),
                ],
                help: "  reboot [ENTRY]     restart the machine, into that entry once\n")
        case .powerOff:
            Entry(
                number: 9,
                names: [
                    Name("poweroff"), Name("poweroff -f", synopsis: "poweroff"),
                    Name("systemctl poweroff", synopsis: nil),
                ],
                help: "  poweroff           power the machine off\n")
        case .shell, .shellCommand:
            Entry(
                number: 13, names: [Name("shell", synopsis: Command.shellSynopsis)],
                help: """
                      shell              run a root shell in the initrd, or with -c COMMAND
                                         that; only with PermitShell yes

                    """)
        }
    }

    private static let status = "status [--json]"
    private static let log = "log [-f]"
    private static let shellSynopsis = "shell [-c COMMAND]"
    private static let entries = "entries [--json]"

    /// What follows the command's own name.
    var operands: [String] {
        switch self {
        case .unlockOnly(let volumes): volumes
        case .shellCommand(let line): ["-c", line]
        case .rebootInto(let entry): [entry]
        case .unlock, .status, .log, .goOn, .entries, .reboot, .powerOff, .shell, .help: []
        }
    }

    /// The same command with these operands, of which there is at least one, or `nil` where it takes no such ones.
    func with(_ operands: [String]) -> Command? {
        if isShell {
            guard operands.count == 2, operands[0] == "-c", !operands[1].isEmpty else { return nil }
            return .shellCommand(operands[1])
        }
        guard !operands.contains(where: { $0.hasPrefix("-") || Command.hasControl($0) }) else { return nil }
        return switch self {
        case .unlock: .unlockOnly(operands)
        case .reboot where operands.count == 1: .rebootInto(operands[0])
        default: nil
        }
    }

    /// A row of the table.
    struct Entry {
        /// On the wire; it is never given to another command.
        let number: UInt8
        /// Its own name, and those that scripts for other unlockers call it by.
        let names: [Name]
        /// Its lines of `help`; a form of a command that another form's lines describe has none.
        var help = ""
        /// Whether the console's process may ask for it, too. Whoever logs in may ask for each command, unless `command=`
        /// of the key forces another.
        var isForConsole = false
        var takesPassphrase = false
    }

    /// A way to write a command.
    struct Name {
        /// Its words, with one blank between them.
        let line: String
        /// What to write where other words follow the first, or `nil` where such a line is another program's.
        let synopsis: String?
        /// Whether words that begin with a hyphen may follow.
        let takesOptions: Bool

        init(_ line: String, synopsis: String?) {
            (self.line, self.synopsis, takesOptions) = (line, synopsis, false)
        }

        init(_ word: String, takesOptions: Bool = false) {
            (line, synopsis, self.takesOptions) = (word, word, takesOptions)
        }
    }
}

extension Command {
    /// Its own spelling, which reads back as itself.
    public var spelling: String { operands.reduce(entry.names.first?.line ?? "") { "\($0) \($1)" } }

    /// Its lines of `help`, or nothing where another form's lines describe it.
    public var help: String { entry.help }

    /// All that may be written, as the end of a sentence has it.
    public static var spellings: String {
        var text = ""
        for (place, command) in all.enumerated() {
            text += place == 0 ? "" : place == all.count - 1 ? " or " : ", "
            text += command.spelling
        }
        return text
    }

    public var takesPassphrase: Bool { entry.takesPassphrase }

    /// Whether it runs the initrd's shell.
    public var isShell: Bool {
        switch self {
        case .shell, .shellCommand: true
        default: false
        }
    }

    /// The names that scripts for other unlockers call, all of which mean `unlock`.
    public static var aliases: [String] { Command.unlock.entry.names.dropFirst().map { $0.line } }

    var number: UInt8 { entry.number }

    init?(number: UInt8, operands: [String]) {
        guard let found = Command.all.first(where: { $0.number == number }) else { return nil }
        guard let command = operands.isEmpty ? found : found.with(operands) else { return nil }
        self = command
    }

    /// Whether a session, or the console's process, may ask for it.
    func isPermitted(isConsole: Bool) -> Bool { !isConsole || entry.isForConsole && operands.isEmpty }
}

// MARK: - The grammar

extension Command {
    /// The longest command line that is looked at, in bytes.
    public static let longest = Limits.word

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

    /// Reads a command line. There is no shell: words are split at blanks and line ends, and compared whole; but what
    /// follows `shell` is for one, and left as it is.
    public static func parse(_ line: String) -> Result {
        let words = words(line)
        guard let name = words.first.map(lastComponent) else { return .command(.unlock) }
        let rest = Array(words.dropFirst())
        if name == "shell", let option = rest.first { return parseShell(line, hasOption: option == "-c") }
        let spaced = rest.reduce(name) { "\($0) \($1)" }
        var synopsis: String?
        for command in all {
            for known in command.entry.names where known.line == name || known.line.hasPrefix("\(name) ") {
                if known.line == spaced || known.takesOptions && rest.allSatisfy({ $0.hasPrefix("-") }) {
                    return .command(command)
                }
                synopsis = synopsis ?? known.synopsis
            }
            if command.entry.names.first?.line == name, !rest.isEmpty, !hasShell(line),
                let command = command.with(rest)
            {
                return .command(command)
            }
        }
        if let synopsis { return usage(line, synopsis) }
        if ["scp", "rsync", "sftp-server", "internal-sftp"].contains(name) { return .noFiles }
        return hasShell(line) || isWrapper(name, rest) ? .noShell : .refused
    }

    /// Whether the line calls Debian's `cryptroot-unlock`, for whose prompt scripts wait.
    public static func isDebians(_ line: String) -> Bool {
        words(line).first.map(lastComponent) == "cryptroot-unlock"
    }

    /// A command line in Postern's own spelling, or `nil` when it is none.
    public static func canonical(_ line: String) -> String? {
        guard !words(line).isEmpty, case .command(let command) = parse(line) else { return nil }
        return isDebians(line) ? "cryptroot-unlock" : command.spelling
    }

    /// Takes all behind `shell`, or behind `shell -c`.
    private static func parseShell(_ line: String, hasOption: Bool) -> Result {
        var rest = Array(line.utf8)[...]
        for _ in 0..<(hasOption ? 2 : 1) { rest = rest.drop(while: isBlank).drop { !isBlank($0) } }
        rest = rest.drop(while: isBlank)
        guard let first = rest.first, hasOption || first != UInt8(ascii: "-") else {
            return .usage("usage: \(shellSynopsis)")
        }
        return .command(.shellCommand(String(decoding: rest, as: UTF8.self)))
    }

    /// Neither a volume's name nor a boot entry's has a control character, of ASCII or C1.
    private static func hasControl(_ word: String) -> Bool {
        word.unicodeScalars.contains { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) }
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }

    private static func usage(_ line: String, _ synopsis: String) -> Result {
        .usage(hasShell(line) ? "no shell reads this line; write: \(synopsis)" : "usage: \(synopsis)")
    }

    private static func words(_ line: String) -> [String] {
        line.unicodeScalars.split { $0 == " " || $0 == "\t" || $0 == "\n" || $0 == "\r" }.map { String($0) }
    }

    /// Whether the line has what only a shell understands.
    private static func hasShell(_ line: String) -> Bool {
        line.utf8.contains { byte in "&|;<>$`'\"(){}".utf8.contains(byte) }
    }

    /// Whether it is a program that would run one of the names of `unlock`, or write a passphrase.
    private static func isWrapper(_ name: String, _ rest: [String]) -> Bool {
        let names = Command.unlock.entry.names.map { $0.line }
        return ["echo", "printf", "cat"].contains(name) || rest.contains { names.contains(lastComponent($0)) }
    }

    /// Scripts call helpers by their full path, such as `/bin/cryptroot-unlock`.
    private static func lastComponent(_ path: String) -> String {
        path.split(separator: "/").last.map { String($0) } ?? path
    }
}
