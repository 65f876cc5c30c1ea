import Foundation
import Repository
import Testing

/// What the documents name is there.
@Suite struct DocumentsTests {
    private static let documents = [
        "README.md", "Sources/README.md", "Tests/README.md", "initrd/README.md", "initrd/debian/README.md",
        "initrd/dracut/README.md", "initrd/fleet/README.md", "initrd/initramfs-tools/README.md",
        "initrd/mkinitcpio/README.md", "initrd/nixos/README.md", "initrd/rpm/README.md",
        "initrd/systemd/README.md", ".github/CONTRIBUTING.md",
    ]

    private func text(_ document: String) throws -> String {
        try String(contentsOf: Repository.root.appending(path: document), encoding: .utf8)
    }

    private func isThere(_ path: String) -> Bool { FileManager.default.fileExists(atPath: Repository.path(path)) }

    @Test func `the changelog, the spec file, package.nix and the agent have the same version`() throws {
        let agent = try text("Sources/Agent/AgentCommands.swift").firstMatch(of: /version = "([0-9.]+)"/)
        let version = try #require(agent?.1)
        #expect(try text("initrd/debian/changelog").hasPrefix("postern (\(version)) "))
        #expect(try text("initrd/rpm/postern.spec").contains("Version:        \(version)\n"))
        #expect(try text("initrd/nixos/package.nix").contains("version ? \"\(version)\""))
    }

    @Test func `the readme is short`() throws {
        #expect(try text("README.md").split(separator: "\n", omittingEmptySubsequences: false).count <= 181)
    }

    @Test(arguments: documents)
    func `links lead to files`(document: String) throws {
        let folder = (document as NSString).deletingLastPathComponent
        var links = 0
        for match in try text(document).matches(of: /\]\(([^)#]+)\)/) where !match.1.contains("://") {
            links += 1
            let path = URL(filePath: "/\(folder)/\(match.1)").standardized.path
            #expect(isThere(String(path.dropFirst())), "\(match.1)")
        }
        if document == "README.md" { #expect(links >= 5) }
    }

    @Test(arguments: documents)
    func `paths of the repository are there`(document: String) throws {
        let path = /`((?:Sources|Tests|initrd|\.github)\/[A-Za-z0-9_.\/-]+)[^`]*`/
        for match in try text(document).matches(of: path) { #expect(isThere(String(match.1)), "\(match.1)") }
    }

    /// The first block of code behind the heading: names of files and folders of `folder`, each at the start of a line or
    /// behind another.
    @Test(arguments: [
        ("Sources/README.md", "## Code map", "Sources"), ("initrd/README.md", "# Building", "initrd"),
    ])
    func `the map names all that is there`(document: String, heading: String, folder: String) throws {
        let section = try #require(text(document).components(separatedBy: heading).dropFirst().first)
        let map = try #require(section.components(separatedBy: "```").dropFirst().first)
        let words = Set(map.split { $0 == " " || $0 == "\n" }.map { $0.hasSuffix("/") ? $0.dropLast() : $0 })
        let there = try FileManager.default.contentsOfDirectory(atPath: Repository.path(folder))
        #expect(there.count > 10)
        for name in there where name != "README.md" && !name.hasPrefix(".") {
            #expect(words.contains(name[...]), "\(name)")
        }
        for line in map.split(separator: "\n") where !line.hasPrefix(" ") {
            let name = line.prefix { $0 != " " && $0 != "/" }
            #expect(there.contains(String(name)), "\(name)")
        }
    }
}
