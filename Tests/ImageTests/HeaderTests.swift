import Config
import Foundation
import Testing

@testable import Image

/// What the start of a LUKS header tells, of files made for the test.
@Suite struct HeaderTests {
    private static let uuid = "8d103e45-0233-4756-899e-bf8892644790"

    /// A LUKS2 header that says it has `size` bytes, with this behind its first 4096.
    private func header(size: UInt64, _ text: String) throws -> HeaderStart? {
        var bytes = [UInt8](repeating: 0, count: 16384)
        bytes.replaceSubrange(0..<8, with: Array("LUKS".utf8) + [0xBA, 0xBE, 0, 2])
        bytes.replaceSubrange(8..<16, with: withUnsafeBytes(of: size.bigEndian) { Array($0) })
        bytes.replaceSubrange(168..<204, with: HeaderTests.uuid.uppercased().utf8)
        bytes.replaceSubrange(4096..<(4096 + text.utf8.count), with: text.utf8)
        let file = FileManager.default.temporaryDirectory.appending(path: "postern-header-\(UUID().uuidString)")
        try Data(bytes).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        var findings: [Finding] = []
        let line = Array("a \(file.path) none luks\n".utf8)
        let entry = try #require(
            Crypttab.parse(line, file: "", leaving: [], into: &findings).entries.first)
        return HeaderStart(of: entry, beneath: "")
    }

    @Test(
        "a header of any size that it claims is read",
        arguments: [0, 1, 591, 592, 16384, 4 << 20, UInt64.max / 2, UInt64.max])
    func sizes(size: UInt64) throws {
        let header = try #require(try header(size: size, "{}"))
        #expect(header.uuid == HeaderTests.uuid)
        #expect(!header.isPlain)
    }

    @Test(
        "what leaves the data to the disk, or to nobody, is seen",
        arguments: [
            (#"{"type":"crypt","encryption":"aes-xts-plain64"}"#, false),
            (#"{"type":"crypt","encryption":"cipher_null-ecb"}"#, true),
            (#"{"type":"hw-opal"}"#, true), (#"{"type":"hw-opal-crypt","encryption":"aes-xts-plain64"}"#, false),
        ])
    func ciphers(text: String, isPlain: Bool) throws {
        #expect(try header(size: 16384, text)?.isPlain == isPlain)
    }
}
