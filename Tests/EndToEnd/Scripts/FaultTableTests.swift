import Foundation
import Repository
import Testing

/// The table of faults in Tests/README.md names tests that there are, and every test of a fault.
@Suite struct FaultTableTests {
    private static let root = Repository.root

    /// A row: what happens, and the tests that show how it ends, as `Boot: name`.
    private struct Row {
        let fault: Substring
        let tests: [String]

        /// Whether it runs in `Tests/run --all` alone.
        var isRare: Bool { fault.hasSuffix("*") }
    }

    private let rows: [Row]
    private let readme: String

    init() throws {
        readme = try String(contentsOf: FaultTableTests.root.appending(path: "Tests/README.md"), encoding: .utf8)
        let section = try #require(
            readme.components(separatedBy: "\n## Faults\n").last?.components(separatedBy: "\n## ").first)
        rows = section.split(separator: "\n").filter { $0.hasPrefix("| ") }.dropFirst(2).map { line in
            let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            return Row(
                fault: cells[0][...], tests: cells[2].split(separator: "`").map(String.init).filter { $0 != " " })
        }
    }

    /// The tests in the files of that folder of Tests, as `Boot: name`; `isMeant` chooses files.
    private func tests(in folder: String, _ isMeant: (String) -> Bool = { _ in true }) throws -> Set<String> {
        let name = (folder as NSString).lastPathComponent
        var found: Set<String> = []
        let place = FaultTableTests.root.appending(path: "Tests/\(folder)")
        for file in try FileManager.default.contentsOfDirectory(atPath: place.path)
        where file.hasSuffix(".swift") && isMeant(file) {
            let text = try String(contentsOf: place.appending(path: file), encoding: .utf8)
            // What follows the mark, up to the function's name.
            for part in text.components(separatedBy: "@Test").dropFirst() {
                let mark = #"func\s+`"#
                guard let start = part.range(of: mark, options: .regularExpression) else { continue }
                found.insert("\(name): \(part[start.upperBound...].prefix { $0 != "`" })")
            }
        }
        return found
    }

    private func allTests(_ isMeant: (String) -> Bool = { _ in true }) throws -> Set<String> {
        let folders = ["EndToEnd/Boot", "EndToEnd/Debian", "EndToEnd/Loopback", "Unit/Console", "Unit/Session"]
        return try folders.reduce(into: []) { $0.formUnion(try tests(in: $1, isMeant)) }
    }

    @Test func `every row names tests that there are`() throws {
        #expect(rows.count >= 25)
        let tests = try allTests()
        for row in rows {
            #expect(!row.tests.isEmpty, "\(row.fault)")
            for test in row.tests { #expect(tests.contains(test), "\(row.fault): \(test)") }
        }
    }

    @Test func `every test of a fault is in the table`() throws {
        let tests = try allTests { $0 == "FaultTests.swift" || $0 == "RareFaultTests.swift" }
        #expect(tests.count >= 15)
        #expect(tests.subtracting(rows.flatMap { $0.tests }) == [])
    }

    /// The boots that `Tests/run` leaves out without --all, by what it has swift skip.
    private func leftOut() throws -> Set<String> {
        let script = try String(contentsOf: FaultTableTests.root.appending(path: "Tests/run"), encoding: .utf8)
        var left: Set<String> = []
        for (stage, folder) in [("boot", "Boot"), ("debian", "Debian")] {
            let function = try #require(script.components(separatedBy: "\ntest_\(stage)() {\n").last)
            let body = try #require(function.components(separatedBy: "\n}\n").first)
            let parts = body.matches(of: #/^\tleft=(?:"\$left")?'(.*)'$/#.anchorsMatchLineEndings())
            let pattern = try Regex(parts.map { String($0.1) }.joined())
            let place = FaultTableTests.root.appending(path: "Tests/EndToEnd/\(folder)")
            for file in try FileManager.default.contentsOfDirectory(atPath: place.path) where file.hasSuffix(".swift") {
                for test in try tests(in: "EndToEnd/\(folder)", { $0 == file }) {
                    let name = "\(file.dropLast(".swift".count))/\(test.dropFirst("\(folder): ".count))"
                    if try pattern.firstMatch(in: name) != nil { left.insert(test) }
                }
            }
        }
        return left
    }

    @Test func `a star means that it runs with all alone`() throws {
        let rare = try leftOut()
        #expect(rare.count >= 40)
        for row in rows { #expect(row.isRare == row.tests.allSatisfy { rare.contains($0) }, "\(row.fault)") }
    }

    @Test func `the date of the last run of all is given`() {
        #expect(
            readme.contains(try! Regex("`Tests/run --all`, and last passed\\s+on 20[0-9]{2}-[01][0-9]-[0-3][0-9]")))
    }
}
