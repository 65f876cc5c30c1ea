import Foundation
import Linux
import Records
import Testing
import Wire

@testable import Report

/// What `postern report` makes of the records of a boot.
@Suite struct StoryTests {
    private static let login = [
        LogField("POSTERN_ADDRESS", "fec0::2"), .number("POSTERN_PORT", "36980"), LogField("POSTERN_USER", "root"),
        LogField("POSTERN_KEY", "SHA256:qaAd"), LogField("POSTERN_KEY_COMMENT", "my (old) key from home"),
    ]
    private static let who = "SHA256:qaAd (my (old) key from home) from fec0::2 port 36980"

    /// Lines of the log with their fields, as the agent writes them, and the seconds since the kernel started.
    private static let lines: [(Int64, LogLevel, String, [LogField])] = [
        (
            4, .info, "waits for crypt-root, storage-1, storage-2",
            [
                .event("waiting"), .list("POSTERN_VOLUMES", ["crypt-root", "storage-1", "storage-2"]),
            ]
        ),
        (5, .info, "Reach it with: ssh -p 2222 root@fec0::1", []),
        (
            6, .notice, "storage-1: opened by key file /etc/keyfile on UUID=11 in 0.8 s",
            [
                .event("volume-open"), LogField("POSTERN_VOLUME", "storage-1"), .number("POSTERN_SECONDS", "0.8"),
                LogField("POSTERN_KEY_FILE", "/etc/keyfile:UUID=11"),
            ]
        ),
        (
            7, .warning, "storage-2: its header is damaged",
            [
                .event("volume-failed"), LogField("POSTERN_VOLUME", "storage-2"),
                LogField("POSTERN_REASON", "its header is damaged"),
            ]
        ),
        (8, .info, "login of root with \(who)", [.event("login")] + login),
        (
            9, .notice, "wrong passphrase from the console",
            [
                .event("wrong-passphrase"), .list("POSTERN_VOLUMES", ["crypt-root"]),
            ]
        ),
        (
            10, .notice, "crypt-root: opened by \(who) in 12.5 s",
            [
                .event("volume-open"), LogField("POSTERN_VOLUME", "crypt-root"), .number("POSTERN_SECONDS", "12.5"),
            ] + login
        ),
        (11, .notice, "told to go on by \(who)", [.event("continue-asked")] + login),
        (
            700, .notice, "the boot goes on. Without storage-2.",
            [
                .event("boot-continues"), .list("POSTERN_WITHOUT", ["storage-2"]), .number("POSTERN_SECONDS", "696.0"),
            ]
        ),
    ]

    /// As /run/postern/events.jsonl has them, with a clock that is far off.
    private static var events: [UInt8] {
        var text = ""
        for (uptime, level, line, fields) in lines {
            text += Event.json(level, line, fields, at: Moment(date: 60 + uptime, uptime: uptime * 1000)) ?? ""
        }
        return Array(text.utf8)
    }

    /// 2026-11-27 17:25:00.
    private static let start: Int64 = 1_795_800_300

    private func journal(_ boot: String, _ entry: ((Int64, LogLevel, String, [LogField])) -> [String: Any]) throws
        -> String
    {
        try Self.lines.map { line in
            var object = entry(line)
            object["_BOOT_ID"] = boot
            object["MESSAGE"] = line.2
            object["PRIORITY"] = "\(line.1.rawValue)"
            object["SYSLOG_IDENTIFIER"] = "postern"
            return String(decoding: try JSONSerialization.data(withJSONObject: object), as: UTF8.self) + "\n"
        }.joined()
    }

    /// As the journal has them from an initrd with systemd.
    private func structured(_ boot: String) throws -> String {
        try journal(boot) { line in
            var object: [String: Any] = ["_TRANSPORT": "journal", "_UID": "0"]
            object["__REALTIME_TIMESTAMP"] = "\((Self.start + line.0) * 1_000_000)"
            object["__MONOTONIC_TIMESTAMP"] = "\(line.0 * 1_000_000)"
            for field in line.3 {
                // A list of one is a text there, and one of none is nothing.
                object[field.name] = field.values.count > 1 ? field.values : field.values.first
            }
            return object
        }
    }

    /// As the journal has them from the kernel's log, which journald has read when it started.
    private func kernel(_ boot: String) throws -> String {
        try journal(boot) { line in
            [
                "_TRANSPORT": "kernel", "__REALTIME_TIMESTAMP": "\((Self.start + 800) * 1_000_000)",
                "__MONOTONIC_TIMESTAMP": "800000000", "_SOURCE_MONOTONIC_TIMESTAMP": "\(line.0 * 1_000_000)",
            ]
        }
    }

    private static let expected = """
        Boot of 2026-11-27 17:25:04 UTC: waited 11 min 36 s, and went on without storage-2.
          crypt-root  17:25:10 opened by my (old) key from home from fec0::2 in 12.5 s
          storage-1   17:25:06 opened by key file /etc/keyfile on UUID=11 in 0.8 s
          storage-2   missing: its header is damaged
        Wrong passphrases: 1, by the console, the last at 17:25:09
        Logins: 1, by my (old) key from home from fec0::2, the last at 17:25:08
        17:25:11 told to go on by SHA256:qaAd (my (old) key from home) from fec0::2 port 36980
        Key of my (old) key from home: SHA256:qaAd

        """

