import Foundation
import TestImages
import TestPeers
import Testing

/// Another volume where one was meant, and one that encrypts nothing: refused, named, and no passphrase is tried.
@Suite struct IdentityTests {
    let materials: Materials
    let place: Workplace
    let root: String

    init() throws {
        materials = try Materials.made.get()
        place = try Workplace()
        root = "root \(materials.root) none luks"
    }

    private func uuid(_ path: String) throws -> String {
        String(try place.shell("cryptsetup luksUUID \(path)").prefix(36))
    }

    @Test func `a volume with the recorded UUID opens`() throws {
        let agent = try Rehearsal(["\(root),x-postern.uuid=\(uuid(materials.root).uppercased())"])
        let end = try agent.unlock(Materials.passphrase)
        #expect(end.status == 0, "\(end)")
    }

    @Test func `another volume is refused at every prompt and the rest opens`() throws {
        let wanted = "11111111-2222-3333-4444-555555555555"
        // One passphrase opens both.
        var scene = Scene([root, "other \(materials.old) none luks,nofail,x-postern.uuid=\(wanted)"], console: true)
        scene.settings = ["ContinueTimeout 600"]
        let agent = try Rehearsal(scene)
        let reason =
            "\(materials.old) is refused: it is another volume, with the LUKS UUID "
            + "\(try uuid(materials.old)) and not \(wanted); if it is meant, boot with postern=off and build the image again"
        #expect(try agent.becomes { $0.volume("other")?.state == "failed" && $0.volume("root")?.asks == true })
        #expect(try agent.status().volume("other")?.detail == reason)
        #expect(try agent.status().volume("other")?.asks == false)
        #expect(agent.logs("other: \(reason)"), "\(agent.log)")
        let console = try #require(agent.console)
        for terminal in [console, try agent.login()] {
            #expect(terminal.sees("Passphrase for root: "), "\(terminal.screen)")
            // Lines end where the terminal does.
            let words = terminal.screen.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            #expect(words.contains("other: failed: \(reason)") || words.contains("other failed: \(reason)"), "\(words)")
        }
        let end = try agent.unlock(Materials.passphrase)
        #expect(end.status == 0, "\(end)")
        #expect(end.out.contains("root: open (rehearsal)\n") && !end.out.contains("other: open"), "\(end)")
        #expect(end.out.contains("Without other."), "\(end)")
        #expect(agent.end() == 0)
    }

    @Test(arguments: ["luks1", "luks2"])
    func `a null cipher is refused, also by a key file`(type: String) throws {
        let volume = try place.format("volume", type: type, passphrase: Materials.passphrase)
        if type == "luks1" {
            try place.patch("volume", at: 8, "cipher_null\0")
            try place.patch("volume", at: 40, "ecb\0")
        } else {
            try place.forge("volume") { $0.replacing("aes-xts-plain64", with: "cipher_null-ecb") }
        }
        let key = try place.write("key", Array(Materials.passphrase.utf8))
        let agent = try Rehearsal([root, "null \(volume) \(key) luks"], settings: ["ContinueTimeout 1"])
        let reason = "\(volume) is refused: its LUKS header leaves data or a key unencrypted"
        #expect(try agent.becomes { $0.volume("null")?.detail == reason && $0.volume("root")?.asks == true })
        // What the boot cannot do without is waited for.
        let end = try agent.unlock(Materials.passphrase)
        #expect(end.status == 4, "\(end)")
        #expect(end.err.contains(reason), "\(end)")
        #expect(try agent.status().volume("null")?.state == "failed")
        kill(agent.process, SIGTERM)
        #expect(agent.end() == 1)
        #expect(agent.log.contains("the boot's own prompt takes over, also for what failed here: null"), "\(agent.log)")
    }

    /// A disk that is being reencrypted may be in part plain text, so libcryptsetup has to know that its owner began it.
    @Test(arguments: [false, true])
    func `a reencryption opens, and one that was tampered with does not`(isForged: Bool) throws {
        let volume = try place.format("volume", passphrase: Materials.passphrase)
        try place.write("key", Array(Materials.passphrase.utf8))
        try place.shell(
            "cryptsetup reencrypt -q --init-only --force-offline-reencrypt --key-file key \(cheap) volume")
        if isForged { try place.forge("volume") { $0.replacing(#""mode":"reencrypt""#, with: #""mode":"decrypt""#) } }
        let agent = try Rehearsal(["volume \(volume) none luks"])
        #expect(try agent.becomes { $0.volume("volume")?.asks == true })
        let end = try agent.unlock(Materials.passphrase)
        #expect((end.status == 0) == !isForged, "\(end)")
        #expect(end.out.contains("volume: open") == !isForged, "\(end)")
    }
}
