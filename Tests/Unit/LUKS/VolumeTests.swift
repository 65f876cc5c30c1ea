import CLinux
import Foundation
import LUKS
import Linux
import TestImages
import Testing

/// libcryptsetup is not thread-safe, so all of its tests run one after the other.
@Suite(.serialized) struct VolumeTests {
    let place: Workplace

    init() throws { place = try Workplace() }

    private func open(_ device: String, header: String? = nil) throws -> LUKSVolume {
        try LUKSVolume(device: device, header: header, log: LibraryLog())
    }

    /// The slot that opens, or `nil` for a wrong passphrase.
    private func slot(_ volume: borrowing LUKSVolume, _ passphrase: String, keySlot: Int32? = nil) throws -> Int32? {
        switch try volume.tryPassphrase(try secret(passphrase), keySlot: keySlot) {
        case .wrong: nil
        case .right(let slot, _): slot
        }
    }

    @Test(arguments: ["luks1", "luks2"], ["", "--header head"])
    func `a real image opens with its passphrase alone`(type: String, options: String) throws {
        try place.shell("truncate -s 20M head")
        let image = try place.format("image", type: type, options: options)
        let volume = try open(image, header: options.isEmpty ? nil : place.file("head"))
        let (version, uuid) = (volume.version, volume.uuid)
        #expect(version == (type == "luks1" ? 1 : 2))
        #expect(try uuid == place.shell("cryptsetup luksUUID \(options.isEmpty ? "image" : "head")").trimmed)
        #expect(try slot(volume, "1234") == 0)
        #expect(try slot(volume, "wrong") == nil)
        #expect(try slot(volume, "1234\n") == nil)
        #expect(try slot(volume, "") == nil)
    }

    @Test(arguments: ["luks1", "luks2"])
    func `the volume key is the one that cryptsetup(8) dumps`(type: String) throws {
        let image = try place.format("image", type: type)
        try place.shell(
            "printf 1234 | cryptsetup luksDump -q --dump-volume-key --volume-key-file key --key-file - image")
        guard case .right(_, let key?) = try open(image).tryPassphrase(try secret("1234"), keySlot: nil) else {
            Issue.record("no volume key")
            return
        }
        #expect(try bytes(key) == place.bytes("key"))
    }

