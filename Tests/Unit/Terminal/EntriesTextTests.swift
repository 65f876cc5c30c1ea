import Foundation
import Terminal
import Testing
import Wire

@Suite struct EntriesTextTests {
    private let entries = [
        BootEntry(id: "first.conf", isCurrent: true, isDefault: true), BootEntry(id: "second.conf", isNext: true),
        BootEntry(id: "a\u{202E}\"b"),
    ]

    @Test func `each entry has a line`() {
        #expect(
            Report.text(entries) == """
                first.conf (current) (default)
                second.conf (next)
                a\\u{202E}"b

                """)
        #expect(Report.text([BootEntry]()) == "")
    }

    @Test func `for scripts they are one object in one line`() throws {
        let text = Report.json(entries)
        #expect(text.hasSuffix("]}\n") && text.utf8.allSatisfy { $0 < 0x7f })
        let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: [[String: Any]]]
        let list = try #require(object?["entries"])
        #expect(list.map { $0["id"] as? String } == ["first.conf", "second.conf", "a\u{202E}\"b"])
        #expect(list.map { $0["current"] as? Bool } == [true, false, false])
        #expect(list.map { $0["default"] as? Bool } == [true, false, false])
        #expect(list.map { $0["next"] as? Bool } == [false, true, false])
        #expect(Set(list[0].keys) == ["id", "current", "default", "next"])
        #expect(Report.json([BootEntry]()) == "{\"entries\":[]}\n")
    }
}
