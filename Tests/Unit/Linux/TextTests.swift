import Linux
import Testing

@Suite struct PrintableTests {
    @Test(
        arguments: [
            ("plain", "plain"),
            ("", ""),
            ("a\u{1b}[2Jb", "a\\x1b[2Jb"),
            ("line\nline\r\t", "line\\x0aline\\x0d\\x09"),
            ("\u{7f}\u{0}", "\\x7f\\x00"),
            ("\u{9b}31m\u{85}", "\\x9b31m\\x85"),
            ("grün €", "grün €"),
        ])
    func `control characters are shown, all else stays`(text: String, shown: String) {
        #expect(printable(text) == shown)
    }

    @Test(
        arguments: [
            ("abcdefgh", "abcdefgh"), ("abcdefghi", "abcde..."), ("abcd\u{1b}", "abcd\\x1b"),
            ("abcde\u{1b}", "abcde..."),
            ("abcd\u{1b}e", "abcd..."), ("\u{ff}\u{ff}", "\\xc3..."), ("", ""),
        ])
    func `text for a log has at most so many bytes, and made so once it stays as it is`(text: String, shown: String) {
        #expect(printable(text, limit: 8) == shown)
        #expect(printable(shown, limit: 8) == shown)
    }
}

@Suite struct SecretBytesTests {
    private func bytes(_ secret: SecretBytes) -> [UInt8] { secret.withUnsafeBytes { Array($0) } }

    @Test func `bytes are added while there is room`() throws {
        let secret = try SecretBytes(capacity: 3)
        #expect(secret.append(1))
        #expect([2, 3, 4].withUnsafeBytes { secret.append(contentsOf: $0) } == false)
        #expect(bytes(secret) == [1])
        let two: [UInt8] = [2, 3]
        #expect(two.withUnsafeBytes { secret.append(contentsOf: $0) })
        #expect(!secret.append(4))
        #expect(bytes(secret) == [1, 2, 3])
    }

    @Test func `a copy has no room for more, and an empty one is empty`() throws {
        let some: [UInt8] = [1, 2]
        let copy = try some.withUnsafeBytes { try SecretBytes(copying: $0) }
        #expect(bytes(copy) == some)
        #expect(!copy.append(3))
        let none: [UInt8] = []
        #expect(try none.withUnsafeBytes { try SecretBytes(copying: $0) }.count == 0)
    }

    @Test func `what is dropped is wiped`() throws {
        let secret = try SecretBytes(capacity: 4)
        for byte: UInt8 in [1, 2, 3] { _ = secret.append(byte) }
        secret.removeLast(2)
        #expect(bytes(secret) == [1])
        secret.fill { room in
            #expect(room.allSatisfy { $0 == 0 })
            room[0] = 9
            return 1
        }
        #expect(bytes(secret) == [1, 9])
        secret.removeAll()
        #expect(secret.count == 0)
    }

    @Test func `more than is there cannot be dropped`() async {
        await #expect(processExitsWith: .failure) {
            let secret = try SecretBytes(capacity: 4)
            secret.removeLast(1)
        }
    }
}
