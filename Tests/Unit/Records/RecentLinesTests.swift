import Testing

@testable import Records

/// The lines that the command `log` shows.
@Suite struct RecentLinesTests {
    @Test func `all lines come, and then those that are new`() {
        var recent = RecentLines()
        #expect(recent.lines(from: 1).isEmpty && recent.next == 1)
        for line in ["a", "b", "c"] { recent.add(line) }
        #expect(Array(recent.lines(from: 1)) == ["a", "b", "c"])
        #expect(recent.next == 4)
        #expect(recent.lines(from: recent.next).isEmpty)
        recent.add("d")
        #expect(Array(recent.lines(from: 4)) == ["d"])
        #expect(Array(recent.lines(from: 0)) == ["a", "b", "c", "d"])
        #expect(recent.lines(from: 99).isEmpty)
    }

    @Test func `the newest 500 stay, by their numbers`() {
        var recent = RecentLines()
        for number in 1...1200 { recent.add("line \(number)") }
        let lines = Array(recent.lines(from: 1))
        #expect(lines.count == 500)
        #expect(lines.first == "line 701" && lines.last == "line 1200")
        // Who was last shown line 300 gets those that are still there, and who was shown 1100 the rest.
        #expect(recent.lines(from: 301).count == 500)
        #expect(Array(recent.lines(from: 1101)).first == "line 1101")
        #expect(recent.next == 1201)
    }

    @Test func `long lines take 64 KiB at most`() {
        var recent = RecentLines()
        for number in 0..<400 { recent.add("\(number) " + String(repeating: "x", count: 960)) }
        let lines = recent.lines(from: 1)
        let size = lines.reduce(0) { $0 + $1.utf8.count }
        #expect(size <= 65536 && size > 65536 - 1000)
        #expect(lines.last?.hasPrefix("399 ") == true)
        recent.add(String(repeating: "y", count: 70_000))
        #expect(recent.lines(from: 1).isEmpty)
        recent.add("z")
        #expect(Array(recent.lines(from: 1)) == ["z"])
    }
}