    @Test func `this boot's records are told, with times by the clock that is right now`() throws {
        let story = try #require(ReportCommand.story(Self.events, boot: "ab", started: Self.start * 1000))
        #expect(StoryText.text(story) == Self.expected)
        #expect(
            StoryText.line(story)
                == "Postern: this boot waited 11 min 36 s, and went on without storage-2; "
                + "opened by my (old) key from home from fec0::2; 1 wrong passphrase.\n")
    }

    @Test func `the journal tells the same of an initrd with systemd, and of the kernel's log`() throws {
        let text = try structured("one") + kernel("two") + structured("three")
        let stories = ReportCommand.stories(ofJournal: Array(text.utf8), without: "three")
        #expect(stories.map { $0.boot } == ["one", "two"])
        for story in stories { #expect(StoryText.text(story) == Self.expected) }
    }

    @Test func `what another user or a command of the booted system says is not taken for the agent's`() throws {
        let forged = try structured("one").replacing(#""_UID":"0""#, with: #""_UID":"1000""#)
        #expect(ReportCommand.stories(ofJournal: Array(forged.utf8), without: nil) == [])
        let said =
            #"{"_BOOT_ID":"x","_UID":"0","_TRANSPORT":"stdout","MESSAGE":"waits for x","__REALTIME_TIMESTAMP":"1"}"#
        #expect(ReportCommand.stories(ofJournal: Array(said.utf8), without: nil) == [])
    }

    @Test func `the object of JSON has all of it`() throws {
        let story = try #require(ReportCommand.story(Self.events, boot: "ab", started: Self.start * 1000))
        let text = StoryJSON.text(story)
        #expect(text.hasSuffix("}\n") && text.split(separator: "\n").count == 1)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(object["boot"] as? String == "ab")
        #expect(object["began"] as? String == "2026-11-27T17:25:04Z")
        #expect(object["ended"] as? String == "2026-11-27T17:36:40Z")
        #expect(object["end"] as? String == "boot-continues")
        #expect(object["waited_seconds"] as? Double == 696)
        #expect(object["without"] as? [String] == ["storage-2"])
        let volumes = try #require(object["volumes"] as? [[String: Any]])
        #expect(volumes.map { $0["open"] as? Bool } == [true, true, false])
        #expect(volumes.map { $0["missing"] as? Bool } == [false, false, true])
        #expect(volumes[0]["key_comment"] as? String == "my (old) key from home")
        #expect(volumes[0]["seconds"] as? Double == 12.5)
        #expect(volumes[1]["key_file"] as? String == "/etc/keyfile on UUID=11")
        #expect(volumes[2]["problem"] as? String == "its header is damaged")
        #expect((object["wrong_passphrases"] as? [[String: Any]])?.first?["by"] as? String == "console")
        #expect((object["logins"] as? [[String: Any]])?.first?["address"] as? String == "fec0::2")
        #expect((object["requests"] as? [[String: Any]])?.count == 1)
    }

    @Test(arguments: [
        ("host-key-fallback", "no; the fallback host key is used, which lies readable in the initrd"),
        ("host-key-sealed", "no; there is no fallback host key, and so no ssh"),
    ])
    func `a sealed host key that stayed shut is told of, also by the kernel's log alone`(name: String, end: String)
        throws
    {
        let message = "the sealed host key stays shut: " + end
        let line =
            Event.json(.warning, message, [.event(name)], at: Moment(date: 64, uptime: 4000)) ?? ""
        let story = try #require(
            ReportCommand.story(Array(line.utf8) + Self.events, boot: "", started: Self.start * 1000))
        #expect(StoryText.text(story).contains("storage-2.\n17:25:04 \(message)\n"), "\(StoryText.text(story))")
        #expect(StoryText.line(story).hasSuffix("; its sealed host key stayed shut.\n"))
        #expect(
            StoryJSON.text(story).contains("\"warnings\":[{\"time\":\"2026-11-27T17:25:04Z\",\"event\":\"\(name)\","))
        var event = BootEvent()
        event.message = message
        event.isProblem = true
        event.takeWords()
        #expect(event.name == name)
    }

    @Test func `a boot that was left to the native prompt, restarted or cut off says so`() throws {
        func told(_ name: String, _ message: String) throws -> String {
            let end =
                Event.json(.notice, message, [.event(name)] + Self.login, at: Moment(date: 9, uptime: 20_000)) ?? ""
            let events = Self.events.prefix { $0 != 0x0a } + [0x0a] + Array(end.utf8)
            return StoryText.line(try #require(ReportCommand.story(Array(events), boot: "", started: 0)))
        }
        #expect(try told("told-to-end", "told to end; x").contains("waited 16.0 s, and was left to the native prompt."))
        #expect(try told("reboot-asked", "x").contains("was restarted by my (old) key from home from fec0::2."))
        #expect(try told("login", "x").contains("has no record of how the agent ended."))
        #expect(ReportCommand.story(Array("rubbish\n{}\n".utf8), boot: "", started: 0) == nil)
    }
}
