import Config
import Glibc
import Testing

@Suite struct AddressTests {
    private static let texts = [
        "0.0.0.0", "192.0.2.1", "255.255.255.255", "256.0.0.1", "1.2.3", "1.2.3.4.5", "1.2.3.", "1..2.3", "01.2.3.4",
        "",
        "::", "::1", "1::", "2001:db8::1", "2001:DB8:0:0:1:0:0:1", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1::3:4:5:6:7:8", "1:2:3:4::5:6:7:8", "1::2::3", ":1", "1:", ":::", ":",
        "1:::2", "::1:", "12345::", "g::", "::ffff:192.0.2.1", "::ffff:1.2.3", "64:ff9b::192.0.2.1", "::1.2.3.4:5",
        "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:7:1.2.3.4", "fe80::1%eth0", "0:0:1::", "1:0:0:2:0:0:0:3", "1.2.3.4:",
        "::-1",
    ]

    @Test(arguments: texts)
    func `an address is read as inet_pton(3) reads it, and printed as inet_ntop(3) prints it`(text: String) {
        var bytes = [UInt8](repeating: 0, count: 16)
        var expected: [UInt8]?
        var family = AF_INET
        if inet_pton(AF_INET, text, &bytes) == 1 {
            expected = Array(bytes[..<4])
        } else if inet_pton(AF_INET6, text, &bytes) == 1 {
            expected = bytes
            family = AF_INET6
        }
        let address = PeerAddress(text)
        guard let expected else {
            #expect(address == nil)
            return
        }
        if expected.starts(with: [UInt8](repeating: 0, count: 10) + [255, 255]) {
            #expect(address?.bytes == Array(expected[12...]))
            return
        }
        #expect(address?.bytes == expected)
        var printed = [CChar](repeating: 0, count: 64)
        inet_ntop(family, expected, &printed, 64)
        #expect(address?.description == String(decoding: printed.prefix { $0 != 0 }.map { UInt8($0) }, as: UTF8.self))
    }

    @Test func `takes four or sixteen bytes`() {
        #expect(PeerAddress(bytes: [1, 2, 3, 4])?.description == "1.2.3.4")
        #expect(PeerAddress(bytes: [1, 2, 3]) == nil)
        #expect(
            PeerAddress(bytes: [UInt8](repeating: 0, count: 10) + [255, 255, 192, 0, 2, 1]) == PeerAddress("192.0.2.1"))
    }

    private func admits(_ from: String, _ address: String) throws -> Bool? {
        let blob = "AAAAC3NzaC1lZDI1NTE5AAAAI" + String(repeating: "A", count: 43)
        let peer = try #require(PeerAddress(address))
        return authorizedKeys("from=\"\(from)\" ssh-ed25519 \(blob)").keys.first?.admits(address: peer)
    }

    @Test(
        arguments: [
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("192.0.2.1", "::ffff:192.0.2.1", true),
            ("::ffff:192.0.2.1", "192.0.2.1", true),
            ("192.0.2.0/24", "192.0.2.77", true),
            ("192.0.2.0/24", "192.0.3.77", false),
            ("192.0.2.128/25", "192.0.2.127", false),
            ("::ffff:192.0.2.0/120", "192.0.2.9", true),
            ("::ffff:192.0.2.0/120", "192.0.3.9", false),
            ("0.0.0.0/0", "198.51.100.1", true),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "192.0.2.1", false),
            ("2001:DB8::/32", "2001:db8:1::1", true),
            ("2001:db8::/33", "2001:db8:8000::1", false),
            ("2001:0db8::1", "2001:db8::1", true),
            ("192.0.2.*", "192.0.2.5", true),
            ("192.0.2.?", "192.0.2.55", false),
            ("*", "2001:db8::1", true),
            ("FE80:*", "fe80::1", true),
            ("192.0.2.0/24,!192.0.2.5", "192.0.2.6", true),
            ("192.0.2.0/24,!192.0.2.5", "192.0.2.5", false),
            ("!192.0.2.5,*", "192.0.2.5", false),
            ("*,!192.0.2.*", "192.0.2.5", false),
            ("10.0.0.0/8,192.168.0.0/16", "192.168.3.4", true),
        ])
    func `from= admits whom sshd would admit by address`(from: String, address: String, expected: Bool) throws {
        #expect(try admits(from, address) == expected)
    }

    @Test(
        arguments: [
            "example.org", "*.example.org", "nas", "*.de", "localhost", "example.org,!192.0.2.7",
            "192.0.2.1,!example.org",
            "*,!*.example.org", "192.0.2.5/24",
            "192.0.2.0/33",
            "192.0.2.0/", "192.0.2/24", "::ffff:192.0.2.0/24", "2001:db8::/129", "!192.0.2.1", "!*", "a,,b",
            "192.0.2.1,",
            "[::1]", "fe80::1%eth0", "!", "*/8",
        ])
    func `a from= that cannot be honoured refuses the key`(from: String) throws {
        #expect(try admits(from, "192.0.2.1") == nil)
    }

    @Test(
        arguments: ["192.0.2.0/24,host.example", "nas,192.0.2.*", "host.example,192.0.2.1,!192.0.2.2,*.example"])
    func `a name would only admit more: the addresses beside it hold, and it is a finding`(from: String) throws {
        #expect(try admits(from, "192.0.2.1") == true)
        #expect(try admits(from, "198.51.100.1") == false)
        let blob = "AAAAC3NzaC1lZDI1NTE5AAAAI" + String(repeating: "A", count: 43)
        let findings = authorizedKeys("from=\"\(from)\" ssh-ed25519 \(blob)").findings
        let names = from.split(separator: ",").filter { $0.contains(/[a-z]/) }
        #expect(findings.count == names.count)
        for (finding, name) in zip(findings, names) {
            #expect(finding.contains("from= has \"\(name)\", which cannot be looked up without DNS"), "\(finding)")
            #expect(finding.hasSuffix("the other patterns hold; write its address"), "\(finding)")
        }
    }

    @Test func `a pattern is printed as it is understood`() {
        let blob = "AAAAC3NzaC1lZDI1NTE5AAAAI" + String(repeating: "A", count: 43)
        let key = authorizedKeys("from=\"!192.0.2.0/24,::ffff:10.0.0.0/104,A:*,2001:DB8::0\" ssh-ed25519 \(blob)").keys
            .first
        #expect(key?.from.map(\.description) == ["!192.0.2.0/24", "10.0.0.0/8", "a:*", "2001:db8::"])
    }
}
