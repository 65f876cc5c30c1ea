import TestImages
import TestPeers
import Testing

/// What the agent's own libcrypto must have, which is built with little: what cryptsetup(8) formats here, it opens.
@Suite struct CipherTests {
    private static let hashes = [
        "sha1", "sha224", "sha256", "sha384", "sha512", "sha3-256", "sha3-512", "ripemd160", "whirlpool", "blake2b-512",
        "blake2s-256", "sm3",
    ]
    /// Of key slots, for which no kernel is needed.
    private static let ciphers = [
        "aes-xts-plain64", "aes-cbc-plain", "aes-cbc-essiv:sha256", "aes-ecb", "aes-ctr-plain64",
        "camellia-cbc-essiv:sha256",
    ]

    @Test(arguments: [("luks1", hashes), ("luks2", hashes)])
    func `a volume opens whatever hash it was formatted with`(type: String, hashes: [String]) throws {
        let place = try Workplace()
        let volumes = try hashes.map { hash in
            "\(hash) \(try place.format(hash, type: type, passphrase: "correct horse", options: "--hash \(hash)")) none luks"
        }
        try expectOpen(volumes)
    }

    @Test func `a volume opens whatever cipher its key slots have`() throws {
        let place = try Workplace()
        let volumes = try zip(1..., Self.ciphers).map { number, cipher in
            let size = cipher.contains("xts") ? 512 : 256
            let options = "--cipher \(cipher) --key-size \(size)"
            let image = try place.format("image-\(number)", passphrase: "correct horse", options: options)
            return "volume-\(number) \(image) none luks"
        }
        try expectOpen(volumes)
    }

    private func expectOpen(_ volumes: [String]) throws {
        let agent = try Rehearsal(volumes)
        let unlocked = try agent.ssh(["unlock"], input: .text("correct horse"))
        #expect(unlocked.status == 0, "\(unlocked) \(agent.log)")
        for volume in volumes {
            let name = volume.prefix { $0 != " " }
            #expect(agent.lines(with: "\(name): opened by").count == 1, "\(agent.log)")
        }
    }
}
