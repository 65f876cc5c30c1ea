import Testing

@testable import Wire

@Suite struct CommandTests {
    @Test(
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
            ("systemd-tty-ask-password-agent --console=/dev/tty1", .command(.unlock)),
            ("systemd-tty-ask-password-agent now", .usage("usage: systemd-tty-ask-password-agent")),
            ("cryptroot-unlock && exit", .usage("there is no shell here; write: cryptroot-unlock")),
            ("status | less", .usage("there is no shell here; write: status [--json]")),
            ("unlock\texit", .usage("usage: unlock")),
            ("exec cryptroot-unlock", .noShell),
            ("sudo /bin/unlock", .noShell),
            ("echo secret", .noShell),
            ("'unlock'", .noShell),
            ("scp -f /x", .noFiles),
            ("/usr/lib/openssh/sftp-server", .noFiles),
            ("rsync --server .", .noFiles),
            ("systemctl", .refused),
            ("systemctl poweroff", .refused),
            ("Unlock", .refused),
            ("unlock;reboot", .noShell),
            ("$(unlock)", .noShell),
            ("unlock\n", .command(.unlock)),
            ("unlock\r\n", .command(.unlock)),
            ("sh", .refused),
            ("/", .refused),
        ])
    func `a command line is split at blanks and compared whole`(line: String, result: Command.Result) {
        #expect(Command.parse(line) == result)
    }

    @Test(
        arguments: [
            ("", nil), (" /bin/unlock ", "unlock"), ("/bin/cryptroot-unlock", "cryptroot-unlock"),
            ("systemctl  default", "unlock"), ("status\t--json", "status --json"), ("-h", "help"), ("reboot", nil),
            ("unlock now", nil),
        ])
    func `a command has one spelling`(line: String, spelling: String?) {
        #expect(Command.canonical(line) == spelling)
        guard let spelling else { return }
        #expect(Command.parse(spelling) == Command.parse(line))
        #expect(Command.canonical(spelling) == spelling)
    }

    /// Its place in the list. A new case does not compile before it is here.
    private func place(of command: Command) -> Int {
        switch command {
        case .unlock: 0
        case .status(json: false): 1
        case .status(json: true): 2
        case .help: 3
        }
    }

    @Test func `every command is in the list`() {
        #expect(Command.all.map { place(of: $0) } == [0, 1, 2, 3])
    }

    @Test func `every command reads back from its spelling, and has a number of its own`() throws {
        for (place, command) in Command.all.enumerated() {
            #expect(Command.parse(command.spelling) == .command(command))
            #expect(Command.canonical(command.spelling) == command.spelling)
            for other in Command.all[..<place] { #expect(command.number != other.number) }
            #expect(Command(number: command.number) == command)
        }
        #expect(Command(number: 0) == nil && Command(number: 5) == nil)
        #expect(Command.spellings == "unlock, status, status --json or help")
    }

    @Test(arguments: Command.aliases)
    func `every alias means unlock`(alias: String) {
        #expect(Command.parse(alias) == .command(.unlock))
    }
}
