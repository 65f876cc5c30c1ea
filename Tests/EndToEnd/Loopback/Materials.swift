import Foundation
import Glibc
import TestImages
import TestPeers
import Testing

/// Keys and LUKS images that all tests share: making them takes a while, and a rehearsal only reads them.
final class Materials: Sendable {
    /// Opens `root`, `slow`, `detached` and the members.
    static let passphrase = "correct horse"
    /// Opens `data` alone.
    static let other = "battery staple"
    /// The members' key file.
    static let keyFile = "not much of a key"

    let host: [KeyPair]
    let alice: KeyPair
    let bob: KeyPair
    let root: String
    let data: String
    /// LUKS1.
    let old: String
    /// Its key takes two seconds or more to derive.
    let slow: String
    /// Three volumes that the key file opens, too.
    let members: [String]
    /// The body and the header of a volume whose header is detached.
    let detached: (body: String, header: String)
    private let keys: TemporaryFolder
    private let images: Workplace

    /// All of it, or why there is none.
    static let made = Result { try Materials() }

    private init() throws {
        keys = try TemporaryFolder()
        images = try Workplace()
        removeAtExit(keys.path(""))
        removeAtExit(images.path)
        host = [
            try KeyPair(keys, "host-ed25519"), try KeyPair(keys, "host-rsa", type: "rsa", bits: 3072),
        ]
        alice = try KeyPair(keys, "alice")
        bob = try KeyPair(keys, "bob")
        root = try images.format("root", passphrase: Materials.passphrase)
        data = try images.format("data", passphrase: Materials.other)
        old = try images.format("old", type: "luks1", passphrase: Materials.passphrase)
        slow = try images.format("slow", passphrase: Materials.passphrase)
        // The first key slot is another one, so that the shared options' iterations do not count.
        try images.shell(
            """
            printf '%s' '\(Materials.passphrase)' >pass
            printf '%s' '\(Materials.keyFile)' >key
            cryptsetup luksChangeKey -q --pbkdf pbkdf2 --pbkdf-force-iterations 4000000 --key-file pass slow pass
            """)
        let images = images
        members = try (1...3).map { try images.copy(of: "member", as: "member-\($0)") }
        try images.shell("truncate -s 1M body")
        let header = images.file("header")
        detached = (images.file("body"), header)
        try images.shell("cryptsetup luksFormat -q --type luks2 \(cheap) --header header --key-file pass body")
    }
}

extension Workplace {
    /// A member of an array. All have one UUID, which matters to nobody who finds them by their paths.
    fileprivate func copy(of image: String, as name: String) throws -> String {
        if !FileManager.default.fileExists(atPath: file(image)) {
            try format(image, passphrase: Materials.passphrase)
            try shell("cryptsetup luksAddKey -q \(cheap) --key-file pass \(image) key")
        }
        try shell("cp --sparse=always \(image) \(name)")
        return file(name)
    }
}