    @Test func `a key slot is tried alone when named`() throws {
        let image = try place.format("image")
        try place.shell(
            """
            printf five > five; printf seven > seven; printf 1234 > first
            cryptsetup luksAddKey -q \(cheap) --key-slot 5 --key-file first image five
            cryptsetup luksAddKey -q \(cheap) --key-slot 7 --unbound --key-size 512 image seven
            """)
        let volume = try open(image)
        #expect(try slot(volume, "five") == 5)
        #expect(try slot(volume, "five", keySlot: 5) == 5)
        #expect(try slot(volume, "1234", keySlot: 5) == nil)
        #expect(try slot(volume, "seven") == nil, "an unbound slot opens nothing")
        for unused: Int32 in [3, 7, 31, 99, -5] {
            #expect(throws: LUKSError.unusedKeySlot(path: image, slot: unused)) {
                _ = try volume.tryPassphrase(try secret("seven"), keySlot: unused)
            }
        }
    }

    @Test func `all bytes of a key file count`() throws {
        let key: [UInt8] = [0, 10, 255, 0, 10]
        let path = try place.write("key", key)
        try place.shell("truncate -s 20M image; cryptsetup luksFormat -q \(cheap) image \(path)")
        let volume = try open(place.file("image"))
        guard case .right(0, _) = try volume.tryPassphrase(try secret(key), keySlot: nil) else {
            Issue.record("the whole key opens nothing")
            return
        }
        guard case .wrong = try volume.tryPassphrase(try secret(Array(key.dropLast())), keySlot: nil) else {
            Issue.record("a part of the key opens it")
            return
        }
    }

    @Test func `an empty passphrase is one`() throws {
        try place.shell("truncate -s 20M image; : > empty; cryptsetup luksFormat -q \(cheap) image empty")
        #expect(try slot(open(place.file("image")), "") == 0)
    }

    @Test func `tells the memory of the slots that would be tried`() throws {
        let image = try place.format("image")
        try place.shell(
            """
            printf 1234 > first; printf b > second; printf c > third
            cryptsetup luksAddKey -q \(argon2(memory: 64)) --key-slot 1 --key-file first image second
            cryptsetup luksAddKey -q \(argon2(memory: 4096)) --key-slot 2 --key-file first image third
            """)
        let volume = try open(image)
        for (slot, memory) in [(nil, 4096), (0, 0), (1, 64), (9, 0)] as [(Int32?, UInt32)] {
            let told = volume.derivationMemory(keySlot: slot)
            #expect(told == memory)
        }
        #expect(try slot(volume, "b") == 1)
        try place.shell("cryptsetup config image --key-slot 2 --priority ignore")
        let (rest, named) = (try memory(image, nil), try memory(image, 2))
        #expect(rest == 64)
        #expect(named == 4096)
        let old = try memory(place.format("old", type: "luks1"), nil)
        #expect(old == 0)
    }

    private func memory(_ image: String, _ slot: Int32?) throws -> UInt32 {
        let volume = try open(image)
        return volume.derivationMemory(keySlot: slot)
    }

    private func tokens(_ image: String) throws -> [String] {
        let volume = try open(image)
        return volume.tokenTypes
    }

    @Test func `names the types of tokens that open a key slot`() throws {
        let image = try place.format("image")
        // A slot whose key is not the volume's.
        try place.shell(
            "printf 1234 > key; printf 5678 > new; cryptsetup luksAddKey -q \(cheap) --unbound --key-size 256 "
                + "--key-file key image new")
        for (type, slots) in [
            ("clevis", #""0""#), ("left-over", ""), ("unbound", #""1""#), ("x-other", #""1","0""#),
        ] {
            try place.shell("echo '{\"type\":\"\(type)\",\"keyslots\":[\(slots)]}' | cryptsetup token import image")
        }
        #expect(try tokens(image) == ["clevis", "x-other"])
        #expect(try tokens(place.format("old", type: "luks1")) == [])
    }

    @Test(
        arguments: [
            ("luks1", "", "", [("aes-xts-plain64", "")]),
            ("luks2", "", "", [("aes-xts-plain64", ""), ("aes-cbc-essiv:sha256", "")]),
            (
                "luks2", #""encryption":"aes-xts-plain64""#, #""encryption":"xchacha12,aes-adiantum-plain64""#,
                [("xchacha12,aes-adiantum-plain64", ""), ("aes-cbc-essiv:sha256", "")]
            ),
            (
                "luks2", #""encryption":"aes-xts-plain64""#,
                #""integrity":{"type":"hmac(sha256)","journal_encryption":"none","journal_integrity":"none"},"#
                    + #""encryption":"serpent-xts-random""#,
                [("serpent-xts-random", "hmac(sha256)"), ("aes-cbc-essiv:sha256", "")]
            ),
        ] as [(String, String, String, [(String, String)])])
    func `tells what the data and the key slots are encrypted with, and nothing that stands elsewhere`(
        type: String, old: String, new: String, expected: [(String, String)]
    ) throws {
        let options = type == "luks1" ? "" : "--keyslot-cipher aes-cbc-essiv:sha256 --keyslot-key-size 256"
        let image = try place.format("image", type: type, options: options)
        if type == "luks2" {
            try place.shell(
                "echo '{\"type\":\"x\",\"keyslots\":[\"0\"],\"encryption\":\"camellia-xts-plain64\"}' | "
                    + "cryptsetup token import image")
        }
        if !old.isEmpty { try place.forge("image") { $0.replacing(old, with: new) } }
        let volume = try open(image)
        let encryptions = volume.encryptions
        #expect(encryptions == expected.map { Encryption(cipher: $0.0, integrity: $0.1) })
    }

    @Test func `a volume under reencryption yields no single key`() throws {
        let image = try place.format("image")
        try place.shell(
            """
            printf 1234 > key
            cryptsetup reencrypt -q --init-only \(cheap) --key-file key --force-offline-reencrypt image
            """)
        let volume = try open(image)
        let isBeingReencrypted = volume.isBeingReencrypted
        #expect(isBeingReencrypted)
        guard case .right(_, nil) = try volume.tryPassphrase(try secret("1234"), keySlot: nil) else {
            Issue.record("not opened, or with a volume key")
            return
        }
        #expect(try slot(volume, "wrong") == nil)
    }

    @Test func `says why there is no volume`() throws {
        let image = try place.format("image")
        try place.shell(
            """
            truncate -s 20M empty
            cp image damaged
            printf x | dd of=damaged bs=1 seek=4200 conv=notrunc status=none
            printf x | dd of=damaged bs=1 seek=20600 conv=notrunc status=none
            """)
        let table: [(String, String?, String)] = [
            ("missing", nil, "missing: No such file or directory"),
            ("image", "missing", "missing: No such file or directory"),
            ("empty", nil, "no LUKS header on empty: Invalid argument"),
            ("image", "empty", "no LUKS header on empty: Invalid argument"),
            ("damaged", nil, "LUKS header on damaged is damaged, and no copy of it can be read"),
            (".", nil, ".: Is a directory"),
        ]
        for (device, header, sentence) in table {
            do {
                _ = try open(place.file(device), header: header.map { place.file($0) })
                Issue.record("\(device) was read")
            } catch let error as LUKSError {
                #expect(error.description.replacing("\(place.path)/", with: "") == sentence)
            }
        }
        #expect(throws: LUKSError.self) { _ = try open("/dev/null") }
        _ = image
    }

    @Test func `a derivation without memory names its need`() async {
        await #expect(processExitsWith: .exitCode(42)) { exit(try withoutMemory() ? 42 : 1) }
    }

    @Test func `what the library says is kept for the log`() throws {
        let image = try place.format("image")
        // The first copy is damaged, and a file system's signature at its usual place makes a repair a guess.
        try place.shell(
            """
            printf x | dd of=image bs=1 seek=4200 conv=notrunc status=none
            truncate -s 20M other; mkfs.ext4 -q other
            dd if=other of=image bs=1 skip=1024 seek=1024 count=1024 conv=notrunc status=none
            """)
        let log = LibraryLog()
        #expect(throws: LUKSError.self) { _ = try LUKSVolume(device: image, header: nil, log: log) }
        let lines = log.removeLines()
        #expect(lines.first == "Device contains ambiguous signatures, cannot auto-recover LUKS2.")
        #expect(log.removeLines().isEmpty)
    }
}

/// Tries a passphrase with less memory than argon2 asks for, and returns whether that is what is said.
private func withoutMemory() throws -> Bool {
    let place = try Workplace()
    try place.shell(
        "truncate -s 20M image; printf 1234 | cryptsetup luksFormat -q \(argon2(memory: 1 << 18)) image -")
    let image = place.file("image")
    let volume = try LUKSVolume(device: image, header: nil, log: LibraryLog())
    let passphrase = try secret("1234")
    let pages = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).prefix { $0 != " " }
    let space = (UInt64(pages) ?? 0) * 4096 + (100 << 20)
    linux_limit_address_space(space, space)
    do {
        _ = try volume.tryPassphrase(passphrase, keySlot: nil)
        return false
    } catch {
        let sentence = "key derivation of \(image) takes 256 MiB of memory, more than is free"
        return error == .derivationMemory(path: image, kibibytes: 1 << 18) && error.description == sentence
    }
}

extension String {
    var trimmed: String { String(prefix { $0 != "\n" }) }
}
