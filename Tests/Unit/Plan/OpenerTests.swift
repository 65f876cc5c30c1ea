import Config
import Foundation
import Plan
import Repository
import TestImages
import Testing

/// A line of crypttab means to Postern what it means to the opener of the image. Both openers are asked: Debian's shell
/// functions, and systemd's generator and the program that its units start.
@Suite(.serialized) struct OpenerTests {
    /// What an opener makes of a line, and so what Postern must.
    enum Verdict: String {
        /// A person is asked for the passphrase of a LUKS volume: so Postern has to ask.
        case asks
        /// A key file, a script or a device is tried first: so nobody is asked at once.
        case opens
        /// It is no LUKS volume: so it is left.
        case other
        /// Nobody would ask: Postern does, and so the owner has a way in.
        case nobody
        /// Nobody would ask, and Postern leaves it at that.
        case never

        var isNobody: Bool { self == .nobody || self == .never }
    }

    /// The third and fourth field and what follows them, and what initramfs-tools and systemd make of it.
    static let lines: [(String, Verdict, Verdict)] = [
        ("none luks", .asks, .asks),
        ("none luks,discard,tries=0", .asks, .asks),
        ("none", .asks, .asks),
        ("", .nobody, .asks),
        ("-", .nobody, .asks),
        ("- luks,initramfs", .nobody, .asks),
        ("None luks", .nobody, .asks),
        ("key luks", .nobody, .asks),
        // A key file that is there, and one that is not.
        ("/bin/sh luks", .opens, .opens),
        ("/nowhere/key luks", .never, .opens),
        ("/dev/urandom swap", .opens, .other),
        ("/dev/random cipher=aes-xts-plain64,size=256,swap", .opens, .other),
        ("/dev/urandom plain,tmp=ext4", .opens, .other),
        // Swap and tmp make a volume plain for systemd alone, and the last word on the format holds there.
        ("none luks,swap", .asks, .other),
        ("none swap", .asks, .other),
        ("none swap,luks", .asks, .asks),
        ("none tmp,luks,discard", .asks, .asks),
        ("none luks,tmp", .asks, .other),
        ("none tmp=ext4", .asks, .other),
        ("none swap,key-slot=0", .asks, .asks),
        ("none luks,plain", .asks, .other),
        ("none plain,luks", .asks, .asks),
        ("none plain", .other, .other),
        ("none plain,swap", .other, .other),
        ("none plain,keyslot=0", .other, .asks),
        ("none plain,header=/nowhere/header", .never, .nobody),
        ("none plain=1", .asks, .asks),
        ("none plain=yes", .other, .asks),
        ("none PLAIN", .asks, .asks),
        ("none tcrypt", .other, .other),
        ("none tcrypt,luks", .asks, .asks),
        ("none luks,tcrypt", .asks, .other),
        ("none veracrypt", .asks, .other),
        ("none tcrypt-veracrypt", .asks, .other),
        ("none tcrypthidden", .asks, .other),
        ("none tcrypt-hidden", .asks, .other),
        ("none tcrypt-system", .asks, .other),
        ("none tcrypt-keyfile=/nowhere", .asks, .other),
        ("none tcryptsystem", .asks, .asks),
        ("none bitlk", .other, .other),
        ("none bitlk,luks", .asks, .asks),
        ("none fvault2", .other, .asks),
        // What opens without a person.
        ("none luks,tpm2-device=auto", .asks, .opens),
        ("none luks,fido2-device=auto", .asks, .opens),
        ("none luks,fido2-cid=AAAA", .asks, .opens),
        ("none luks,pkcs11-uri=auto", .asks, .opens),
        ("none luks,swap,tpm2-device=auto", .asks, .other),
        ("none luks,keyscript=passdev", .opens, .asks),
        ("/dev/disk/by-label/stick:/key luks,keyscript=passdev", .opens, .opens),
        ("none luks,keyscript=/lib/cryptsetup/scripts/decrypt_derived", .opens, .asks),
        ("ring luks,keyscript=decrypt_keyctl", .asks, .asks),
        ("none luks,keyscript=/lib/cryptsetup/scripts/decrypt_keyctl", .asks, .asks),
        ("none luks,keyscript=/lib/cryptsetup/askpass", .asks, .asks),
        ("none luks,keyscript=no-such-script", .never, .asks),
        ("none keyscript=passdev,keyscript=decrypt_keyctl", .asks, .asks),
        // In the image, initramfs-tools minds no noauto.
        ("none luks,noauto,initramfs", .asks, .never),
        ("none luks,noauto,auto,initramfs", .asks, .asks),
        ("none luks,auto,noauto,initramfs", .asks, .never),
        ("none luks,nofail,_netdev,x-initrd.attach", .asks, .asks),
        ("none luks,loud,quiet,noearly,check=blkid", .asks, .asks),
        // What follows the options, which initramfs-tools takes for a part of the last one.
        ("none luks # the root", .asks, .asks),
        ("none plain # the root", .asks, .other),
        ("none discard,plain x", .asks, .other),
        ("none plain,luks # x", .other, .asks),
        ("none luks,tries=3 # three", .nobody, .asks),
        ("none luks,keyscript=decrypt_keyctl # x", .never, .asks),
        ("none headless", .asks, .nobody),
        ("none size=0", .nobody, .asks),
        ("none header=", .nobody, .nobody),
        ("none luks,,discard,", .asks, .asks),
    ]

