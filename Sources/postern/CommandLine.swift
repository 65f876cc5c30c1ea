internal import Agent
internal import Check
internal import Config
internal import ConfigFiles
internal import HostKeys
internal import Image
internal import Linux
internal import Notifier
internal import Report

/// The commands that a person types on the booted machine, or a hook there: those of the initrd's program, and more.
enum CommandLine {
    private static let usage =
        AgentCommands.usage + """

                   postern check [--quick|--images] [--passphrase] [--no-login] [--boot] [-i KEY] [--json] [-f FILE]
                   postern check --image FOLDER [-f FILE]
                   postern image --into FOLDER [-f FILE] [--also CRYPTTAB] [VOLUME...]
                   postern notify --test|--pending|--files [-f FILE]
                   postern report [--all] [--json]
                   postern report --line
                   postern ssh-config [NAME] [-f FILE]
                   postern hostkey [--new|--files] [-f FILE]
                   postern hostkey --seal [--pcrs LIST] [-f FILE]
                   postern -T [-f FILE]

            """ + AgentCommands.fileUsage

    static func run(_ arguments: [String]) -> Int32 {
        if let status = AgentCommands.run(arguments, usage: usage) { return status }
        let rest = Array(arguments.dropFirst())
        if ["check", "hostkey", "ssh-config"].contains(arguments[0]), !rest.contains("-f"), !rest.contains("--image"),
            !Files.exists(AgentCommands.defaultFile), Files.exists("/etc/NIXOS")
        {
            if arguments[0] == "check",
                let status = CheckCommand.runOnNixOS(rest, file: AgentCommands.defaultFile)
            {
                return status
            }
            Log.complain(
                "postern: on NixOS \(AgentCommands.defaultFile) lies in the initrd alone; "
                    + "unpack that, and name the file with -f"
            )
            return 1
        }
        switch arguments[0] {
        case "check": return check(rest)
        case "image": return image(rest)
        case "notify": return notify(rest)
        case "hostkey": return HostKeyCommand.run(rest, file: AgentCommands.defaultFile)
        case "ssh-config": return SSHConfigCommand.run(rest, file: AgentCommands.defaultFile)
        case "report": return ReportCommand.run(rest)
        case "-T": return file(rest).map { printConfiguration($0) } ?? misused("-T takes -f FILE alone")
        default: return misused("there is no command \(printable(arguments[0]))")
        }
    }

    private static func notify(_ arguments: [String]) -> Int32 {
        let result = file(Array(arguments.dropFirst())).flatMap { NotifyCommand.run(arguments.first ?? "", file: $0) }
        return result ?? misused("notify takes --test, --pending or --files, and -f FILE")
    }

    private static func check(_ arguments: [String]) -> Int32 {
        guard let index = arguments.firstIndex(of: "--image") else {
            return CheckCommand.run(arguments, file: AgentCommands.defaultFile)
                ?? misused(
                    "check takes --images, --passphrase, --no-login, --boot, -i KEY, or --quick without these, --json, -f FILE"
                )
        }
        guard index + 1 < arguments.count else { return misused("--image wants a folder") }
        let rest = Array(arguments[..<index] + arguments[(index + 2)...])
        return file(rest).map { ImageCheck.run(arguments[index + 1], file: $0) }
            ?? misused("--image FOLDER goes with -f FILE alone")
    }

    private static func image(_ arguments: [String]) -> Int32 {
        var folder: String?
        var more: String?
        var file = AgentCommands.defaultFile
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

    /// Prints the configuration as understood: a postern.conf, and the other files behind `#`.
    private static func printConfiguration(_ path: String) -> Int32 {
        let configuration = Configuration(file: path)
        print(configuration.settings.rendered, terminator: "")
        print("# \(configuration.settings.crypttab):")
        for line in configuration.crypttab.rendered.split(separator: "\n") { print("#   \(line)") }
        print("# authorized keys:")
        for key in configuration.keys {
            let command = key.forcedCommand.map { "command=\"\(printable($0))\" " } ?? ""
            print("#   \(command)\(key.type) \(key.fingerprint) \(printable(key.comment))")
        }
        print("# confinement; session, signer and console have an empty root folder, and no groups, capabilities, core")
        print("# dumps, new privileges, new processes or files to write to:")
        for line in Role.listing { print("# \(line)") }
        for finding in configuration.findings { Log.complain(finding.description) }
        return 0
    }

    private static func file(_ arguments: [String]) -> String? { AgentCommands.file(arguments) }

    private static func misused(_ problem: String) -> Int32 { AgentCommands.misused(problem, usage) }
}
