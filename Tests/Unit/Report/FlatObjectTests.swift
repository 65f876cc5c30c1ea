import Testing

@testable import Report

/// Lines of JSON are read as far as they are ours, and refused otherwise.
@Suite struct FlatObjectTests {
    private func read(_ line: String) -> FlatObject? { FlatObject(Array(line.utf8)) }

    @Test func `texts, numbers, words and lists are read`() throws {
        let object = try #require(
            read(#" { "a":"x\"\\\/\n\té\u00e9\ud83d\ude00" ,"b":-1.5e3,"c":null,"d":["p",7], "e":[] } "#))
        #expect(object["a"] == .text("x\"\\/\n\téé😀"))
        #expect(object["b"] == .number("-1.5e3"))
        #expect(object["c"] == .word("null"))
        #expect(object["d"] == .list([.text("p"), .number("7")]))
        #expect(object["e"] == .list([]))
        #expect(object["f"] == nil)
        #expect(read("{}")?.members == [])
    }

    @Test(arguments: [
        "", "{", "[]", "{\"a\":1", "{\"a\":1}x", "{\"a\":{}}", "{\"a\":[[]]}", "{\"a\":x}", "{\"a\" 1}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\ud83d\"}", "{\"a\":\"\\udc00\"}", "{\"a\":\"\\u12\"}", "{\"a\":\"\n\"}", "{\"a\":1,}", "{a:1}",
        "{\"a\":\"b",
        "{\"a\":[1,]}",
    ])
    func `anything else is refused`(line: String) {
        #expect(read(line) == nil)
    }

    @Test func `a line that is too long, has too many members or is no UTF-8 is refused`() {
        #expect(read("{\"a\":\"" + String(repeating: "x", count: FlatObject.longestLine) + "\"}") == nil)
        let many = (0...FlatObject.mostItems).map { "\"\($0)\":1" }.joined(separator: ",")
        #expect(read("{\(many)}") == nil)
        #expect(FlatObject(Array("{\"a\":\"".utf8) + [0xff] + Array("\"}".utf8)) == nil)
    }
}
