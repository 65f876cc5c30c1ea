import Foundation
import Testing

@testable import Config

@Suite struct TextTests {
    @Test(
        arguments: [
            ("", "", true), ("", "a", false), ("*", "", true), ("a*", "a", true), ("a*c", "abbc", true),
            ("a*c", "abcd", false),
            ("?", "", false), ("??", "ab", true), ("*a*b*", "xxaxxbxx", true), ("*ab", "aab", true),
            ("a*b*c", "abbbc", true),
            ("storage-?", "storage-10", false), ("[a]", "a", false),
        ])
    func `a shell-style pattern takes a whole name`(pattern: String, name: String, expected: Bool) {
        #expect(glob(pattern.utf8, matches: name.utf8) == expected)
    }

    @Test(.timeLimit(.minutes(1)))
    func `a pattern of stars takes no time`() {
        let pattern = String(repeating: "*a", count: 2000) + "b"
        #expect(!glob(pattern.utf8, matches: String(repeating: "a", count: 4000).utf8))
    }

    @Test(
        arguments: [
            ("30", 30, 30), ("2m", 120, 120), ("1h30m", 5400, 5400), ("1H30M", 5400, nil),
            ("1w2d3h4m5s", 788_645, 788_645),
            ("0", 0, 0), ("", nil, nil), ("m", nil, nil), ("1x", nil, nil), ("-1", nil, nil), ("1.5s", nil, nil),
            ("90min", nil, 5400), ("1ms", nil, 1), ("2s 500ms", nil, 3), ("1 h", 3600, 3600), ("infinity", nil, 0),
            ("99w", nil, nil), ("99999999999999999999", nil, nil), ("9223372036854775807w", nil, nil),
        ] as [(String, Int?, Int?)])
    func `a time is read as sshd and as systemd read it`(text: String, sshd: Int?, systemd: Int?) {
        #expect(TimeSpan.sshd(Array(text.utf8)) == sshd)
        #expect(TimeSpan.systemd(Array(text.utf8)) == systemd)
    }

    @Test func `hashes as the standard does`() {
        func hex(_ text: String) -> String { sha256(Array(text.utf8)).map { String(format: "%02x", $0) }.joined() }
        #expect(hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(
            hex(String(repeating: "a", count: 100_000))
                == "6d1cf22d7cc09b085dfc25ee1a1f3ae0265804c607bc2074ad253bcc82fd81ee")
    }

    @Test func `Base64 is that of Foundation`() {
        for count in 0..<100 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 151 &+ count) }
            let text = Base64.encode(bytes)
            #expect(text == Array(Data(bytes).base64EncodedString().utf8))
            #expect(Base64.decode(text[...]) == bytes)
            #expect(sha256(bytes).count == 32)
        }
    }

    @Test(
        arguments: [
            (Array("plain é".utf8), "\"plain é\""),
            ([0x1B, 0x5B], "\"\\x1b[\""),
            ([0x09, 0xE7, 0x41], "\"\\x09\\xe7A\""),
            (Array("\u{9B}".utf8), "\"\\x9b\""),
            ([UInt8](repeating: 0x61, count: 61), "\"\(String(repeating: "a", count: 60))...\""),
        ])
    func `what a file says is quoted so that no terminal acts on it`(bytes: [UInt8], text: String) {
        #expect(quoted(bytes) == text)
    }

    @Test(
        arguments: [
            ("prot", "Port"), ("PORT1", "Port"), ("Volumes", "Volume"), ("HotsKye", "HostKey"), ("x", nil),
            ("Pear", nil),
            ("ListenAdress", "ListenAddress"), ("", nil),
        ] as [(String, String?)])
    func `a misspelt name finds its neighbour`(word: String, name: String?) {
        #expect(nearest(to: word.utf8, among: SettingsKeyword.allCases.map(\.name)) == name)
    }

    @Test func `a finding prints as compilers do`() {
        let finding = Finding(file: "f", line: 3, problem: "p", remedy: "r")
        #expect(finding.description == "f:3: p; r")
        #expect(Finding(file: "f", line: 0, problem: "p", remedy: "r").description == "f: p; r")
    }
}
