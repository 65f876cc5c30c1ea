import Config
import Foundation
import Testing

@Suite struct AuthorizedKeysTests {
    private static let good = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + String(repeating: "A", count: 43)

    /// A public key line of the given fields, each a string of SSH.
    private static func line(_ type: String, _ fields: [[UInt8]], tail: [UInt8] = []) -> String {
        var blob: [UInt8] = []
        for field in fields {
            blob += [UInt8(field.count >> 24 & 255), UInt8(field.count >> 16 & 255), UInt8(field.count >> 8 & 255)]
            blob += [UInt8(field.count & 255)] + field
        }
        return "\(type) \(Data(blob + tail).base64EncodedString()) someone"
    }

    private static func point(_ count: Int) -> [UInt8] { [4] + [UInt8](repeating: 7, count: count - 1) }

    @Test(
        arguments: [
            ("ed25519", 256), ("ecdsa", 256), ("ecdsa", 384), ("ecdsa", 521), ("rsa", 2048), ("rsa", 3072),
        ])
    func `a key that ssh-keygen makes is read, with the fingerprint it prints`(type: String, bits: Int) throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "key-\(UUID().uuidString)").path
        defer {
            try? FileManager.default.removeItem(atPath: path)
            try? FileManager.default.removeItem(atPath: path + ".pub")
        }
        let comment = "an owner's key"
        _ = try run("/usr/bin/ssh-keygen", ["-q", "-t", type, "-b", "\(bits)", "-N", "", "-C", comment, "-f", path])
        let text = try String(contentsOfFile: path + ".pub", encoding: .utf8)
        let (keys, findings) = authorizedKeys("\n" + text)
        #expect(findings.isEmpty)
        let key = try #require(keys.first)
        #expect(keys.count == 1)
        #expect(key.type == text.prefix { $0 != " " })
        #expect(key.comment == comment)
        #expect(key.line == 2)
        #expect(key.file == "keys")
        #expect(key.permitPty && !key.noTouchRequired && key.forcedCommand == nil && key.from.isEmpty)
        let printed = try run("/usr/bin/ssh-keygen", ["-l", "-f", path + ".pub"])
        #expect(printed.split(separator: " ")[1] == key.fingerprint)
    }

    @Test(
        arguments: [
            line(
                "sk-ssh-ed25519@openssh.com",
                [Array("sk-ssh-ed25519@openssh.com".utf8), [UInt8](repeating: 9, count: 32), Array("ssh:".utf8)]),
            // The generator of the curve: ssh-keygen looks whether the point is on it.
            line(
                "sk-ecdsa-sha2-nistp256@openssh.com",
                [
                    Array("sk-ecdsa-sha2-nistp256@openssh.com".utf8), Array("nistp256".utf8),
                    [4] + Array(Data(base64Encoded: "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY=") ?? Data())
                        + Array(Data(base64Encoded: "T+NC4v4af5uO5+tKfA+eFivOM1drMV7Oy7ZAaDe/UfU=") ?? Data()),
                    Array("ssh:".utf8),
                ]),
        ])
    func `a key of a token is read, with the fingerprint ssh-keygen prints`(line: String) throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "sk-\(UUID().uuidString).pub").path
        try line.write(toFile: path, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: path) }
        let (keys, findings) = authorizedKeys("no-touch-required \(line)")
        #expect(findings.isEmpty)
        #expect(keys.first?.noTouchRequired == true)
        let printed = try run("/usr/bin/ssh-keygen", ["-l", "-f", path])
        #expect(printed.split(separator: " ").dropFirst().first.map(String.init) == keys.first?.fingerprint)
    }

    /// The line stands between two good keys.
    @Test(
        arguments: [
            ("ssh-dss AAAA", "DSA is broken, and the key is refused"),
            ("ssh-ed25519-cert-v01@openssh.com AAAA", "Postern takes no certificates"),
            ("from=\"*\" ssh-rsa-cert-v01@openssh.com AAAA", "Postern takes no certificates"),
            ("ssh-ed448 AAAA", "\"ssh-ed448\" is no type of key that Postern takes"),
            ("restrict", "the line has options and no key"),
            ("restrict restrict AAAA", "\"restrict\" is no type of key"),
            ("ssh-ed25519", "the key data is no base64"),
            ("ssh-ed25519 AAA", "the key data is no base64"),
            ("ssh-ed25519 AAA!", "the key data is no base64"),
            ("ssh-ed25519 AB==", "the key data is no base64"),
            ("ssh-ed25519 A===", "the key data is no base64"),
            ("ssh-ed25519 AA==AAAA", "the key data is no base64"),
            ("ssh-ed25519 AAAA", "the key data ends early"),
            ("ssh-ed25519 /////w==", "the key data ends early"),
            (good.replacing("ssh-ed25519 ", with: "ssh-rsa "), "the key says ssh-rsa and its data \"ssh-ed25519\""),
            (line("ssh-ed25519", [Array("ssh-ed25519".utf8), [1, 2, 3]]), "the Ed25519 key has not 32 bytes"),
            (
                line("ssh-ed25519", [Array("ssh-ed25519".utf8), point(32)], tail: [0]),
                "the key data goes on for 1 bytes after the key"
            ),
            (
                line("ecdsa-sha2-nistp256", [Array("ecdsa-sha2-nistp256".utf8), Array("nistp384".utf8), point(97)]),
                "the ECDSA key has no point of its curve"
            ),
            (
                line("ecdsa-sha2-nistp256", [Array("ecdsa-sha2-nistp256".utf8), Array("nistp256".utf8), point(64)]),
                "the ECDSA key has no point of its curve"
            ),
            (
                line("sk-ssh-ed25519@openssh.com", [Array("sk-ssh-ed25519@openssh.com".utf8), point(32)]),
                "the key names no application of its token"
            ),
            (
                line("ssh-rsa", [Array("ssh-rsa".utf8), [1, 0, 1], [0] + [UInt8](repeating: 255, count: 128)]),
                "the RSA key has 1024 bits, not 2048 to 16384, and the key is refused; make another key with ssh-keygen"
            ),
            (
                line("ssh-rsa", [Array("ssh-rsa".utf8), [1, 0, 1], [0x7F] + [UInt8](repeating: 255, count: 255)]),
                "the RSA key has 2047 bits"
            ),
            (
                line("ssh-rsa", [Array("ssh-rsa".utf8), [1, 0, 1], [UInt8](repeating: 255, count: 256)]),
                "the RSA key has no exponent and modulus"
            ),
            (
                line("ssh-rsa", [Array("ssh-rsa".utf8), [1], [0] + [UInt8](repeating: 255, count: 256)]),
                "the RSA key has no exponent and modulus"
            ),
            ("-----BEGIN OPENSSH PRIVATE KEY-----", "this is no line of a .pub file"),
            ("\u{1B}[2J x", "the option \"\\x1b[2J\" is not known"),
            ("a\0b", "the line holds a zero byte"),
            ("x \(String(repeating: "y", count: 16384))", "the line has 16386 bytes"),
        ])
    func `a bad line costs only itself, and says why`(line: String, finding: String) {
        let (keys, findings) = authorizedKeys("\(Self.good) a\n\(line)\n# note\n  \(Self.good) b\n")
        #expect(keys.map(\.comment) == ["a", "b"])
        #expect(findings.count == 1)
        #expect(findings[0].hasPrefix("keys:2: "))
        #expect(findings[0].contains(finding), "\(findings)")
    }

    @Test func `a comment is never worth a key`() {
        var bytes = Array(Self.good.utf8) + Array(" Fran".utf8)
        bytes += [0xE7] + Array("ois\u{1B}[2J \u{9B}".utf8)
        var findings: [Finding] = []
        let list = AuthorizedKeys.parse(bytes, file: "keys", into: &findings)
        #expect(list.keys.map(\.comment) == ["Fran\u{FFFD}ois?[2J ?"])
        #expect(findings.isEmpty)
    }

    @Test func `counts the keys`() {
        let (keys, findings) = authorizedKeys(String(repeating: Self.good + "\n", count: FileLimits.keys + 5))
        #expect(keys.count == FileLimits.keys)
        #expect(findings.count == 1)
    }
}
