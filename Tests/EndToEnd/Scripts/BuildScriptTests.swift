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
        let line = try lastLine(of: "sources", ["--sources", folder.path("empty"), "openssl"])
        #expect(line.contains("has none of the accepted tarballs of openssl (openssl_"))
        #expect(line.contains("put one there"))
    }

    @Test func `a tarball that is another one than the lock's says so`() throws {
        for line in try lock.split(separator: "\n") where !line.hasPrefix("#") {
            let words = line.split(separator: " ", omittingEmptySubsequences: true)
            try folder.write("not a tarball", to: "sources/\(words[3])")
        }
        let line = try lastLine(of: "sources", ["--sources", folder.path("sources"), "openssl"])
        #expect(line.contains("has SHA-256"))
        #expect(line.contains("sources.lock says"))
    }

    /// Mirrors list a version for hours or days before, and after, they have its files.
    @Test(arguments: [
        (["1.1", "1.0"], 1, "the mirror lists openssl_1.1.orig.tar.gz openssl_1.0.orig.tar.gz, but did not send it:"),
        (["1.1"], 0, ""),
    ])
    func `where the mirror lists a tarball and does not send it, the next accepted one is taken`(
        unsent: [String], status: Int32, said: String
    ) throws {
        let sum = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
        try folder.write(
            ["1.1", "1.0"].map { "openssl \($0) \(sum) openssl_\($0).orig.tar.gz\n" }.joined(), to: "two.lock")
        try FileManager.default.createDirectory(atPath: folder.path("bin"), withIntermediateDirectories: true)
        // Stands for apt and the mirror behind it.
        try folder.write(
            """
            #!/bin/sh
            for word; do last=$word; done
            case "$*" in
            *indextargets*) echo http://mirror.invalid/debian ;;
            *showsrc*)
                for version in 1.1 1.0; do
                    printf 'Version: %s-1\\nChecksums-Sha256:\\n %s 6 openssl_%s.orig.tar.gz\\n\\n' $version \(sum) $version
                done
                ;;
            *" source "*)
                version=${last#openssl=}
                case " \(unsent.joined(separator: " ")) " in *" ${version%-1} "*) exit 100 ;; esac
                echo hello >"openssl_${version%-1}.orig.tar.gz"
                ;;
            esac

            """, to: "bin/apt-get")
        chmod(folder.path("bin/apt-get"), 0o755)
        try FileManager.default.createSymbolicLink(
            atPath: folder.path("bin/apt-cache"), withDestinationPath: "apt-get")
        let end = try run(
            root.appending(path: "initrd/sources").path, ["--lock", folder.path("two.lock"), "openssl"],
            environment: [
                "POSTERN_CACHE": folder.path("cache"), "PATH": "\(folder.path("bin")):/usr/sbin:/usr/bin:/sbin:/bin",
            ], timeout: 120)
        #expect(end.status == status, "\(end)")
        if status == 0 {
            #expect(end.out.hasSuffix("/cache/sources/openssl_1.0.orig.tar.gz\n"), "\(end)")
        } else {
            #expect(end.err.split(separator: "\n").last?.contains(said) == true, "\(end)")
        }
    }

    @Test func `a lock file with a bad line names it`() throws {
        try folder.write("libssh 0.12.2 nothing\n", to: "bad.lock")
        let line = try lastLine(of: "sources", ["--lock", folder.path("bad.lock"), "libssh"])
        #expect(line.contains("bad.lock is not 'library version sha256 file'"))
    }

    @Test(arguments: ["flawed", "changed"])
    func `a package of the sysroot that is another one than the lock's, or a bad line, says so`(fault: String) throws {
        let sum = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
        try folder.write("not a package", to: "sources/libc6-dev_1_amd64.deb")
        try folder.write(
            fault == "changed" ? "amd64 libc6-dev 1 \(sum) libc6-dev_1_amd64.deb\n" : "amd64 libc6-dev 1\n",
            to: "one.lock")
        let words = ["--arch", "amd64", "--lock", folder.path("one.lock"), "--sources", folder.path("sources")]
        let line = try lastLine(of: "sysroot", words)
        #expect(
            line.contains(
                fault == "changed"
                    ? "libc6-dev_1_amd64.deb is another one than the lock file's: do not build with it"
                    : "one.lock is not 'architecture package version sha256 file': mend it"))
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

    private struct Components: Decodable {
        struct Package: Decodable {
            let name: String
            let SPDXID: String
        }
        struct Relationship: Decodable {
            let spdxElementId: String
            let relationshipType: String
            let relatedSpdxElement: String
        }
        let packages: [Package]
        let relationships: [Relationship]
    }

    @Test func `what is linked is listed for both programs`() throws {
        let end = try run(root.appending(path: "initrd/sbom").path, [], timeout: 120)
        #expect(end.status == 0 && end.err == "", "\(end.err)")
        let found = try JSONDecoder().decode(Components.self, from: Data(end.out.utf8))
        let names = Set(found.packages.map { $0.name })
        let libraries: Set = ["libssh", "cryptsetup", "lvm2", "openssl", "libc6-dev", "libargon2-dev", "swift"]
        #expect(names.isSuperset(of: libraries.union(["postern", "postern-initrd"])), "\(names)")
        let linked = found.relationships.filter { $0.relationshipType == "STATIC_LINK" }
        for program in ["postern", "postern-initrd"] {
            let id = try #require(found.packages.first { $0.name == program }).SPDXID
            let theirs = Set(linked.filter { $0.spdxElementId == id }.map { $0.relatedSpdxElement })
            #expect(theirs.count == names.count - 2, "\(program): \(theirs)")
        }
    }
}
