import Foundation
import Terminal
import Testing
import Wire

@Suite struct ReportTests {
    @Test func `status is the state of all volumes`() {
        #expect(
            Report.text(machine { $0.notices = ["The key volume is not there."] }) == """
                nas has waited 2 minutes to be unlocked.
                  crypt-root  locked (UUID=1)
                  storage-1   waits for its key file (UUID=2)
                  storage-2   waits for its device: UUID=3
                The key volume is not there.
                A passphrase is tried on: crypt-root

                """)
        #expect(Report.text(machine { $0.wait = 6 }).hasSuffix("\nWaiting 6 s before the next try.\n"))
        #expect(Report.text(machine { $0.rehearsal = true }).contains("\nREHEARSAL: nothing is opened in earnest.\n"))
        #expect(Report.text(machine { $0.volumes = [] }).contains("\nNo volume is waited for.\n"))
        #expect(Report.text(machine { $0.continues = true }).hasPrefix("nas: the boot goes on.\n"))
    }

    @Test(
        arguments: [
            (UInt32(0), "nas waits to be unlocked."), (1, "nas has waited 1 second to be unlocked."),
            (59, "nas has waited 59 seconds to be unlocked."), (60, "nas has waited 1 minute to be unlocked."),
            (7200, "nas has waited 2 hours to be unlocked."), (200_000, "nas has waited 2 days to be unlocked."),
        ])
    func `a waiting time is told in its largest unit`(seconds: UInt32, line: String) {
        #expect(Report.text(machine { $0.waiting = seconds }).hasPrefix(line + "\n"))
    }

    @Test func `JSON has stable keys`() throws {
        let text = Report.json(
            machine {
                $0.notices = ["One."]
                $0.wait = 6
            })
        #expect(text.hasSuffix("}\n"))
        #expect(text.split(separator: "\n").count == 1)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(object["next_try_seconds"] as? Int == 6)
        #expect(
            Set(object.keys) == [
                "host", "waiting_seconds", "rehearsal", "continues", "next_try_seconds", "volumes", "notices",
            ])
        #expect(object["host"] as? String == "nas")
        #expect(object["waiting_seconds"] as? Int == 125)
        #expect(object["rehearsal"] as? Bool == false)
        #expect(object["notices"] as? [String] == ["One."])
        let volumes = try #require(object["volumes"] as? [[String: Any]])
        #expect(volumes.map { $0["state"] as? String } == ["locked", "waiting-for-key", "device-missing"])
        #expect(Set(volumes[0].keys) == ["name", "device", "state", "detail", "asks", "required", "seconds"])
        #expect(volumes[0]["asks"] as? Bool == true)
        #expect(volumes[1]["required"] as? Bool == false)
    }

    @Test(
        arguments: [
            "\"quoted\" \\ back/slash", "\r\n\t\u{0}\u{1}\u{1B}[2J\u{7F}", "größe 漢字 😀",
            "\u{9B}1m\u{202E}\u{2028}\u{E0041}",
            String(decoding: [0x61, 0xFF, 0xC3], as: UTF8.self), "",
        ])
    func `json carries any text, and shows no control character`(text: String) throws {
        let json = Report.json(
            machine {
                $0.host = text
                $0.volumes[0].name = text
                $0.volumes[0].detail = text
                $0.notices = [text]
            })
        #expect(json.dropLast().unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F..<0xA0).contains($0.value) })
        let object = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
        #expect(object["host"] as? String == text)
        #expect(object["notices"] as? [String] == [text])
        #expect((object["volumes"] as? [[String: Any]])?[0]["name"] as? String == text)
    }

    @Test func `results go where they belong`() {
        let opened = TryResult(name: "root", outcome: .opened)
        let wrong = TryResult(name: "data", outcome: .wrong)
        let failed = TryResult(name: "old", outcome: .failed, detail: "no memory")
        func parts(_ results: [TryResult], after: UInt16 = 0, rehearsal: Bool = false) -> [String] {
            let both = Report.results(results, retryAfter: after, rehearsal: rehearsal)
            return [both.out, both.err]
        }
        #expect(parts([opened]) == ["root: open\n", ""])
        #expect(parts([opened], rehearsal: true) == ["root: open (rehearsal)\n", ""])
        #expect(parts([wrong]) == ["", "Wrong passphrase.\n"])
        #expect(parts([wrong], after: 2) == ["", "Wrong passphrase.\nThe next one is tried after 2 s.\n"])
        #expect(parts([opened, wrong]) == ["root: open\n", "data: wrong passphrase\n"])
        #expect(parts([wrong, failed]) == ["", "data: wrong passphrase\nold: failed: no memory\n"])
        #expect(parts([]) == ["", "Nothing waits for a passphrase now.\n"])
    }

    @Test func `the end goes where it belongs`() {
        func parts(_ code: ExitCode, _ reason: String, rehearsal: Bool = false) -> [String] {
            let both = Report.end(code, reason: reason, rehearsal: rehearsal)
            return [both.out, both.err]
        }
        #expect(parts(.done, "") == ["Boot continues.\n", ""])
        #expect(
            parts(.done, "", rehearsal: true) == ["Boot continues.\nREHEARSAL: nothing is opened in earnest.\n", ""])
        #expect(parts(.wrongPassphrase, "") == ["", "Wrong passphrase.\n"])
        #expect(parts(.refused, "No such command.") == ["", "No such command.\n"])
    }

    @Test func `help names every command, alias and exit code`() {
        for word in ["unlock", "status [--json]", "help"] + Command.aliases { #expect(Report.help.contains(word)) }
        for code in ExitCode.all { #expect(Report.help.contains("  \(code.rawValue)  \(code.meaning)\n")) }
        #expect(Report.help.split(separator: "\n").allSatisfy { $0.utf8.count <= 72 })
        #expect(Report.bytesForTerminal("a\nb\n") == Array("a\r\nb\r\n".utf8))
    }
}