    @Test func `a line means what it means to the opener of the image`() throws {
        let place = try Workplace()
        let disk = try place.format("disk")
        for (rest, debian, systemd) in OpenerTests.lines {
            for (verdict, system) in [(debian, InitrdSystem.initramfsTools), (systemd, .systemd)] {
                let line = "volume \(disk) \(rest)\n"
                let said = try OpenerTests.ask(system, line, in: place)
                #expect(said == (verdict.isNobody ? .nobody : verdict), "\(system): \(rest)")
                let mine = OpenerTests.reading(line, system)
                switch verdict {
                case .asks, .nobody: #expect(mine == .asks, "\(system): \(rest): \(mine)")
                case .opens, .never: #expect(mine == .opens || mine == .other, "\(system): \(rest): \(mine)")
                case .other: #expect(mine == .other, "\(system): \(rest): \(mine)")
                }
            }
        }
    }

    @Test func `systemd looks for a key of the volume's name, and nobody else does`() throws {
        let place = try Workplace()
        let disk = try place.format("disk")
        try place.shell("mkdir -p keys/etc/cryptsetup-keys.d keys/run/cryptsetup-keys.d")
        for (index, path) in InitrdSystem.keyFiles(of: "volume 1").enumerated() {
            // A name with a blank cannot stand in systemd's crypttab; the rule is one of names.
            #expect(path == ["/etc", "/run"][index] + "/cryptsetup-keys.d/volume 1.key")
        }
        for path in InitrdSystem.keyFiles(of: "volume") {
            for rest in ["none luks", "-", "", "relative"] {
                let line = "volume \(disk) \(rest)\n"
                #expect(try OpenerTests.ask(.systemd, line, in: place, keys: "keys") == .asks, "\(rest)")
                try place.write("keys\(path)", Array("wrong".utf8))
                #expect(try OpenerTests.ask(.systemd, line, in: place, keys: "keys") == .opens, "\(path) \(rest)")
                try place.shell("rm keys\(path)")
            }
        }
    }

    /// What the real opener says.
    private static func ask(
        _ system: InitrdSystem, _ line: String, in place: Workplace, keys: String = ""
    ) throws -> Verdict? {
        try place.write("crypttab", Array(line.utf8))
        let script = Repository.path("Tests/Support/openers")
        let said = try place.shell("\(script) \(system.name) crypttab \(keys)")
        return Verdict(rawValue: said.trimmingCharacters(in: .whitespacesAndNewlines))
    }

    /// What Postern does of its own accord.
    private static func reading(_ line: String, _ system: InitrdSystem) -> Verdict {
        var findings: [Finding] = []
        let entries = Crypttab.parse(Array(line.utf8), file: "", for: system, into: &findings).entries
        guard let entry = entries.first, !entry.options.noauto else { return .opens }
        if entry.options.foreign != nil { return .other }
        guard entry.reasonLeft(under: nil) == nil, entry.key == .ask else { return .opens }
        return .asks
    }
}
