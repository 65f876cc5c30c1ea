import Foundation
import Linux
import TestPeers
import Testing
import Wire

@testable import Records

/// The file of events and its bound.
@Suite struct EventFileTests {
    private let folder: TemporaryFolder
    private let path: String

    init() throws {
        folder = try TemporaryFolder()
        path = folder.path("events.jsonl")
    }

    private func numbers() throws -> [Int] {
        let text = try String(contentsOfFile: path, encoding: .utf8)
        return try text.split(separator: "\n").map { line in
            try #require(try EventTests.object(line + "\n")["port"] as? Int)
        }
    }

    @Test func `it keeps its newest events within 1 MiB, is whole lines, and root's alone`() throws {
        let file = LineFile(path, mode: 0o600, limit: 1 << 20)
        var largest = 0
        var shrunk = 0
        var before = 0
        for number in 0..<9000 {
            let fields = [LogField.event("login"), .number("POSTERN_PORT", "\(number)")]
            let line = Event.json(
                .info, String(repeating: "x", count: number % 300), fields, at: EventTests.moment)
            try file.append(Array(try #require(line).utf8))
            let size = try #require(
                try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int)
            if size < before {
                shrunk += 1
                #expect(size > 500_000 && size < 600_000)
            }
            (before, largest) = (size, max(largest, size))
        }
        #expect(largest <= 1 << 20 && largest > (1 << 20) - 500)
        #expect(shrunk >= 2)
        let kept = try numbers()
        #expect(kept == Array((9000 - kept.count)..<9000))
        #expect(Files.kind(path) == .file(permissions: 0o600))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("")) == ["events.jsonl"])
    }

    @Test(
        arguments: [
            // What the file has, the line that is added, and what it has then, with a bound of 10 bytes.
            ("", "a\n", "a\n"),
            ("a\nb\n", "c\n", "a\nb\nc\n"),
            ("aaaa\nbbbb\n", "c\n", "bbbb\nc\n"),
            ("aaa\nbbb\nc\n", "d\n", "c\nd\n"),
            ("a\nb\nc\nd\ne\n", "f\n", "d\ne\nf\n"),
            ("aaaaaaaaa\n", "b\n", "b\n"),
            // Not a line, and not ours: it goes.
            ("aaaaaaaaaa", "b\n", "b\n"),
            ("aaaaaaaaaaaaaaaaaaaaaaaaaaaa\n", "b\n", "b\n"),
        ])
    func `a file without room keeps the whole lines of its newest half`(old: String, line: String, new: String) throws {
        try folder.write(old, to: "events.jsonl")
        try LineFile(path, mode: 0o600, limit: 10).append(Array(line.utf8))
        #expect(try String(contentsOfFile: path, encoding: .utf8) == new)
    }

    @Test func `where nothing can be written it says so`() throws {
        #expect(throws: SystemError.self) { try LineFile("/dev/full", mode: 0o600, limit: 10).append([10]) }
        #expect(throws: SystemError.self) { try LineFile(folder.path("no/x"), mode: 0o600, limit: 10).append([10]) }
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: folder.path("other"))
        #expect(throws: SystemError.self) { try LineFile(path, mode: 0o600, limit: 10).append([10]) }
        #expect(!FileManager.default.fileExists(atPath: folder.path("other")))
    }
}
