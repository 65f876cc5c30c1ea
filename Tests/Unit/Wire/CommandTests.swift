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
            ("unlock storage-1  data", .command(.unlockOnly(["storage-1", "data"]))),
            ("/bin/unlock my\\x20data", .command(.unlockOnly(["my\\x20data"]))),
            ("unlock -x", .usage("usage: unlock [VOLUME...]")),
            ("unlock data -x", .usage("usage: unlock [VOLUME...]")),
            ("cryptroot-unlock data", .usage("usage: cryptroot-unlock")),
            ("unlock && reboot", .usage("there is no shell here; write: unlock [VOLUME...]")),
            ("unlock < /key", .usage("there is no shell here; write: unlock [VOLUME...]")),
            ("log", .command(.log(follow: false))),
            ("log -f", .command(.log(follow: true))),
            ("log --follow", .command(.log(follow: true))),
            ("log -n 5", .usage("usage: log [-f]")),
            ("continue", .command(.goOn)),
            ("continue now", .usage("usage: continue")),
            ("reboot", .command(.reboot)),
            ("reboot -f", .command(.reboot)),
            ("/sbin/reboot", .command(.reboot)),
            ("systemctl reboot", .command(.reboot)),
            ("reboot nixos-generation-7.conf", .usage("usage: reboot")),
            ("reboot --firmware-setup", .usage("usage: reboot")),
            ("poweroff", .command(.powerOff)),
            ("poweroff now", .usage("usage: poweroff")),
            ("systemctl poweroff", .command(.powerOff)),
            ("systemctl halt", .refused),
            ("/bin/cryptroot-unlock -x", .usage("usage: cryptroot-unlock")),
            ("status --xml", .usage("usage: status [--json]")),
            ("status --json --json", .usage("usage: status [--json]")),
            ("help me", .usage("usage: help")),
            ("systemd-tty-ask-password-agent --console=/dev/tty1", .command(.unlock)),
            ("systemd-tty-ask-password-agent now", .usage("usage: systemd-tty-ask-password-agent")),
            ("cryptroot-unlock && exit", .usage("there is no shell here; write: cryptroot-unlock")),
            ("status | less", .usage("there is no shell here; write: status [--json]")),
            ("unlock\texit", .command(.unlockOnly(["exit"]))),
            ("exec cryptroot-unlock", .noShell),
            ("sudo /bin/unlock", .noShell),
            ("echo secret", .noShell),
            ("'unlock'", .noShell),
            ("scp -f /x", .noFiles),
            ("/usr/lib/openssh/sftp-server", .noFiles),
            ("rsync --server .", .noFiles),
            ("systemctl", .refused),
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
            ("systemctl  default", "unlock"), ("status\t--json", "status --json"), ("-h", "help"),
            ("reboot -f", "reboot"), ("reboot x", nil), ("unlock  a b", "unlock a b"), ("unlock -x", nil),
            ("sh", nil),
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
        case .unlock, .unlockOnly: 0
        case .status(json: false): 1
        case .status(json: true): 2
        case .log(follow: false): 3
        case .log(follow: true): 4
        case .goOn: 5
        case .reboot: 6
        case .powerOff: 7
        case .help: 8
        }
    }

    @Test func `every command is in the list`() {
        #expect(Command.all.map { place(of: $0) } == Array(0...8))
    }

    @Test func `every command reads back from its spelling, and has a number of its own`() throws {
        for (place, command) in Command.all.enumerated() {
            #expect(Command.parse(command.spelling) == .command(command))
            #expect(Command.canonical(command.spelling) == command.spelling)
            for other in Command.all[..<place] { #expect(command.number != other.number) }
            #expect(Command(number: command.number, operands: []) == command)
        }
        let last = Command.all.map { $0.number }.max() ?? 0
        for number in [0, last + 1] { #expect(Command(number: number, operands: []) == nil) }
        #expect(
            Command.spellings
                == "unlock, status, status --json, log, log -f, continue, reboot, poweroff or help")
    }

    @Test(arguments: [Command.unlockOnly(["a", "b"]), .unlockOnly(["x"])])
    func `what follows a command goes with its number`(command: Command) {
        #expect(Command(number: command.number, operands: command.operands) == command)
        #expect(Command.parse(command.spelling) == .command(command))
        #expect(Command(number: Command.help.number, operands: command.operands) == nil)
        #expect(Command(number: command.number, operands: ["-x"]) == nil)
    }

    @Test(arguments: Command.aliases)
    func `every alias means unlock`(alias: String) {
        #expect(Command.parse(alias) == .command(.unlock))
    }
}
