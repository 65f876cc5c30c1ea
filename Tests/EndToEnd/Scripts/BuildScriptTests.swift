import Foundation
import Repository
import TestPeers
import Testing

/// `initrd/build` and `initrd/libraries` when something is wrong: one sentence that names the remedy, and exit status 1.
@Suite struct BuildScriptTests {
    private let folder: TemporaryFolder
    private let root = Repository.root

    init() throws {
        folder = try TemporaryFolder()
        try FileManager.default.createDirectory(atPath: folder.path("empty"), withIntermediateDirectories: true)
        try FileManager.default.createDirectory(atPath: folder.path("sources"), withIntermediateDirectories: true)
    }

    /// Runs a script of `initrd` with a cache of its own, so that nothing made before helps; returns the last line of its
    /// errors.
    private func lastLine(
        of script: String, _ arguments: [String], environment: [String: String] = [:]
    ) throws -> String {
        let settings = ["POSTERN_CACHE": folder.path("cache")].merging(environment) { _, new in new }
        let end = try run(
            root.appending(path: "initrd/\(script)").path, arguments, environment: settings, timeout: 120)
        #expect(end.status == 1)
        return String(end.err.split(separator: "\n").last ?? "")
    }

    private var lock: String {
        get throws { try String(contentsOf: root.appending(path: "initrd/sources.lock"), encoding: .utf8) }
    }

    @Test func `a folder without the tarballs names those it wants`() throws {
        let line = try lastLine(of: "libraries", ["--sources", folder.path("empty")])
        #expect(line.contains("has none of the accepted tarballs of lvm2 (lvm2_"))
        #expect(line.contains("put one there"))
    }

    @Test func `a tarball that is another one than the lock's says so`() throws {
        for line in try lock.split(separator: "\n") where !line.hasPrefix("#") {
            let words = line.split(separator: " ", omittingEmptySubsequences: true)
            try folder.write("not a tarball", to: "sources/\(words[3])")
        }
        let line = try lastLine(of: "libraries", ["--sources", folder.path("sources")])
        #expect(line.contains("has SHA-256"))
        #expect(line.contains("sources.lock says"))
    }

    @Test func `a lock file with a bad line names it`() throws {
        try folder.write("libssh 0.12.2 nothing\n", to: "bad.lock")
        let line = try lastLine(of: "libraries", ["--lock", folder.path("bad.lock")])
        #expect(line.contains("bad.lock is not 'library version sha256 file'"))
    }

    @Test(arguments: ["--lock", "--sources", "--limit"])
    func `a file that is not there is named`(option: String) throws {
        let line = try lastLine(of: "build", [option, folder.path("none")])
        #expect(line.contains("\(option): there is no \(folder.path("none"))"))
        #expect(line.contains("check the path"))
    }

    @Test func `a machine without swift is told to install it`() throws {
        let line = try lastLine(of: "build", [], environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"])
        #expect(line.contains("no swift in PATH: install"))
    }

    @Test func `a cache that cannot be written names the variable`() throws {
        let line = try lastLine(of: "libraries", [], environment: ["POSTERN_CACHE": "/proc/postern"])
        #expect(line.contains("cannot write to the cache /proc/postern: name another folder in POSTERN_CACHE"))
    }

    @Test func `an unknown argument is refused`() throws {
        #expect(try lastLine(of: "build", ["--foo"]).contains("unknown argument --foo"))
    }
}
