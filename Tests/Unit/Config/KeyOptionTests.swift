import Config
import Foundation
import Testing

@Suite struct KeyOptionTests {
    private func key(_ options: String) -> (key: AuthorizedKey?, findings: [String]) {
        let blob = "AAAAC3NzaC1lZDI1NTE5AAAAI" + String(repeating: "A", count: 43)
        let (keys, findings) = authorizedKeys("\(options) ssh-ed25519 \(blob) owner")
        return (keys.first, findings)
    }

    @Test(
        arguments: [
            Change("restrict", { $0.permitPty = false }),
            Change("no-pty", { $0.permitPty = false }),
            Change("RESTRICT,PTY", { _ in }),
            Change("pty,restrict", { $0.permitPty = false }),
            Change("no-touch-required", { $0.noTouchRequired = true }),
            Change("expiry-time=\"20270101Z\"", { $0.expiryTime = 1_798_761_600 }),
            Change("expiry-time=\"202701010000UTC\"", { $0.expiryTime = 1_798_761_600 }),
            Change("expiry-time=\"20270101Z\",expiry-time=\"19700101000001z\"", { $0.expiryTime = 1 }),
            Change("command=\"unlock\"", { $0.forcedCommand = "unlock" }),
            Change("command=\" status  --json \",no-pty") {
                $0.forcedCommand = "status --json"
                $0.permitPty = false
            },
            Change("command=\"/usr/bin/cryptroot-unlock\"", { $0.forcedCommand = "cryptroot-unlock" }),
            Change("command=\"/usr/bin/systemd-tty-ask-password-agent --console\"", { $0.forcedCommand = "unlock" }),
            Change("command=\"systemd-tty-ask-password-agent --console=/dev/tty1\"", { $0.forcedCommand = "unlock" }),
            Change("command=\"systemd-tty-ask-password-agent --watch --plymouth\"", { $0.forcedCommand = "unlock" }),
            Change("command=\"help\"", { $0.forcedCommand = "help" }),
            Change("command=\"cryptsetup-askpass\"", { $0.forcedCommand = "unlock" }),
            Change("command=\"systemd-tty-ask-password-agent --query\"", { $0.forcedCommand = "unlock" }),
            Change("command=\"systemctl default\"", { $0.forcedCommand = "unlock" }),
            Change("no-port-forwarding,no-agent-forwarding,no-X11-forwarding,no-user-rc", { _ in }),
            Change("permitopen=\"a:1\",permitlisten=\"2\",tunnel=\"0\"", { _ in }),
        ] as [Change<AuthorizedKey>])
    func `an option is honoured`(change: Change<AuthorizedKey>) throws {
        var expected = try #require(key("pty").key)
        change.apply(&expected)
        let (read, findings) = key(change.text)
        #expect(read == expected)
        #expect(findings.isEmpty)
    }

    @Test(
        arguments: [
            (
                "cert-authority",
                "the option cert-authority is for certificates, and the key is refused; write the public"
            ),
            ("principals=\"a\"", "the option principals is for certificates"),
            ("verify-required", "the option verify-required is not honoured"),
            ("frobnicate", "the option \"frobnicate\" is not known"),
            ("comand=\"unlock\"", "did you mean command?"),
            ("command=\"/bin/sh\"", "command= \"/bin/sh\" is no command of Postern's"),
            ("command=\"ls\"", "and the key is refused; write unlock, status, status --json, log, log -f, continue, "),
            ("command=\"shell -x\"", "is no command of Postern's"),
            ("command=\"log -n 3\"", "is no command of Postern's"),
            ("command=\"poweroff now\"", "is no command of Postern's"),
            ("command=\"unlock -x\"", "is no command of Postern's"),
            ("command=\"cryptroot-unlock && exit\"", "is no command of Postern's"),
            ("command=\"unlock; sh\"", "is no command of Postern's"),
            ("command=\"\"", "is no command of Postern's"),
            ("command=\"reboot old kernel\"", "is no command of Postern's"),
            ("command=\"reboot \u{7F}old\"", "is no command of Postern's"),
            ("command=\"unlock \u{9B}2J\"", "is no command of Postern's"),
            ("command=\"shell -c 'echo \u{9B}c'\"", "has a control character"),
            ("command=\"say \\\"hi\\\"\"", "command= \"say \"hi\"\" is no command"),
            ("command=\"unlock\",command=\"unlock\"", "command= is given twice"),
            ("command=unlock", "the value of the option \"command\" has no quotes"),
            ("command", "the option command has no value"),
            ("restrict=\"yes\"", "the option restrict has a value"),
            ("command=\"unlock\"pty", "the option \"command\" goes on after its value"),
            ("command=\"unlock", "the value of the option \"command\" has no closing quote"),
            ("pty,,pty", "an option is empty"),
            ("pty,", "an option is empty"),
            ("from=\"\"", "from= has an empty pattern"),
            ("from=\"*\",from=\"*\"", "from= is given twice"),
            ("expiry-time=\"20270229Z\"", "expiry-time= \"20270229Z\" is no date"),
            ("expiry-time=\"2027\"", "is no date"),
            ("expiry-time=\"20271301\"", "is no date"),
            ("expiry-time=\"202712312460Z\"", "is no date"),
            ("expiry-time=\"+0271231\"", "is no date"),
            ("expiry-time=\"Z\"", "is no date"),
        ])
    func `an option that cannot be honoured refuses the key`(options: String, finding: String) {
        let (read, findings) = key(options)
        #expect(read == nil)
        #expect(findings.count == 1)
        #expect(findings.first?.contains(finding) == true, "\(findings)")
    }

    @Test(
        arguments: ["port-forwarding", "agent-forwarding", "X11-forwarding", "user-rc", "environment=\"A=b\""])
    func `what Postern never gives is a finding, and the key holds`(option: String) {
        let (read, findings) = key("restrict,\(option)")
        #expect(read?.permitPty == false)
        #expect(findings.count == 1)
        #expect(findings[0].contains("asks for what Postern never gives; remove the option"))
    }

    @Test func `a time without zone is read as UTC and says so`() {
        let (read, findings) = key("expiry-time=\"19700102\"")
        #expect(read?.expiryTime == 86400)
        #expect(findings.count == 1)
        #expect(findings[0].hasSuffix("write the time in UTC, with Z after it"))
    }

    @Test func `a key is good until its last second`() {
        let read = key("expiry-time=\"20270101Z\"").key
        #expect(read?.isExpired(at: 1_798_761_600) == false)
        #expect(read?.isExpired(at: 1_798_761_601) == true)
        #expect(key("restrict").key?.isExpired(at: .max) == false)
    }

    @Test func `dates are those of the C library`() throws {
        for days in stride(from: 0, to: 60000, by: 59) {
            var seconds = days * 86400 + 45_296
            var parts = tm()
            gmtime_r(&seconds, &parts)
            let text = String(
                format: "%04d%02d%02d%02d%02d%02dZ", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday,
                parts.tm_hour,
                parts.tm_min, parts.tm_sec)
            #expect(key("expiry-time=\"\(text)\"").key?.expiryTime == Int64(seconds))
        }
    }
}
