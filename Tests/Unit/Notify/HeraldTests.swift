import Linux
import Testing

@testable import Notify

/// Which events tell the owners.
@Suite struct HeraldTests {
    private var herald = Herald(host: "nas")
    private let key = [LogField("POSTERN_KEY", "SHA256:abc"), LogField("POSTERN_KEY_COMMENT", "daniel@laptop")]

    private mutating func heard(_ event: String, _ fields: [LogField] = [], line: String = "") -> String? {
        herald.heard(line, [.event(event)] + fields, at: 7)?.text
    }

    @Test mutating func `who opened it is told when the boot goes on, each once`() {
        let root = [LogField("POSTERN_VOLUME", "root")]
        #expect(heard("volume-open", root + key, line: "root: opened by SHA256:abc (daniel@laptop)") == nil)
        #expect(heard("volume-open", [LogField("POSTERN_VOLUME", "a")] + key) == nil)
        #expect(heard("volume-open", root, line: "root: opened by the console in 2 s") == nil)
        #expect(heard("volume-open", root, line: "root: opened by key file /etc/k in 2 s") == nil)
        #expect(heard("volume-open", root + [LogField("POSTERN_KEY", "SHA256:xyz")]) == nil)
        #expect(
            heard("boot-continues", [.list("POSTERN_WITHOUT", [])])
                == "nas: opened by daniel@laptop, the console, SHA256:xyz; the boot goes on")
    }

    @Test mutating func `what the boot goes on without is told`() {
        #expect(
            heard("boot-continues", [.list("POSTERN_WITHOUT", ["storage-3", "storage-4"])])
                == "nas: continues without storage-3, storage-4")
        #expect(heard("boot-continues") == "nas: the boot goes on")
        #expect(heard("reboot-asked", key) == "nas restarts, asked for by daniel@laptop")
        #expect(heard("poweroff-asked", key) == "nas is powered off, asked for by daniel@laptop")
    }

    @Test mutating func `wrong passphrases are told at 3, 6, 12 and so on`() {
        var told: [Int] = []
        for number in 1...30 {
            guard let text = heard("wrong-passphrase", number % 2 == 0 ? key : []) else { continue }
            told.append(number)
            let who = number % 2 == 0 ? "daniel@laptop" : "the console"
            #expect(text == "nas: a wrong passphrase was typed \(number) times, last by \(who)")
        }
        #expect(told == [3, 6, 12, 24])
    }

    @Test mutating func `that it waits is told once for each way, and of ways not for ever`() {
        #expect(
            herald.waits("ssh -p 2222 root@192.0.2.10", at: 7)?.text
                == "nas waits to be unlocked: ssh -p 2222 root@192.0.2.10")
        #expect(herald.waits("ssh -p 2222 root@192.0.2.10", at: 7) == nil)
        let told = (0..<20).filter { herald.waits("ssh -p \($0) root@192.0.2.10", at: 7) != nil }
        #expect(told.count == 7)
    }

    @Test mutating func `other events and lines tell nobody, and no text is long or moves a cursor`() throws {
        for event in ["login", "waiting", "told-to-end", "volume-failed"] { #expect(heard(event, key) == nil) }
        #expect(herald.heard("the boot goes on", [], at: 7) == nil)
        let names = (0..<300).map { "\u{1B}[2Jstorage-\($0)" }
        let text = try #require(heard("boot-continues", [.list("POSTERN_WITHOUT", names)]))
        #expect(text.utf8.count <= 1000 && text.contains("\\x1b[2J") && !text.contains("\u{1B}"))
    }
}
