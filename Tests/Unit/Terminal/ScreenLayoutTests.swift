import SeenTerminal
import Terminal
import Testing
import Wire

@Suite struct ScreenLayoutTests {
    @Test(arguments: [20, 30, 40, 80])
    func `the live line never wraps`(columns: Int) {
        var dialogue = Dialogue(columns: columns)
        let many = machine {
            $0.volumes = (1...12).map {
                VolumeStatus(name: "storage-volume-\($0)", device: "", state: .locked, asks: true, required: true)
            }
        }
        dialogue.showState(many)
        #expect(dialogue.terminal.cursorRow.hasPrefix("Passphrase"))
        #expect(dialogue.terminal.cursorRow.hasSuffix(": "))
        dialogue.submitted()
        for second in [1, 10, 100, 100_000] as [UInt32] {
            dialogue.tick(second)
            #expect(dialogue.terminal.cursorRow.hasPrefix("Trying"))
            #expect(dialogue.terminal.cursorRow.hasSuffix(" \(second) s"))
        }
        dialogue.showState(many.with { for index in $0.volumes.indices { $0.volumes[index].state = .deviceMissing } })
        dialogue.tried([])
        dialogue.showState(
            many.with {
                for index in $0.volumes.indices {
                    $0.volumes[index].state = .waitingForKey
                    $0.volumes[index].asks = false
                }
            })
        #expect(dialogue.terminal.cursorRow.hasPrefix("Waiting "))
    }

    @Test func `a long list of names is shortened`() {
        var dialogue = Dialogue(columns: 40)
        dialogue.showState(
            machine {
                $0.volumes = ["crypt-root", "data", "home", "media", "old"].map {
                    VolumeStatus(name: $0, device: "", state: .locked, asks: true, required: true)
                }
            })
        #expect(dialogue.terminal.cursorRow == "Passphrase for crypt-root and 4 more: ")
        dialogue.screen.resize(columns: 50)
        dialogue.terminal = SeenTerminal(columns: 50)
        dialogue.terminal.write(dialogue.screen.redraw())
        #expect(dialogue.terminal.cursorRow.hasPrefix("Passphrase for crypt-root, data and 3 more: "))
    }

    @Test func `a phone breaks lines at spaces`() {
        var dialogue = Dialogue(columns: 40)
        dialogue.showState(
            machine {
                $0.volumes.removeLast()
                $0.volumes[1].detail = "storage.key on UUID=2 is empty"
                $0.notices = ["The boot goes on with 5 of 6 members of storage."]
            })
        #expect(
            dialogue.text == """
                nas has waited 2 minutes to be unlocked.
                  crypt-root  locked
                  storage-1   waits for its key file:
                    storage.key on UUID=2 is empty
                The boot goes on with 5 of 6 members of
                storage.
                Passphrase for crypt-root:
                """)
    }

    @Test func `no control character reaches the terminal`() {
        let evil = "a\u{1B}[2J\r\nopen\u{7}\u{9B}1m\u{202E}x\u{7F}"
        var screen = Screen(columns: 200)
        let state = MachineState(
            host: evil, waiting: 1, rehearsal: false, continues: false,
            volumes: [
                VolumeStatus(name: evil, device: evil, state: .locked, detail: evil, asks: true, required: true),
                VolumeStatus(name: "b" + evil, device: evil, state: .deviceMissing, asks: false, required: true),
            ], notices: [evil])
        var bytes = screen.showState(state)
        bytes += screen.submitted()
        bytes += screen.tick(seconds: 1)
        bytes += screen.tried(
            [
                TryResult(name: evil, outcome: .failed, detail: evil), TryResult(name: evil, outcome: .opened),
            ], retryAfter: 1)
        bytes += screen.showState(
            state.with {
                $0.volumes[1].state = .failed; $0.notices = ["x" + evil]
            })
        bytes += screen.showEnd(.internalError, reason: evil)
        let text = String(decoding: bytes, as: UTF8.self)
            .replacing("\r\n", with: "").replacing("\r\u{1B}[K", with: "")
        #expect(text.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F..<0xA0).contains($0.value) })
        #expect(!text.unicodeScalars.contains("\u{202E}"))
        #expect(text.contains("a\\u{1B}[2J\\u{0D}\\u{0A}open\\u{07}\\u{9B}1m\\u{202E}x\\u{7F}"))
    }

    @Test func `a screen without prompt watches`() {
        var dialogue = Dialogue(prompt: false)
        dialogue.showState(machine { $0.volumes.removeLast(2) })
        #expect(dialogue.terminal.cursorRow == "Not open: crypt-root")
        #expect(!dialogue.screen.isPrompting)
    }

    @Test func `the ticker counts whole seconds`() {
        var ticker = Ticker()
        #expect(ticker.next == nil)
        ticker.update(wanted: true, now: 500)
        #expect(ticker.next == 1500)
        #expect(ticker.due(now: 1499) == nil)
        #expect(ticker.due(now: 1500) == 1)
        ticker.update(wanted: true, now: 1600)
        #expect(ticker.due(now: 1600) == nil)
        #expect(ticker.due(now: 4700) == 4)
        #expect(ticker.next == 5500)
        ticker.restart(now: 5000)
        #expect(ticker.next == 6000)
        ticker.update(wanted: false, now: 5100)
        #expect(ticker.next == nil)
    }
}
