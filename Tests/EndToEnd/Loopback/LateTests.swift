import Foundation
import Glibc
import TestPeers
import Testing

/// Devices and headers that appear while somebody waits, noticed by inotify(7).
@Suite struct LateTests {
    let materials: Materials
    init() throws { materials = try Materials.made.get() }

    /// Puts a file into place at once, as udev does with its links.
    private func put(_ file: String, at path: String) throws {
        try FileManager.default.copyItem(atPath: file, toPath: path + ".new")
        try FileManager.default.moveItem(atPath: path + ".new", toPath: path)
    }

    @Test func `a device that appears late is asked for`() throws {
        let agent = try Rehearsal(Scene(["late {FOLDER}/late none luks"]))
        let screen = try agent.login()
        #expect(screen.sees("waits for its device"), "\(screen.screen)")
        #expect(screen.sees("Waiting for late"), "\(screen.screen)")
        try put(materials.root, at: agent.folder.path("late"))
        #expect(screen.sees("late: locked"), "\(screen.screen)")
        #expect(screen.sees("Passphrase for late: "), "\(screen.screen)")
        screen.type("correct horse\r")
        #expect(screen.sees("Boot continues."))
        #expect(screen.end() == 0)
        #expect(agent.end() == 0)
    }

    @Test func `a folder that appears late is watched too`() throws {
        let agent = try Rehearsal(Scene(["late {FOLDER}/some/where/late none luks"]))
        let screen = try agent.login()
        #expect(screen.sees("Waiting for late"))
        let folder = agent.folder.path("some/where")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try put(materials.root, at: folder + "/late")
        #expect(screen.sees("Passphrase for late: "), "\(screen.screen)")
        // It goes, and comes again.
        try FileManager.default.moveItem(atPath: folder + "/late", toPath: folder + "/gone")
        #expect(screen.sees("late: waits for its device"), "\(screen.screen)")
        try FileManager.default.moveItem(atPath: folder + "/gone", toPath: folder + "/late")
        #expect(screen.sees("Passphrase for late: "), "\(screen.screen)")
        screen.type("correct horse\r")
        #expect(screen.end() == 0, "\(screen.screen)")
        #expect(agent.end() == 0)
    }

    @Test func `a passphrase that came first is tried on a late device`() throws {
        let agent = try Rehearsal(Scene(["late {FOLDER}/late none luks"], settings: ["ContinueTimeout 600"]))
        let unlock = Later { try agent.unlock(Materials.passphrase) }
        #expect(agent.logs("login of"))
        try put(materials.root, at: agent.folder.path("late"))
        let end = try unlock.value()
        #expect(end.status == 0, "\(end)")
        #expect(agent.end() == 0)
    }

    @Test func `a detached header that appears late is read`() throws {
        let agent = try Rehearsal(Scene(["split \(materials.detached.body) none luks,header={FOLDER}/header"]))
        let screen = try agent.login()
        let header = agent.folder.path("header")
        #expect(screen.sees("its header"), "\(screen.screen)")
        #expect(screen.sees("Waiting for split"), "\(screen.screen)")
        #expect(try agent.status().volume("split")?.detail == "its header \(header) is missing")
        try put(materials.detached.header, at: header)
        #expect(screen.sees("Passphrase for split: "), "\(screen.screen)")
        screen.type("correct horse\r")
        #expect(screen.sees("Boot continues."))
        #expect(screen.end() == 0)
        #expect(agent.end() == 0)
    }

    @Test func `what is no volume is named and mended in place`() throws {
        let agent = try Rehearsal(Scene(["root {FOLDER}/root none luks"])) { folder, _ in
            try folder.write("this is no LUKS header", to: "root")
        }
        let screen = try agent.login()
        #expect(screen.sees("root  failed: "), "\(screen.screen)")
        try put(materials.root, at: agent.folder.path("other"))
        // It takes the other one's place at once: there is no moment without either.
        rename(agent.folder.path("other"), agent.folder.path("root"))
        #expect(screen.sees("Passphrase for root: "), "\(screen.screen)")
        screen.type("correct horse\r")
        #expect(screen.end() == 0, "\(screen.screen)")
    }
}
