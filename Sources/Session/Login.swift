internal import Linux
internal import SSH
internal import Wire

/// What the setup says, in the words of the SSH module.
extension SessionSetup {
    func serverSettings(_ hostKeys: [[UInt8]]) -> ServerSettings {
        var settings = ServerSettings(hostKeys: hostKeys)
        if let keyExchange { settings.keyExchange = keyExchange }
        if let ciphers { settings.ciphers = ciphers }
        if let macs { settings.macs = macs }
        return settings
    }

    /// Milliseconds to log in and to deliver a passphrase, or `nil` for no limit, as sshd has it for 0.
    var patience: Int64? {
        loginGraceTime == 0 ? nil : Int64(loginGraceTime) * 1000
    }
}

/// What a channel is to run.
enum Ask {
    /// `debians`: called as Debian's cryptroot-unlock.
    case command(Command, debians: Bool)
    /// It is refused with this sentence, and this exit code.
    case refused(String, ExitCode)

    /// Reads a request, or the command that the key's line forces in place of what the client asked for.
    init(_ request: Channel.Request, forced: String?) {
        let line: String
        switch request {
        // Nothing runs as a subsystem, not even what the key forces.
        case .subsystem(let name):
            self = name == "sftp" ? Ask.noFiles : .refused("There is no such subsystem here; see: help", .refused)
            return
        case _ where forced != nil: line = forced ?? ""
        case .shell: line = ""
        case .exec(let command): line = command
        case .tooLong:
            self = .refused("A command has at most \(Command.longest) bytes; see: help", .refused)
            return
        }
        switch Command.parse(line) {
        case .command(let command): self = .command(command, debians: Command.isDebians(line))
        case .usage(let usage): self = .refused(usage, .usage)
        case .noFiles: self = Ask.noFiles
        // It is not repeated: it may have a passphrase in it.
        case .noShell:
            self = .refused(
                "No shell reads this line: write unlock alone, and give the passphrase on standard input; see: help",
                .refused)
        case .refused: self = .refused("\(printable(line, limit: 80)): no such command here; see: help", .refused)
        }
    }

    private static let noFiles = Ask.refused("No files are served here; see: help", .refused)
}
