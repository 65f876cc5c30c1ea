internal import Wire

extension Report {
    /// What `help` prints: the commands, their other names and the exit codes.
    public static var help: String {
        var text = """
            Postern opens this machine's encrypted volumes so that its boot goes on.


            """
        for command in Command.all { text += command.help }
        text += """

            Without a terminal the passphrase is standard input up to the first
            line end: ssh root@host unlock < file
            Other names of unlock:

            """
        for alias in Command.aliases { text += "  \(alias)\n" }
        text += "Exit codes:\n"
        for code in ExitCode.all { text += "  \(code.rawValue)  \(code.meaning)\n" }
        return text
    }
}
