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
        "a key of ssh-keygen can serve, or says why not",
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
    func judges(options: [String], expected: String?) throws {
        #expect(try problem(options) == expected)
    }

    @Test("the length of an rsa key is read to the bit", arguments: [2047, 2048, 3070, 3072])
    func measures(bits: Int) throws {
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

    @Test(
        "a damaged key says so",
        arguments: [
            ("", "the key is damaged: its base64 cannot be read"),
            (String(repeating: "!", count: 100), "the key is damaged: its base64 cannot be read"),
            (String(repeating: "A", count: 100), "this is no private key in OpenSSH's format"),
            (
                "b3BlbnNzaC1rZXktdjEA" + String(repeating: "/", count: 80), "the key is damaged: it ends early"
            ),
        ])
    func reportsDamage(content: String, expected: String) {
        let text = "-----BEGIN OPENSSH PRIVATE KEY-----\n\(content)\r\n-----END OPENSSH PRIVATE KEY-----\n"
        #expect(judged(Array(text.utf8)) == expected)
    }
}
