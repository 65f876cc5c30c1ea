internal import Linux
internal import Monitor

/// The commands that both programs have: the initrd's has no other.
public enum AgentCommands {
    /// Postern's version.
    public static let version = "0.1.0"
    public static let defaultFile = "/etc/postern/postern.conf"

    public static let usage = """
        usage: postern agent [-f FILE] [--rehearse [--key-volume FOLDER]] [--until-root]
               postern settle [-f FILE]
               postern --version
        """
    /// What is below each usage.
    public static let fileUsage = "FILE is \(defaultFile) unless -f names another one.\n"

    /// - Returns: the exit status, or `nil` for a command that is none of these.
    public static func run(_ arguments: [String], usage: String) -> Int32? {
        let rest = Array(arguments.dropFirst())
        switch arguments.first {
        case nil: return misused("what is it to do?", usage)
        case "agent": return agent(rest, usage)
        case "settle": return file(rest).map { Settling.run($0) } ?? misused("settle takes -f FILE alone", usage)
        case "--version":
            print("postern \(version)")
            return 0
        case "--help", "-h":
            print(usage, terminator: "")
            return 0
        default: return nil
        }
    }

    private static func agent(_ arguments: [String], _ usage: String) -> Int32 {
        var options = AgentOptions(file: defaultFile)
        var rest = arguments[...]
        while let word = rest.popFirst() {
            switch word {
            case "--rehearse": options.rehearsal = true
            case "--until-root": options.staysUntilRoot = true
            case "-f":
                guard let file = rest.popFirst() else { return misused("-f wants a file", usage) }
                options.file = file
            case "--key-volume":
                guard let folder = rest.popFirst() else { return misused("--key-volume wants a folder", usage) }
                options.keyFolder = folder
            default: return misused("agent knows no \(printable(word))", usage)
            }
        }
        guard options.keyFolder == nil || options.rehearsal else {
            return misused("--key-volume goes with --rehearse alone", usage)
        }
        return MonitorProcess.run(options)
    }

    /// What follows a command that takes nothing but `-f FILE`, or `nil`.
    public static func file(_ arguments: [String]) -> String? {
        if arguments.isEmpty { return defaultFile }
        return arguments.count == 2 && arguments[0] == "-f" ? arguments[1] : nil
    }

    /// Complains of how a program was called.
    ///
    /// - Returns: the exit status for it.
    public static func misused(_ problem: String, _ usage: String) -> Int32 {
        Log.complain("postern: \(problem)")
        Log.complain(usage)
        return 2
    }
}
