import Config
import Foundation
import Testing

@Suite struct HostKeyTests {
    private func problem(_ options: [String]) throws -> String? {
        let path = FileManager.default.temporaryDirectory.appending(path: "host-\(UUID().uuidString)").path
        defer {
            try? FileManager.default.removeItem(atPath: path)
            try? FileManager.default.removeItem(atPath: path + ".pub")
        }
        _ = try run("/usr/bin/ssh-keygen", ["-q", "-f", path] + options)
        return HostKey.problem(Array(try Data(contentsOf: URL(filePath: path))))
    }

    @Test(
        "a key of ssh-keygen can serve, or says why not",
        arguments: [
            (["-t", "ed25519", "-N", ""], nil),
            (["-t", "rsa", "-b", "2048", "-N", ""], nil),
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

    @Test(
        "a damaged key says so",
        arguments: [
            ("", "this is no private key in OpenSSH's format"),
            ("!!!!", "the key is damaged: its base64 cannot be read"),
            ("AAAA", "this is no private key in OpenSSH's format"),
            ("b3BlbnNzaC1rZXktdjEA", "the key is damaged: it ends early"),
            ("b3BlbnNzaC1rZXktdjEA/////w==", "the key is damaged: it ends early"),
        ])
    func reportsDamage(content: String, expected: String) {
        let text = "-----BEGIN OPENSSH PRIVATE KEY-----\n\(content)\r\n-----END OPENSSH PRIVATE KEY-----\n"
        #expect(HostKey.problem(Array(text.utf8)) == expected)
    }
}
