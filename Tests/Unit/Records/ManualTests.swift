import Foundation
import Repository
import Testing

@testable import Records

/// What postern(8) says of the records is what the agent writes.
@Suite struct ManualTests {
    /// The section RECORDS.
    private func section() throws -> String {
        let manual = try String(contentsOfFile: Repository.path("initrd/man/postern.8"), encoding: .utf8)
        let start = try #require(manual.firstRange(of: ".Sh RECORDS\n")).upperBound
        let end = try #require(manual[start...].firstRange(of: "\n.Sh ")).lowerBound
        return String(manual[start..<end])
    }

    /// The sources of the agent.
    private func sources() throws -> [String] {
        let folder = Repository.path("Sources")
        let names = try #require(FileManager.default.enumerator(atPath: folder)).compactMap { $0 as? String }
        return try names.filter { $0.hasSuffix(".swift") }.map {
            try String(contentsOfFile: "\(folder)/\($0)", encoding: .utf8)
        }
    }

    /// What stands behind `.It Cm` or `.It Va` in lists of the section.
    private func items(_ macro: String, with part: String = "") throws -> Set<String> {
        let items = try section().split(separator: "\n").filter { $0.hasPrefix(".It \(macro) ") }
        let names = items.flatMap { $0.dropFirst(".It \(macro) ".count).split(separator: " ") }.map(String.init)
        return Set(names.filter { $0 != "," && (part.isEmpty || $0.contains(part)) })
    }

    @Test func `each event of the agent is in the table, and each in the table is one`() throws {
        let events = try sources().flatMap { text in
            text.matches(of: /[^A-Za-z]event\("([a-z-]+)"[,)]/).map { String($0.output.1) }
                + text.matches(of: /event = "([a-z-]+)"/).map { String($0.output.1) }
        }
        #expect(events.count > 10)
        #expect(Set(events) == (try items("Cm")))
    }

    @Test func `each field is in the table`() throws {
        let fields = try sources().flatMap { text in
            text.matches(of: /"POSTERN_([A-Z_]+)"/).map { $0.output.1.lowercased() }
        }
        let documented = try items("Va").filter { !$0.hasPrefix("postern_") }
        #expect(Set(fields).union(["time", "uptime", "level", "message"]) == documented)
    }

    @Test func `each metric is in the table`() throws {
        let names = MetricsTests.some.text.matches(of: /TYPE ([a-z_]+)[ ]/).map { String($0.output.1) }
        #expect(names.count == 7)
        #expect(Set(names) == (try items("Va", with: "postern_")))
    }
}
