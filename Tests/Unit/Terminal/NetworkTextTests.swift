import SeenTerminal
import Terminal
import Testing
import Wire

@Suite struct NetworkTextTests {
    @Test func `the network stands below the volumes and is news later`() {
        var dialogue = Dialogue()
        let one = NetworkFact(.reachable, link: "eth0", detail: "192.0.2.10", number: 2222)
        // It may come before the state.
        dialogue.terminal.write(dialogue.screen.network([NetworkFact(.down, link: "eth0")]))
        #expect(dialogue.text == "")
        dialogue.showState(machine { $0.volumes.removeLast(2) })
        dialogue.terminal.write(dialogue.screen.network([one]))
        #expect(
            dialogue.text == """
                nas has waited 2 minutes to be unlocked.
                  crypt-root  locked
                Network: eth0 is down
                Reach it with: ssh -p 2222 root@192.0.2.10
                Passphrase for crypt-root:
                """)
        // A terminal that has lost some of it is told the last state.
        var again = Dialogue()
        again.terminal.write(dialogue.screen.restart())
        #expect(
            again.text == """
                nas has waited 2 minutes to be unlocked.
                  crypt-root  locked
                Reach it with: ssh -p 2222 root@192.0.2.10
                Passphrase for crypt-root:
                """)
        dialogue.showEnd(.done)
        #expect(dialogue.screen.network([one]) == [])
    }

    @Test func `a link-local address comes with its zone`() {
        #expect(
            NetworkText.line(NetworkFact(.nearby, link: "eth0", detail: "fe80::1", number: 22))
                == "Only from the network segment of eth0: ssh -p 22 root@fe80::1%INTERFACE, "
                + "where INTERFACE is the client's own, such as eth0")
        #expect(
            NetworkText.line(NetworkFact(.nearby, link: "eth0", detail: "169.254.1.2", number: 22))
                == "Only from the network segment of eth0: ssh -p 22 root@169.254.1.2")
    }

    @Test(arguments: NetworkFact.Kind.allCases)
    func `every fact is a sentence without control characters`(kind: NetworkFact.Kind) {
        let line = NetworkText.line(NetworkFact(kind, link: "e\u{1b}[2J\u{0}", detail: "\u{9b}\r\nx", number: 65535))
        #expect(line.unicodeScalars.allSatisfy { (0x20..<0x7f).contains($0.value) })
        #expect(line.first?.isLowercase == false)
    }
}
