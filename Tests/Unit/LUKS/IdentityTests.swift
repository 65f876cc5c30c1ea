import Foundation
import LUKS
import TestImages
import Testing

/// What is refused before any key is tried. In the suite of the other volumes, for these tests use libcryptsetup, too.
///
/// cryptsetup(8) makes null ciphers only where the kernel lends it some, so the images are its own ones, changed by hand
/// as a forger would.
extension VolumeTests {
    /// Why the volume is refused, or `nil`.
    private func refusal(_ image: String, uuid: String? = nil, header: String? = nil) throws -> LUKSError? {
        let volume = try LUKSVolume(device: image, header: header, log: LibraryLog())
        do throws(LUKSError) {
            try volume.require(uuid: uuid)
            return nil
        } catch { return error }
    }

    @Test(arguments: ["luks1", "luks2"])
    func `another UUID than the one that was meant is refused`(type: String) throws {
        let image = try place.format("image", type: type)
        let uuid = try place.shell("cryptsetup luksUUID image").trimmed
        #expect(try refusal(image) == nil)
        #expect(try refusal(image, uuid: uuid) == nil)
        #expect(try refusal(image, uuid: uuid.uppercased()) == nil)
        let wanted = "11111111-2222-3333-4444-555555555555"
        let error = try refusal(image, uuid: wanted)
        #expect(error == .anotherVolume(path: image, uuid: uuid, wanted: wanted))
        #expect(
            error?.description
                == "\(image) is refused: it is another volume, with the LUKS UUID \(uuid) and not \(wanted); if it is meant, boot with postern=off and build the image again"
        )
        #expect(try refusal(image, uuid: "") != nil)
        #expect(try refusal(image, uuid: String(uuid.dropLast())) != nil)
    }

    @Test func `the UUID is that of a detached header`() throws {
        try place.shell("truncate -s 20M head")
        // The device carries a header of its own besides.
        let image = try place.format("image")
        let own = try place.shell("cryptsetup luksUUID image").trimmed
        try place.shell("printf 1234 | cryptsetup luksFormat -q --type luks2 \(cheap) --header head image -")
        let uuid = try place.shell("cryptsetup luksUUID head").trimmed
        #expect(try refusal(image, uuid: uuid, header: place.file("head")) == nil)
        #expect(try refusal(image, uuid: own, header: place.file("head")) != nil)
    }

    @Test(
        arguments: [
            // The key slot's cipher is another one, so that one of the two can be changed alone.
            ("aes-xts-plain64", "cipher_null-ecb"), ("aes-xts-plain64", "null"),
            ("aes-xts-plain64", "capi:ecb(cipher_null)-plain"), ("aes-xts-plain64", "capi:ecb-cipher_null-plain"),
            (#""encryption":"aes-xts-plain64""#, #""none":"""#),
            ("aes-cbc-essiv:sha256", "cipher_null-ecb"), ("aes-cbc-essiv:sha256", "null"),
        ])
    func `a LUKS2 header that leaves data or a key unencrypted is refused`(cipher: String, forged: String) throws {
        let image = try place.format(
            "image", options: "--keyslot-cipher aes-cbc-essiv:sha256 --keyslot-key-size 256")
        #expect(try refusal(image) == nil)
        try place.forge("image") { text in
            let isData = cipher.contains("aes-xts")
            let linear = text.replacing(#""type":"crypt""#, with: #""type":"linear""#)
            return (isData && forged.contains("none") ? linear : text).replacing(cipher, with: forged)
        }
        #expect(try refusal(image) == .plainText(path: image))
    }

    @Test func `what a token says is no cipher`() throws {
        let image = try place.format("image")
        try place.shell(
            """
            echo '{"type":"clevis","keyslots":["0"],"jwe":{"pin":"null","encryption":"null"},"note":"cipher_null"}' |
                cryptsetup token import image
            """)
        #expect(try refusal(image) == nil)
    }

    @Test(
        arguments: [("cipher_null", "ecb"), ("capi:ecb", "cipher_null-plain")])
    func `a LUKS1 header with a null cipher is refused`(cipher: String, mode: String) throws {
        let image = try place.format("image", type: "luks1")
        try place.patch("image", at: 8, cipher + "\0")
        try place.patch("image", at: 40, mode + "\0")
        #expect(try refusal(image) == .plainText(path: image))
    }

    @Test(
        arguments: ["--encrypt --type luks2 --reduce-device-size 32M", "--decrypt --header head", ""])
    func `a disk that is being encrypted, decrypted or reencrypted in place is not refused`(options: String) throws {
        try place.shell("printf 1234 > key; truncate -s 52M image; truncate -s 20M head")
        if options.hasPrefix("--d") {
            try place.shell("cryptsetup luksFormat -q --type luks2 \(cheap) --header head image key")
        } else if options.isEmpty {
            try place.format("image")
        }
        try place.shell(
            """
            cryptsetup reencrypt -q --init-only --force-offline-reencrypt --key-file key \
                \(options.hasPrefix("--d") ? "" : cheap) \(options) image
            """)
        let header = options.hasPrefix("--d") ? place.file("head") : nil
        #expect(try refusal(place.file("image"), header: header) == nil)
    }

    @Test func `a null cipher of which a disk is being reencrypted is refused`() throws {
        let image = try place.format("image")
        try place.shell(
            "printf 1234 > key; cryptsetup reencrypt -q --init-only --force-offline-reencrypt --key-file key \(cheap) image"
        )
        try place.forge("image") { text in
            // The first is the key slots', the last what it is to become.
            guard let last = text.range(of: "aes-xts-plain64", options: .backwards) else { return text }
            return text.replacingCharacters(in: last, with: "cipher_null-ecb")
        }
        #expect(try refusal(image) == .plainText(path: image))
    }
}
