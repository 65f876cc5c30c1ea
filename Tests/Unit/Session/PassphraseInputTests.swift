import Linux
import Testing

@testable import Session

@Suite struct PassphraseInputTests {
    private enum Seen: Equatable {
        case passphrase(String)
        case empty, tooLong, nothing
    }

    private func see(_ outcome: PassphraseInput.Outcome?) -> Seen {
        switch outcome {
        case .passphrase(let secret): .passphrase(secret.withUnsafeBytes { String(decoding: $0, as: UTF8.self) })
        case .empty: .empty
        case .tooLong: .tooLong
        case nil: .nothing
        }
    }

    @Test(
        arguments: ["secret\n", "secret\r", "secret\r\n", "secret\nrest\n", "secret"])
    func `a line is a line in whatever pieces it comes`(text: String) throws {
        for size in 1...text.utf8.count {
            var input = try PassphraseInput()
            var found: [Seen] = []
            var rest = Array(text.utf8)[...]
            while !rest.isEmpty {
                found.append(see(input.add(Array(rest.prefix(size)).span)))
                rest = rest.dropFirst(size)
            }
            found.append(see(input.end()))
            #expect(found.filter { $0 != .nothing } == [.passphrase("secret")])
        }
    }

    @Test func `what is no passphrase is said once`() throws {
        var empty = try PassphraseInput()
        #expect(see(empty.add([0x0A].span)) == .empty)
        #expect(see(empty.end()) == .nothing)
        var nothing = try PassphraseInput()
        #expect(see(nothing.end()) == .empty)
        var long = try PassphraseInput()
        #expect(see(long.add([UInt8](repeating: 0x78, count: 512).span)) == .nothing)
        #expect(see(long.add([0x78].span)) == .tooLong)
        #expect(see(long.add([0x0A].span)) == .nothing)
        #expect(long.isOver)
    }
}
