import Foundation
import Glibc
import TestPeers
import Testing

/// A rehearsal needs no rights, and changes nothing.
@Suite struct UnprivilegedTests {
    @Test(
        .enabled(if: geteuid() == 0, "it is so in all tests"))
    func `anybody may rehearse, and is confined as far as that goes`() throws {
        let nobody = 65534
        var scene = Scene(["root {FOLDER}/root none luks", "storage-1 {FOLDER}/member /storage.key:LABEL=keys luks"])
        scene.keyVolume = ["storage.key": Materials.keyFile]
        scene.hostKeys = false
        scene.settings = ["HostKey {FOLDER}/host"]
        scene.through = [
            "setpriv", "--reuid=\(nobody)", "--regid=\(nobody)", "--clear-groups", "--bounding-set=-all",
            "--inh-caps=-all",
        ]
        scene.binary = "{FOLDER}/postern"
        let agent = try Rehearsal(scene) { folder, materials in
            let files = FileManager.default
            for (file, name, mode) in [
                (try Rehearsal.binary(), "postern", 0o755), (materials.host[0].path, "host", 0o644),
                (materials.root, "root", 0o444), (materials.members[0], "member", 0o444),
            ] {
                try files.copyItem(atPath: file, toPath: folder.path(name))
                try files.setAttributes([.posixPermissions: mode], ofItemAtPath: folder.path(name))
            }
            try files.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.path("."))
        }
        #expect(try agent.becomes { $0.volume("storage-1")?.state == "open" }, "\(agent.log)")
        let screen = try agent.login()
        #expect(screen.sees("Passphrase for root: "), "\(screen.screen) \(agent.log)")
        let session = try #require(agent.children("session").first)
        #expect(Processes.field("Uid", of: session) == "\(nobody)\t\(nobody)\t\(nobody)\t\(nobody)")
        #expect(Processes.field("Seccomp", of: session) == "2")
        #expect(Processes.field("NoNewPrivs", of: session) == "1")
        #expect(try agent.unlock("wrong").status == 3)
        screen.type("correct horse\r")
        #expect(screen.sees("Boot continues."), "\(screen.screen)")
        #expect(screen.end() == 0)
        #expect(agent.end() == 0)
    }

    @Test func `images are the same afterwards`() throws {
        let materials = try Materials.made.get()
        let names = ["root", "old", "member"]
        var scene = Scene([
            "root {FOLDER}/root none luks,discard", "old {FOLDER}/old none luks",
            "storage-1 {FOLDER}/member /storage.key:LABEL=keys luks",
        ])
        scene.keyVolume = ["storage.key": Materials.keyFile]
        let agent = try Rehearsal(scene) { folder, materials in
            for (file, name) in zip([materials.root, materials.old, materials.members[0]], names) {
                try FileManager.default.copyItem(atPath: file, toPath: folder.path(name))
            }
        }
        let before = try names.map { try FileState(agent.folder.path($0)) }
        #expect(try agent.becomes { $0.volume("storage-1")?.state == "open" && $0.volume("root")?.asks == true })
        #expect(try agent.unlock("wrong").status == 3)
        #expect(try agent.unlock(Materials.passphrase).status == 0)
        #expect(agent.end() == 0)
        #expect(try names.map { try FileState(agent.folder.path($0)) } == before)
        #expect(try Data(contentsOf: URL(filePath: materials.root)) == before[0].content)
        #expect(try FileManager.default.contentsOfDirectory(atPath: agent.folder.path(".")).count == 8)
    }

    /// All of a file that a write would change.
    private struct FileState: Equatable {
        let content: Data
        let changed: Date?

        init(_ path: String) throws {
            content = try Data(contentsOf: URL(filePath: path))
            changed = try FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date
        }
    }
}
