import Config
import Foundation
import Testing

@Suite struct HostKeyTests {
    private func judged(_ file: [UInt8]) -> String? {
        HostKey.problem(start: Array(file.prefix(HostKey.startLength)), end: Array(file.suffix(HostKey.endLength)))
    }

    private func problem(_ options: [String]) throws -> String? {
        let path = FileManager.default.temporaryDirectory.appending(path: "host-\(UUID().uuidString)").path
        defer {
            try? FileManager.default.removeItem(atPath: path)
            try? FileManager.default.removeItem(atPath: path + ".pub")
        }
        _ = try run("/usr/bin/ssh-keygen", ["-q", "-f", path] + options)
        return judged(Array(try Data(contentsOf: URL(filePath: path))))
    }

    @Test(
        arguments: [
            (["-t", "ed25519", "-N", ""], nil),
            (["-t", "rsa", "-b", "2048", "-N", ""], nil),
            (["-t", "rsa", "-b", "2047", "-N", ""], "the key is an rsa key of 2047 bits, and 2048 are needed"),
            (["-t", "ed25519", "-N", "secret"], "the key has a passphrase, which nobody could type"),
            (
                ["-t", "ecdsa", "-N", ""],
                "the key is of type \"ecdsa-sha2-nistp256\", and a host key is ed25519 or rsa"
            ),
            (["-t", "rsa", "-b", "2048", "-m", "PEM", "-N", ""], "this is no private key in OpenSSH's format"),
        ] as [([String], String?)])
    func `a key of ssh-keygen can serve, or says why not`(options: [String], expected: String?) throws {
        #expect(try problem(options) == expected)
    }

    @Test(arguments: [2047, 2048, 3070, 3072])
    func `the length of an rsa key is read to the bit`(bits: Int) throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "host-\(UUID().uuidString)").path
        defer {
            try? FileManager.default.removeItem(atPath: path)
            try? FileManager.default.removeItem(atPath: path + ".pub")
        }
        _ = try run("/usr/bin/ssh-keygen", ["-q", "-t", "rsa", "-b", "\(bits)", "-N", "", "-f", path])
        let file = Array(try Data(contentsOf: URL(filePath: path)))
        // ssh-keygen does not make every length that it is asked for.
        let words = try run("/usr/bin/ssh-keygen", ["-l", "-f", path]).split(separator: " ")
        #expect(HostKey.bitsOfRSA(start: Array(file.prefix(HostKey.startLength))) == Int(words[0]))
    }

    @Test func `a key that was cut off says so`() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "host-\(UUID().uuidString)").path
        defer {
            try? FileManager.default.removeItem(atPath: path)
            try? FileManager.default.removeItem(atPath: path + ".pub")
        }
        _ = try run("/usr/bin/ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", path])
        let whole = Array(try Data(contentsOf: URL(filePath: path)))
        #expect(judged(Array(whole.dropLast(50))) == "the key is damaged: its last line is missing")
    }

    @Test func `what is looked at of an ed25519 key does not reach its secret`() throws {
        // The public part of the format is 39 + 4 + 51 bytes, then come a length, two check numbers, the type and the
        // public key again before the secret: 94 + 12 + 15 + 36 bytes, or 210 base64 digits.
        #expect(HostKey.startLength < 37 + 210)
    }

    /// Each way to come by a key that is none in OpenSSH's format, or has a passphrase, and the words of its remedy.
    private static let foreign: [(String, String, String)] = [
        ("PEM", "ssh-keygen -q -t rsa -b 2048 -m PEM -N '' -f key", "bring it into OpenSSH's format with: "),
        ("PKCS8", "ssh-keygen -q -t rsa -b 2048 -m PKCS8 -N '' -f key", "bring it into OpenSSH's format with: "),
        ("locked", "ssh-keygen -q -t ed25519 -N secret -f key", "take its passphrase away with: "),
        ("locked PEM", "ssh-keygen -q -t rsa -m PEM -N secret -f key", "bring it into OpenSSH's format with: "),
        ("dropbear ed25519", "dropbearkey -t ed25519 -f key", "it is dropbear's: "),
        ("dropbear rsa", "dropbearkey -t rsa -s 2048 -f key", "it is dropbear's: "),
    ]

    @Test(arguments: foreign)
    func `the remedy makes the same key serve`(name: String, making: String, words: String) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "host-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        func shell(_ line: String) throws -> String { try run("/bin/sh", ["-c", "cd \(folder) && \(line)"]) }
        let isLocked = name.hasPrefix("locked"), isDropbears = name.hasPrefix("dropbear")
        _ = try shell("{ \(making); } >&2")
        let fingerprint =
            isDropbears ? "dropbearkey -y -f key | grep ^ssh-" : "ssh-keygen -y -P '\(isLocked ? "secret" : "")' -f key"
        let before = try shell("\(fingerprint) | cut -d ' ' -f 2")
        let path = "\(folder)/key"
        let bytes = Array(try Data(contentsOf: URL(filePath: path)))
        #expect(judged(bytes) != nil)
        let remedy = HostKey.remedy(start: Array(bytes.prefix(HostKey.startLength)), path: path)
        #expect(remedy.hasPrefix(words), "\(remedy)")
        let command = remedy.dropFirst(words.count).replacing(", and write: HostKey NEW", with: "")
        _ = try shell("\(command.replacing("-p ", with: isLocked ? "-p -P secret " : "-p ")) >&2")
        let mended = isDropbears ? "NEW" : "key"
        #expect(judged(Array(try Data(contentsOf: URL(filePath: "\(folder)/\(mended)")))) == nil)
        #expect(try shell("ssh-keygen -y -f \(mended) | cut -d ' ' -f 2") == before)
    }

    @Test(
        arguments: [
            ("-----BEGIN EC PRIVATE KEY-----\nx", "NEW, and write: HostKey NEW"),
            ("-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEI", "-f /k (of OpenSSH 9.6 or later)"),
            (
                "PuTTY-User-Key-File-3: ssh-ed25519\n",
                "puttygen /k -O private-openssh-new -o NEW, and write: HostKey NEW"
            ),
            ("ssh-ed25519 AAAA\n", "without .pub"), ("", "NEW, and write: HostKey NEW"),
            ("-----BEGIN CERTIFICATE-----\n", "NEW, and write: HostKey NEW"),
            ("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA", "NEW, and write: HostKey NEW"),
        ])
    func `no remedy writes over a key`(start: String, end: String) {
        let remedy = HostKey.remedy(start: Array(start.utf8), path: "/k")
        #expect(remedy.hasSuffix(end), "\(remedy)")
        #expect(!remedy.contains("-t ed25519 -N '' -f /k"))
    }

    @Test(
        arguments: [
            ("", "the key is damaged: its base64 cannot be read"),
            (String(repeating: "!", count: 100), "the key is damaged: its base64 cannot be read"),
            (String(repeating: "A", count: 100), "this is no private key in OpenSSH's format"),
            (
                "b3BlbnNzaC1rZXktdjEA" + String(repeating: "/", count: 80), "the key is damaged: it ends early"
            ),
        ])
    func `a damaged key says so`(content: String, expected: String) {
        let text = "-----BEGIN OPENSSH PRIVATE KEY-----\n\(content)\r\n-----END OPENSSH PRIVATE KEY-----\n"
        #expect(judged(Array(text.utf8)) == expected)
    }
}
