import Foundation
import Linux
import Testing
import Wire

@testable import Records

/// What the log, and what events.jsonl has of a line.
@Suite struct EventTests {
    /// 2026-11-27 12:03:15 UTC, 12 seconds after the start.
    static let moment = Moment(date: 1_795_780_995, uptime: 12_045)

    /// The object that a line of events.jsonl is.
    static func object(_ json: String?) throws -> [String: Any] {
        let json = try #require(json)
        #expect(json.hasSuffix("}\n") && json.filter { $0 == "\n" }.count == 1)
        return try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
    }

    @Test func `an event is one object in one line, with its fields in lower case`() throws {
        let fields = [
            LogField.event("volume-open"), LogField("POSTERN_VOLUME", "crypt-root"),
            .number("POSTERN_SECONDS", "3.2"), .number("POSTERN_PORT", "50022"),
            LogField("POSTERN_KEY_COMMENT", "daniel@laptop"),
        ]
        #expect(
            Event.json(.notice, "crypt-root: opened by daniel in 3.2 s", fields, at: EventTests.moment)
                == #"{"time":"2026-11-27T12:03:15Z","uptime":12.045,"event":"volume-open","level":"notice","#
                + #""message":"crypt-root: opened by daniel in 3.2 s","volume":"crypt-root","seconds":3.2,"#
                + #""port":50022,"key_comment":"daniel@laptop"}"# + "\n")
    }

    @Test func `a list is a list, also when it is empty`() throws {
        let fields = [
            LogField.event("boot-continues"), .list("POSTERN_WITHOUT", ["a", "b, \"c\""]), .list("POSTERN_VOLUMES", []),
        ]
        let object = try EventTests.object(Event.json(.info, "", fields, at: EventTests.moment))
        #expect(object["without"] as? [String] == ["a", "b, \"c\""])
        #expect(object["volumes"] as? [String] == [])
    }

    @Test func `no key comes twice`() throws {
        let fields = [
            LogField.event("login"), LogField("POSTERN_TIME", "x"), LogField("POSTERN_KEY", "one"),
            LogField("POSTERN_KEY", "two"), LogField("POSTERN_MESSAGE", "x"),
        ]
        let json = try #require(Event.json(.info, "text", fields, at: EventTests.moment))
        let object = try EventTests.object(json)
        #expect(Set(object.keys) == ["time", "uptime", "event", "level", "message", "key"])
        #expect(object["key"] as? String == "one")
        #expect(object["message"] as? String == "text")
        #expect(json.components(separatedBy: "\"key\"").count == 2)
    }

    @Test func `a line whose fields name no event is none`() {
        #expect(Event.json(.info, "x", [LogField("POSTERN_KEY", "y")], at: EventTests.moment) == nil)
        #expect(Event.json(.info, "x", [], at: EventTests.moment) == nil)
    }

    @Test(
        arguments: [
            "\"quoted\" \\ back/slash", "\r\n\t\u{0}\u{1}\u{1B}[2J\u{7F}", "größe 漢字 😀",
            "\u{9B}1m\u{202E}\u{2028}\u{E0041}", String(decoding: [0x61, 0xFF, 0xC3, 0x28, 0xE2, 0x82], as: UTF8.self),
            "", "\",\"event\":\"boot-continues", "\n{\"event\":\"login\"}\n",
        ])
    func `whatever a value holds, it is one value and shows no control character`(text: String) throws {
        let fields = [LogField.event(text), LogField("POSTERN_USER", text), .list("POSTERN_VOLUMES", [text, text])]
        let json = try #require(Event.json(.error, text, fields, at: EventTests.moment))
        #expect(json.dropLast().unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F..<0xA0).contains($0.value) })
        let object = try EventTests.object(json)
        #expect(Set(object.keys) == ["time", "uptime", "event", "level", "message", "user", "volumes"])
        for key in ["event", "message", "user"] { #expect(object[key] as? String == text) }
        #expect(object["volumes"] as? [String] == [text, text])
        #expect(object["uptime"] as? Double == 12.045)
        #expect(object["level"] as? String == "error")
    }

    @Test(
        arguments: [
            ("root: opened by x", "2026-11-27 12:03:15 root: opened by x"),
            ("a\nb\u{1B}[2J", "2026-11-27 12:03:15 a\\x0ab\\x1b[2J"),
            (String(repeating: "ä", count: 600), "2026-11-27 12:03:15 " + String(repeating: "ä", count: 479)),
        ])
    func `the log has a date and a line that is printable and no longer than the kernel's`(text: String, line: String) {
        #expect(Event.text(text, at: EventTests.moment) == line)
    }

    @Test func `the levels have the words of syslog`() throws {
        let words = try [LogLevel.error, .warning, .notice, .info].map {
            try EventTests.object(Event.json($0, "", [.event("x")], at: EventTests.moment))["level"] as? String
        }
        #expect(words == ["error", "warning", "notice", "info"])
    }
}
