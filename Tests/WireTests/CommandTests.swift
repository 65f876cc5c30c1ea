import Testing
import Wire

@Suite struct CommandTests {
    @Test(
        "a command line is split at blanks and compared whole",
        arguments: [
            ("", Command.Result.command(.unlock)),
            ("   ", .command(.unlock)),
            ("unlock", .command(.unlock)),
            ("  unlock  ", .command(.unlock)),
            ("/bin/unlock", .command(.unlock)),
            ("cryptroot-unlock", .command(.unlock)),
            ("/usr/bin/cryptroot-unlock", .command(.unlock)),
            ("cryptsetup-askpass", .command(.unlock)),
            ("systemd-tty-ask-password-agent", .command(.unlock)),
            ("systemd-tty-ask-password-agent --query --watch", .command(.unlock)),
            ("systemctl default", .command(.unlock)),
            ("status", .command(.status(json: false))),
            ("status --json", .command(.status(json: true))),
            ("help", .command(.help)),
            ("--help", .command(.help)),
            ("-h", .command(.help)),
            ("unlock now", .usage("usage: unlock")),
            ("/bin/cryptroot-unlock -x", .usage("usage: cryptroot-unlock")),
            ("status --xml", .usage("usage: status [--json]")),
            ("status --json --json", .usage("usage: status [--json]")),
            ("help me", .usage("usage: help")),
            ("systemd-tty-ask-password-agent now", .refused),
            ("systemctl", .refused),
            ("systemctl poweroff", .refused),
            ("Unlock", .refused),
            ("unlock;reboot", .refused),
            ("$(unlock)", .refused),
            ("unlock\n", .refused),
            ("sh", .refused),
            ("/", .refused),
            ("sftp-server", .refused),
        ])
    func parses(line: String, result: Command.Result) {
        #expect(Command.parse(line) == result)
    }

    @Test("every alias means unlock", arguments: Command.aliases)
    func knowsAliases(alias: String) {
        #expect(Command.parse(alias) == .command(.unlock))
    }
}
