import Foundation
import TestPeers
import Testing

/// Key files on a key volume, for which a folder stands in a rehearsal.
@Suite struct KeyFileTests {
    let materials: Materials
    let volumes: [String]
    let key = "/storage.key:UUID=11111111-2222-3333-4444-555555555555"

    init() throws {
        materials = try Materials.made.get()
        volumes = zip(1..., materials.members).map { [key] in "storage-\($0) \($1) \(key) luks" }
    }

    private func scene(_ volumes: [String], _ files: [String: String]) -> Scene {
        var scene = Scene(volumes)
        scene.keyVolume = files
        return scene
    }

    @Test func `members open by themselves and the boot goes on`() throws {
        let agent = try Rehearsal(scene(volumes, ["storage.key": Materials.keyFile]))
        #expect(agent.end() == 0, "\(agent.log)")
        for index in 1...3 {
            #expect(agent.lines(with: "storage-\(index): opened by key file /storage.key on UUID=1111").count == 1)
        }
    }

    @Test func `offset and size choose a part of the file`() throws {
        let options = ",keyfile-offset=4,keyfile-size=\(Materials.keyFile.utf8.count)"
        let agent = try Rehearsal(scene([volumes[0] + options], ["storage.key": "skip\(Materials.keyFile)rest"]))
        #expect(agent.end() == 0, "\(agent.log)")
    }

    /// What may stand in the place of the key file.
    enum Wrong: String, CaseIterable {
        case missing = "No such file or directory"
        case empty = "is empty"
        case folder = "is not a regular file"
        case link = "lies behind a symbolic link, which is not followed there"
        case wrongKey = "does not open it"

        func put(at path: String) throws {
            switch self {
            case .missing: break
            case .empty: try Data().write(to: URL(filePath: path))
            case .folder: try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            case .link: try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/etc/hostname")
            case .wrongKey: try Data("another key".utf8).write(to: URL(filePath: path))
            }
        }
    }

    @Test(arguments: Wrong.allCases)
    func `a key file that is of no use is named, and a passphrase opens the members`(wrong: Wrong) throws {
        let root = "root \(materials.root) none luks"
        let agent = try Rehearsal(scene([root] + volumes, [:])) { folder, _ in
            try FileManager.default.createDirectory(
                atPath: folder.path("key-volume"), withIntermediateDirectories: false)
            try wrong.put(at: folder.path("key-volume/storage.key"))
        }
        #expect(try agent.becomes { $0.volumes.allSatisfy { $0.asks } }, "\(agent.log)")
        for volume in try agent.status().volumes.dropFirst() {
            #expect(volume.state == "locked")
            #expect(volume.detail.hasPrefix("key file /storage.key "), "\(volume)")
            #expect(volume.detail.hasSuffix(wrong.rawValue), "\(volume)")
        }
        #expect(try agent.ssh(["status"]).out.contains(wrong.rawValue))
        let screen = try agent.login()
        #expect(screen.sees("storage-1  locked: key file /storage.key "), "\(screen.screen)")
        #expect(screen.sees("Passphrase for root, storage-1, storage-2, storage-3: "), "\(screen.screen)")
        screen.type("correct horse\r")
        for index in 1...3 { #expect(screen.screen.contains("storage-\(index)")) }
        #expect(screen.sees("Boot continues."), "\(screen.screen)")
        #expect(screen.end() == 0)
        #expect(agent.end() == 0)
    }

    @Test func `a rehearsal without a folder for the key volume says so`() throws {
        let agent = try Rehearsal(volumes)
        #expect(try agent.becomes { $0.volumes.allSatisfy { $0.asks } }, "\(agent.log)")
        #expect(
            try agent.status().notices == [
                "key file /storage.key on UUID=11111111-2222-3333-4444-555555555555: a rehearsal mounts nothing; "
                    + "name a folder in its place with --key-volume"
            ])
        #expect(try agent.unlock(Materials.passphrase).status == 0)
    }

    @Test func `a key file beside the volumes opens them`() throws {
        let agent = try Rehearsal(
            Scene(["root \(materials.root) none luks", "storage-1 \(materials.members[0]) {FOLDER}/key luks"])
        ) { folder, _ in try folder.write(Materials.keyFile, to: "key") }
        #expect(try agent.becomes { $0.volume("storage-1")?.state == "open" })
        let end = try agent.unlock(Materials.passphrase)
        #expect(end.status == 0, "\(end)")
        // It was open already.
        #expect(end.out.hasPrefix("root: open (rehearsal)\nBoot continues.\n"), "\(end)")
    }

    /// Debian has no such keys.
    @Test func `systemd's key of the volume's name opens it with nobody there, and a passphrase where it is wrong`()
        throws
    {
        let name = "postern-test-\(UUID().uuidString)"
        let (folder, path) = ("/run/cryptsetup-keys.d", "/run/cryptsetup-keys.d/\(name).key")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let line = "\(name) \(materials.members[0]) none luks"
        try Data(Materials.keyFile.utf8).write(to: URL(filePath: path))
        let unattended = try Rehearsal([line], settings: ["Initrd systemd"])
        #expect(unattended.end() == 0, "\(unattended.log)")
        #expect(unattended.lines(with: "\(name): opened by key file \(path)").count == 1)
        let debian = try Rehearsal([line], settings: ["Initrd initramfs-tools"])
        #expect(try debian.becomes { $0.volume(name)?.asks == true }, "\(debian.log)")
        #expect(try debian.status().volume(name)?.detail == "")

        try Data("another key".utf8).write(to: URL(filePath: path))
        let wrong = try Rehearsal([line], settings: ["Initrd systemd"])
        #expect(try wrong.becomes { $0.volume(name)?.asks == true }, "\(wrong.log)")
        #expect(try wrong.status().volume(name)?.detail == "key file \(path) does not open it")
        #expect(try wrong.unlock(Materials.passphrase).status == 0)
    }

    @Test func `only the key slot that crypttab names is tried`() throws {
        let agent = try Rehearsal(
            ["storage-1 \(materials.members[0]) none luks,key-slot=1", "old \(materials.old) none luks,key-slot=0"])
        #expect(try agent.becomes { $0.volumes.allSatisfy { $0.asks } })
        let end = try agent.unlock(Materials.passphrase)
        #expect(end.status == 4, "\(end)")
        #expect(end.out == "old: open (rehearsal)\n", "\(end)")
        #expect(try agent.unlock(Materials.keyFile).status == 0)
    }
}
