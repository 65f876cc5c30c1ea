import Foundation
import TestPeers
import Testing

@testable import Check

/// What `postern check` unpacks lies in a folder that it has locked, and what it has left behind is removed later.
@Suite struct WorkFolderTests {
    private let home: TemporaryFolder

    init() throws { home = try TemporaryFolder() }

    private var names: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: home.path("")).sorted() }
    }

    private func make(_ name: String, mode: Int = 0o700) throws {
        try FileManager.default.createDirectory(
            atPath: home.path(name), withIntermediateDirectories: false, attributes: [.posixPermissions: mode])
        try home.write("secret", to: name + "/key")
    }

    @Test func `a folder that is in use is kept, and one that was left is removed with all that is in it`() throws {
        let work = try WorkFolder(in: home.path(""))
        try Data("secret".utf8).write(to: URL(filePath: work.path + "/key"))
        try make("postern-check.aaaaaa")
        #expect(WorkFolder.removeLeft(in: home.path("")).isEmpty)
        #expect(try names.count == 1 && FileManager.default.fileExists(atPath: work.path + "/key"))
        work.remove()
        #expect(try names.isEmpty)
    }

    @Test func `what this user does not have to himself, a link, and what is called otherwise stay`() throws {
        try make("postern-check.aaaaaa", mode: 0o755)
        try make("postern-check.bbbbbbb")
        try make("postern-check.cccccc")
        // Only root can give a folder away.
        let isRoot = geteuid() == 0
        if isRoot { #expect(chown(home.path("postern-check.cccccc"), 65534, 65534) == 0) }
        try make("target")
        try FileManager.default.createSymbolicLink(
            atPath: home.path("postern-check.dddddd"), withDestinationPath: home.path("target"))
        try home.write("secret", to: "postern-check.eeeeee")
        let before = try names
        #expect(WorkFolder.removeLeft(in: home.path("")).isEmpty)
        #expect(try names == before.filter { isRoot || $0 != "postern-check.cccccc" })
        #expect(FileManager.default.fileExists(atPath: home.path("target/key")))
    }
}
