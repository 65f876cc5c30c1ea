import Testing

@testable import SSH

@Suite struct BudgetTests {
    private static let service = PacketReader.string(Array("ssh-userauth".utf8))

    @Test func `the service is granted once and again after a request for a login`() {
        var budget = Budget(mostFailures: 20)
        var granted = [budget.grants(BudgetTests.service), budget.grants(BudgetTests.service)]
        budget.serves()
        granted.append(budget.grants(BudgetTests.service))
        #expect(granted == [true, false, true])
    }

    @Test(
        arguments: [
            PacketReader.string(Array("ssh-connection".utf8)), PacketReader.string([]), [], [0, 0, 0, 12],
            PacketReader.string(Array("ssh-userauth\0".utf8)), BudgetTests.service + [0],
        ])
    func `no other service is granted`(packet: [UInt8]) {
        var budget = Budget(mostFailures: 20)
        let isGranted = budget.grants(packet)
        #expect(!isGranted)
    }

    /// As a client with `MaxAuthTries` RSA keys of 16384 bits needs it, each of which is asked about and refused, and the
    /// last one signs: 20 packets of its own, 3 for each key, and 2 KiB for each blob and each signature.
    @Test(arguments: [1, 20, 1000])
    func `an honest client has enough, and one that goes on and on has not`(tries: Int) {
        let budget = Budget(mostFailures: tries)
        let needed = UInt64(20 + 3 * tries)
        #expect(!budget.isSpent(packets: needed, bytes: UInt64((16 << 10) + tries * 8192)))
        #expect(budget.isSpent(packets: UInt64(100 + 4 * tries), bytes: 0))
        #expect(budget.isSpent(packets: 0, bytes: UInt64((256 << 10) + tries * (16 << 10))))
    }
}
