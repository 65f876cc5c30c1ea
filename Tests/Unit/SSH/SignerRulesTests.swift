import Testing

@testable import SSH

/// How many key exchanges a signer has signed, by the clock.
@Suite struct SignerRulesTests {
    private static let key = string("ssh-ed25519") + string("0123456789abcdef0123456789abcdef")

    /// Rules of a connection over which nobody is logged in yet.
    private func rules() -> SignerRules {
        let key = LoginKey(blob: SignerRulesTests.key, refusal: "", noTouchRequired: false, title: "one")
        return SignerRules(gate: Gate(keys: [key], mostFailures: 20))
    }

    private func sign(_ rules: inout SignerRules, at now: Int64) -> Bool {
        rules.maySign([UInt8](repeating: 2, count: 32), with: string("host"), isFresh: true, now: now)
    }

    private func loggedIn(at now: Int64) -> SignerRules {
        var rules = rules()
        #expect(sign(&rules, at: now))
        rules.verified(0, valid: true)
        return rules
    }

    @Test func `before the login there is one however long it lasts`() {
        var rules = rules()
        #expect(sign(&rules, at: 0))
        for now in [0, 1, 1 << 40] as [Int64] { #expect(!sign(&rules, at: now)) }
    }

    @Test func `after it there are forty at once and then one a minute`() {
        var rules = loggedIn(at: 1000)
        for count in 0..<500 { #expect(sign(&rules, at: 1000) == (count < 40), "\(count)") }
        #expect(!sign(&rules, at: 60_999))
        #expect(sign(&rules, at: 61_000))
        #expect(!sign(&rules, at: 61_000))
        // Nothing is saved up beyond the forty.
        for count in 0..<500 { #expect(sign(&rules, at: 1 << 40) == (count < 40), "\(count)") }
    }

    @Test func `who exchanges keys every minute may do so for ever`() {
        var rules = loggedIn(at: 0)
        for minute in 0..<10_000 as Range<Int64> { #expect(sign(&rules, at: minute * 60_000)) }
    }
}
