import Foundation
import Repository
import Testing

@testable import Wire

@Suite struct CommandTests {
    @Test func `each command has a dialogue in the manual, which boots hold to what it says`() throws {
        let recorded = try RecordedDialogues().answers
        for command in Command.all { #expect(recorded[command.spelling]?.isEmpty == false, "\(command.spelling)") }
        #expect(recorded.keys.contains { $0.hasPrefix("unlock ") })
    }

    @Test func `the manual and help have each exit code`() throws {
        let manual = try String(contentsOfFile: Repository.path("initrd/man/postern.8"), encoding: .utf8)
        let section = manual.components(separatedBy: "\n.Sh EXIT STATUS\n").dropFirst().first ?? ""
        let items = section.components(separatedBy: "\n.It ").dropFirst().map { $0.prefix { $0 != "\n" } }
        #expect(items == ExitCode.all.map { "\($0.rawValue)" })
        let help = try #require(try RecordedDialogues().answers["help"])
        for code in ExitCode.all { #expect(help.contains("\n  \(code.rawValue)  \(code.meaning)")) }
    }

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
            ("unlock && reboot", .usage("no shell reads this line; write: unlock [VOLUME...]")),
            ("unlock < /key", .usage("no shell reads this line; write: unlock [VOLUME...]")),
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
            ("reboot nixos-generation-7.conf", .command(.rebootInto("nixos-generation-7.conf"))),
            ("/sbin/reboot  auto-windows", .command(.rebootInto("auto-windows"))),
            ("reboot \u{9B}2J", .usage("usage: reboot [ENTRY]")),
            ("unlock \u{7F}root", .usage("usage: unlock [VOLUME...]")),
            ("reboot --firmware-setup", .usage("usage: reboot [ENTRY]")),
            ("reboot a b", .usage("usage: reboot [ENTRY]")),
            ("reboot 1>2", .usage("no shell reads this line; write: reboot [ENTRY]")),
            ("systemctl reboot a", .refused),
            ("entries", .command(.entries(json: false))),
            ("entries --json", .command(.entries(json: true))),
            ("entries all", .usage("usage: entries [--json]")),
            ("poweroff", .command(.powerOff)),
            ("poweroff now", .usage("usage: poweroff")),
            ("systemctl poweroff", .command(.powerOff)),
            ("systemctl halt", .refused),
            ("shell", .command(.shell)),
            ("  /bin/shell\n", .command(.shell)),
            ("shell -c echo  a; exit 3 ", .command(.shellCommand("echo  a; exit 3 "))),
            ("shell\t-c\n-c x", .command(.shellCommand("-c x"))),
            ("shell cat /proc/mdstat | grep '^md'", .command(.shellCommand("cat /proc/mdstat | grep '^md'"))),
            ("shell -c", .usage("usage: shell [-c COMMAND]")),
            ("shell -c  ", .usage("usage: shell [-c COMMAND]")),
            ("shell -x echo", .usage("usage: shell [-c COMMAND]")),
            ("shells", .refused),
            ("/bin/cryptroot-unlock -x", .usage("usage: cryptroot-unlock")),
            ("status --xml", .usage("usage: status [--json]")),
            ("status --json --json", .usage("usage: status [--json]")),
            ("help me", .usage("usage: help")),
            ("systemd-tty-ask-password-agent --console=/dev/tty1", .command(.unlock)),
            ("systemd-tty-ask-password-agent now", .usage("usage: systemd-tty-ask-password-agent")),
            ("cryptroot-unlock && exit", .usage("no shell reads this line; write: cryptroot-unlock")),
            ("status | less", .usage("no shell reads this line; write: status [--json]")),
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
            ("reboot -f", "reboot"), ("reboot  x", "reboot x"), ("reboot x y", nil), ("unlock  a b", "unlock a b"),
            ("unlock -x", nil), ("sh", nil), ("/bin/shell", "shell"), ("shell  ls  -l", "shell -c ls  -l"),
            ("shell -c -c x", "shell -c -c x"), ("shell -x", nil),
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
        case .entries(json: false): 6
        case .entries(json: true): 7
        case .reboot, .rebootInto: 8
        case .powerOff: 9
        case .shell, .shellCommand: 10
        case .help: 11
        }
    }

    @Test func `every command is in the list`() {
        #expect(Command.all.map { place(of: $0) } == Array(0...11))
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
                == "unlock, status, status --json, log, log -f, continue, entries, entries --json, reboot, poweroff, "
                + "shell or help")
    }

    @Test(arguments: [Command.unlockOnly(["a", "b"]), .unlockOnly(["x"]), .rebootInto("a.conf")])
    func `what follows a command goes with its number`(command: Command) {
        #expect(Command(number: command.number, operands: command.operands) == command)
        #expect(Command.parse(command.spelling) == .command(command))
        #expect(Command(number: Command.help.number, operands: command.operands) == nil)
        #expect(Command(number: command.number, operands: ["-x"]) == nil)
    }

    @Test func `a line for a shell goes with its number, too`() {
        let command = Command.shellCommand("-x; y")
        #expect(Command(number: command.number, operands: command.operands) == command)
        #expect(Command.parse(command.spelling) == .command(command))
        for operands in [["-c"], ["-c", ""], ["x"], ["-c", "x", "y"], ["-x", "y"]] {
            #expect(Command(number: command.number, operands: operands) == nil)
        }
    }

    @Test(arguments: Command.aliases)
    func `every alias means unlock`(alias: String) {
        #expect(Command.parse(alias) == .command(.unlock))
    }
}
