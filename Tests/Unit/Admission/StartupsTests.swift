import Admission
import Config
import Testing

/// Who makes room when connections come that nobody logs in over.
@Suite struct StartupsTests {
    private func source(_ text: String) throws -> [UInt8] { try #require(PeerAddress(text)).source }

    @Test func `one host is one source, and so is one network of IPv6`() throws {
        #expect(try source("192.0.2.1") != source("192.0.2.2"))
        #expect(try source("::ffff:192.0.2.1") == source("192.0.2.1"))
        #expect(try source("2001:db8::1") == source("2001:db8:0:0:ffff::2"))
        #expect(try source("2001:db8::1") != source("2001:db8:0:1::1"))
    }

    /// Has connections come, each a letter for its source, and returns those that are left.
    private func crowd(_ letters: String, _ limits: MaxStartups, percent: Int = 0) -> String {
        var left: [UInt8] = []
        for letter in letters.utf8 {
            left.append(letter)
            if let place = limits.placeToClose(among: left.map { [$0] }, percent: percent) { left.remove(at: place) }
        }
        return String(decoding: left, as: UTF8.self)
    }

    private let hard = MaxStartups(start: 4, rate: 100, full: 4)

    @Test(
        arguments: [
            ("aaaa", "aaaa"), ("aaaab", "aaab"), ("aaaabaaaaaaaa", "baaa"), ("aaaabbbbbb", "aabb"),
            ("abcdefgh", "efgh"), ("abababab", "abab"), ("aabbcb", "abcb"),
        ])
    func `the newest stays, and the oldest of those that are most goes`(coming: String, left: String) {
        #expect(crowd(coming, hard) == left)
    }

    @Test func `what one source does costs no other its connection`() {
        let limits = MaxStartups(start: 10, rate: 30, full: 100)
        #expect(crowd("o" + String(repeating: "a", count: 5000), limits).first == "o")
        #expect(crowd(String(repeating: "a", count: 5000) + "o", limits).last == "o")
    }

    @Test func `from the flooder's address the owner has the time of as many connections as there are at most`() {
        let limits = MaxStartups(start: 100, rate: 100, full: 100)
        var left = [[UInt8]](repeating: [1], count: 100)
        let owner = 100
        var isThere = 0...100
        var newer = 0
        while isThere.contains(owner - newer) {
            left.append([1])
            #expect(limits.placeToClose(among: left, percent: 99) == 0)
            left.removeFirst()
            newer += 1
            isThere = 1...100
        }
        #expect(newer == 100)
    }

    @Test func `before the limit the share grows`() {
        let limits = MaxStartups(start: 10, rate: 30, full: 100)
        func leaves(_ others: Int, _ percent: Int) -> Bool {
            limits.placeToClose(among: [[UInt8]](repeating: [1], count: others + 1), percent: percent) != nil
        }
        #expect(!leaves(9, 0) && leaves(10, 29) && !leaves(10, 30))
        #expect(leaves(55, 64) && !leaves(55, 65) && leaves(100, 99))
    }
}
