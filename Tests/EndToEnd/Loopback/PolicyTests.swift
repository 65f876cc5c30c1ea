import Foundation
import TestPeers
import Testing

/// When the boot goes on although volumes are missing, and how they are named.
@Suite struct PolicyTests {
    let materials: Materials
    let root: String
    let missing = "storage-9 /nowhere/storage-9 none luks"

    init() throws {
        materials = try Materials.made.get()
        root = "root \(materials.root) none luks"
    }

    private func members(_ count: Int) -> [String] {
        zip(1...count, materials.members).map { "storage-\($0) \($1) none luks" }
    }

    private func checkGoesOn(_ agent: Rehearsal, without names: String) throws {
        #expect(try agent.becomes { $0.volume("root")?.asks == true && $0.volumes.count { $0.asks } >= 1 })
        let end = try agent.unlock(Materials.passphrase)
        #expect(end.status == 0, "\(end)")
        #expect(end.out.contains("root: open (rehearsal)\n"))
        #expect(end.out.contains("Without \(names).\nBoot continues.\n"), "\(end)")
        #expect(agent.end() == 0)
        #expect(agent.log.contains("the boot goes on. Without \(names)."), "\(agent.log)")
    }

    @Test func `a quorum is enough`() throws {
        let agent = try Rehearsal(
            [root] + members(2) + [missing], settings: ["Array storage quorum=2 storage-*", "ContinueTimeout 1"])
        #expect(try agent.becomes { $0.volumes.count { $0.asks } == 3 })
        #expect(try agent.status().notices == ["storage needs 2 of its 3 members"])
        try checkGoesOn(agent, without: "storage-9")
    }

    @Test func `any member is enough`() throws {
        let agent = try Rehearsal(
            [root] + members(1) + [missing, "storage-8 /nowhere/storage-8 none luks"],
            settings: ["Array storage any storage-*", "ContinueTimeout 1"])
        #expect(try agent.becomes { $0.volumes.count { $0.asks } == 2 })
        try checkGoesOn(agent, without: "storage-9, storage-8")
    }

    @Test func `all members are waited for`() throws {
        let agent = try Rehearsal(
            [root] + members(2) + [missing], settings: ["Array storage all storage-*", "ContinueTimeout 1"])
        #expect(try agent.becomes { $0.volumes.count { $0.asks } == 3 })
        let end = try agent.unlock(Materials.passphrase)
        #expect(end.status == 5, "\(end)")
        #expect(end.err.contains("storage-9: device /nowhere/storage-9 is missing."), "\(end)")
        #expect(try agent.status().continues == false)
    }

    @Test func `a quorum that is not met is waited for`() throws {
        let agent = try Rehearsal(
            [root] + members(1) + [missing, "storage-8 /nowhere/storage-8 none luks"],
            settings: ["Array storage quorum=2 storage-*", "ContinueTimeout 1"])
        #expect(try agent.becomes { $0.volumes.count { $0.asks } == 2 })
        let end = try agent.unlock(Materials.passphrase)
        #expect(end.status == 5, "\(end)")
        #expect(end.err.contains("storage-9: device /nowhere/storage-9 is missing"), "\(end)")
        #expect(try agent.status().notices == ["storage needs 2 of its 3 members"])
    }

    @Test func `nofail is not waited for long`() throws {
        let agent = try Rehearsal(
            [root, "data /nowhere/data none luks,nofail"], settings: ["ContinueTimeout 1"])
        try checkGoesOn(agent, without: "data")
    }

    @Test func `a locked nofail volume is left too`() throws {
        let agent = try Rehearsal(
            [root, "data \(materials.data) none luks,nofail"], settings: ["ContinueTimeout 1"])
        #expect(try agent.becomes { $0.volumes.allSatisfy { $0.asks } })
        try checkGoesOn(agent, without: "data")
    }

    @Test func `the wait for the rest is shown and one of them ends it`() throws {
        let agent = try Rehearsal(
            [root, "data \(materials.data) none luks,nofail"], settings: ["ContinueTimeout 600"])
        let screen = try agent.login()
        #expect(screen.sees("Passphrase for root, data: "), "\(screen.screen)")
        screen.type("correct horse\r")
        #expect(screen.sees("Passphrase for data: "), "\(screen.screen)")
        #expect(agent.logs("the boot can go on; waiting for data"), "\(agent.log)")
        #expect(try agent.status().notices == ["the boot can go on; it waits up to 600 s for data"])
        screen.type("battery staple\r")
        #expect(screen.sees("Boot continues."), "\(screen.screen)")
        #expect(!screen.screen.contains("Without"))
        #expect(screen.end() == 0)
    }

    @Test func `what is the native opener's is left`() throws {
        let agent = try Rehearsal(
            [
                root, "swap /dev/vda9 /dev/urandom swap", "tpm \(materials.data) none luks,tpm2-device=auto",
                "kept \(materials.old) none luks,tpm2-device=auto",
            ], settings: ["Volume kept take"])
        #expect(try agent.becomes { $0.volumes.count { $0.asks } == 2 })
        #expect(try agent.status().volumes.map { $0.state } == ["locked", "left", "left", "locked"])
        let end = try agent.unlock(Materials.passphrase)
        #expect(end.status == 0, "\(end)")
        #expect(!end.out.contains("Without"), "\(end)")
    }
}
