internal import CLinux
internal import Config
internal import ConfigFiles
internal import Image
internal import Linux
internal import Monitor

/// The commands that a person or a boot script types.
enum CommandLine {
    /// The agent's version.
    static let version = "0.1.0"
    private static let defaultFile = "/etc/postern/postern.conf"

    private static let usage = """
        usage: postern agent [-f FILE] [--rehearse [--key-volume FOLDER]]
               postern check [--image FOLDER] [-f FILE]
               postern image --into FOLDER [-f FILE] [--also CRYPTTAB] [VOLUME...]
               postern settle [-f FILE]
               postern -T [-f FILE]
               postern --version
        FILE is \(defaultFile) unless -f names another one.

        """

    static func run(_ arguments: [String]) -> Int32 {
        guard let first = arguments.first else { return misused("what is it to do?") }
        let rest = Array(arguments.dropFirst())
        switch first {
        case "agent": return agent(rest)
        case "check": return check(rest)
        case "image": return image(rest)
        case "settle": return file(rest).map { Settling.run($0) } ?? misused("settle takes -f FILE alone")
        case "-T": return file(rest).map { printConfiguration($0) } ?? misused("-T takes -f FILE alone")
        case "--version":
            print("postern \(version)")
            return 0
        case "--help", "-h":
            print(usage, terminator: "")
            return 0
        default: return misused("there is no command \(printable(first))")
        }
    }

    private static func agent(_ arguments: [String]) -> Int32 {
        var options = AgentOptions(file: defaultFile)
        var rest = arguments[...]
        while let word = rest.popFirst() {
            switch word {
            case "--rehearse": options.rehearsal = true
            case "-f":
                guard let file = rest.popFirst() else { return misused("-f wants a file") }
                options.file = file
            case "--key-volume":
                guard let folder = rest.popFirst() else { return misused("--key-volume wants a folder") }
                options.keyFolder = folder
            default: return misused("agent knows no \(printable(word))")
            }
        }
        guard options.keyFolder == nil || options.rehearsal else {
            return misused("--key-volume goes with --rehearse alone")
        }
        return MonitorProcess.run(options)
    }

    /// What follows a command that takes nothing but `-f FILE`, or `nil`.
    private static func file(_ arguments: [String]) -> String? {
        if arguments.isEmpty { return defaultFile }
        return arguments.count == 2 && arguments[0] == "-f" ? arguments[1] : nil
    }

    private static func check(_ arguments: [String]) -> Int32 {
        guard let index = arguments.firstIndex(of: "--image") else {
            return file(arguments).map { check($0) } ?? misused("check takes --image FOLDER and -f FILE alone")
        }
        guard index + 1 < arguments.count else { return misused("--image wants a folder") }
        let rest = Array(arguments[..<index] + arguments[(index + 2)...])
        return file(rest).map { ImageCheck.run(arguments[index + 1], file: $0) }
            ?? misused("check takes --image FOLDER and -f FILE alone")
    }

    private static func image(_ arguments: [String]) -> Int32 {
        var folder: String?
        var more: String?
        var file = defaultFile
        var volumes: [String] = []
        var rest = arguments[...]
        while let word = rest.popFirst() {
            switch word {
            case "--into":
                guard let value = rest.popFirst() else { return misused("--into wants a folder") }
                folder = value
            case "-f":
                guard let value = rest.popFirst() else { return misused("-f wants a file") }
                file = value
            case "--also":
                guard let value = rest.popFirst() else { return misused("--also wants a file") }
                more = value
            case "--":
                volumes += rest
                rest = []
            default:
                guard !word.hasPrefix("-") else { return misused("image knows no \(printable(word))") }
                volumes.append(word)
            }
        }
        guard let folder else { return misused("image wants --into FOLDER") }
        return Staging.run(into: folder, file: file, more: more, volumes: volumes)
    }

    /// Reads everything as the agent would, and reports whatever it would pass over.
    private static func check(_ path: String) -> Int32 {
        let configuration = Configuration(file: path)
        let identities = Identities(configuration)
        let findings = configuration.findings + identities.findings
        for notice in identities.notices { print("notice: \(notice.description)") }
        for finding in findings { print(finding.description) }
        let count = findings.count
        guard count == 0 else {
            print("\(path): \(count) finding\(count == 1 ? "" : "s")")
            return 1
        }
        print(
            "\(path): no findings; \(configuration.crypttab.entries.count) volumes, "
                + "\(configuration.keys.count) authorized keys, \(configuration.hostKeys.count) host keys")
        return 0
    }

    /// Prints the configuration as understood: a postern.conf, and the other files behind `#`.
    private static func printConfiguration(_ path: String) -> Int32 {
        let configuration = Configuration(file: path)
        print(configuration.settings.rendered, terminator: "")
        print("# \(configuration.settings.crypttab):")
        for line in configuration.crypttab.rendered.split(separator: "\n") { print("#   \(line)") }
        print("# authorized keys:")
        for key in configuration.keys {
            let command = key.forcedCommand.map { "command=\"\($0)\" " } ?? ""
            print("#   \(command)\(key.type) \(key.fingerprint) \(printable(key.comment))")
        }
        print("# confinement; session, signer and console have an empty root folder, and no groups, capabilities, core")
        print("# dumps, new privileges, new processes or files to write to:")
        for line in Role.listing { print("# \(line)") }
        for finding in configuration.findings { Log.complain(finding.description) }
        return 0
    }

    private static func misused(_ problem: String) -> Int32 {
        Log.complain("postern: \(problem)")
        Log.complain(usage)
        return 2
    }
}
