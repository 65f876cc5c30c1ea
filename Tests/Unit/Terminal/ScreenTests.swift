import SeenTerminal
import Terminal
import Testing
import Wire

@Suite struct ScreenTests {
    @Test func `a dialogue that opens everything`() {
        var dialogue = Dialogue()
        dialogue.showState(machine())
        #expect(
            dialogue.text == """
                nas has waited 2 minutes to be unlocked.
                  crypt-root  locked
                  storage-1   waits for its key file
                  storage-2   waits for its device: UUID=3
                Passphrase for crypt-root:
                """)
        #expect(dialogue.terminal.cursorRow == "Passphrase for crypt-root: ")
        #expect(!dialogue.screen.wantsTicks)
        dialogue.submitted()
        #expect(dialogue.screen.wantsTicks)
        #expect(dialogue.terminal.cursorRow == "Trying crypt-root ...")
        dialogue.showState(machine { $0.volumes[0].state = .trying })
        dialogue.tick(1)
        dialogue.tick(12)
        #expect(dialogue.terminal.cursorRow == "Trying crypt-root ... 12 s")
        dialogue.showState(
            machine {
                $0.volumes[0].state = .open
                $0.volumes[0].asks = false
            })
        dialogue.tried([TryResult(name: "crypt-root", outcome: .opened)])
        #expect(dialogue.terminal.cursorRow == "Waiting for storage-2, storage-1 ...")
        let all = machine {
            for index in $0.volumes.indices { $0.volumes[index].state = .open }
            $0.volumes[0].asks = false
        }
        dialogue.showState(all)
        #expect(dialogue.terminal.cursorRow == "Waiting for the boot to go on ...")
        dialogue.showEnd(.done)
        #expect(
            dialogue.text == """
                nas has waited 2 minutes to be unlocked.
                  crypt-root  locked
                  storage-1   waits for its key file
                  storage-2   waits for its device: UUID=3
                Passphrase for crypt-root:
                crypt-root: open
                storage-1: open
                storage-2: open
                Boot continues.

                """)
    }

    @Test func `a wrong passphrase asks again`() {
        var dialogue = Dialogue()
        let state = machine { $0.volumes.removeLast(2) }
        dialogue.showState(state)
        dialogue.submitted()
        dialogue.showState(
            machine {
                $0.volumes.removeLast(2); $0.volumes[0].state = .trying
            })
        dialogue.showState(state)
        dialogue.tried([TryResult(name: "crypt-root", outcome: .wrong)], retryAfter: 2)
        #expect(
            dialogue.text == """
                nas has waited 2 minutes to be unlocked.
                  crypt-root  locked
                Passphrase for crypt-root:
                Wrong passphrase.
                The next one is tried after 2 s.
                Passphrase for crypt-root:
                """)
    }

    @Test func `each volume has its own result where they differ`() {
        var dialogue = Dialogue()
        dialogue.showState(
            machine {
                $0.volumes[1].asks = true
                $0.volumes[2] = VolumeStatus(name: "data", device: "", state: .locked, asks: true, required: true)
            })
        #expect(dialogue.terminal.cursorRow == "Passphrase for crypt-root, storage-1, data: ")
        dialogue.submitted()
        dialogue.tried([
            TryResult(name: "crypt-root", outcome: .opened), TryResult(name: "storage-1", outcome: .wrong),
            TryResult(name: "data", outcome: .failed, detail: "not enough memory"),
        ])
        #expect(
            dialogue.text.hasSuffix(
                """
                Passphrase for crypt-root, storage-1, data:
                crypt-root: open
                storage-1: wrong passphrase
                data: failed: not enough memory
                Passphrase for storage-1, data:
                """))
    }

    @Test(arguments: [true, false])
    func `a result is told once whichever message comes first`(stateFirst: Bool) {
        var dialogue = Dialogue()
        dialogue.showState(machine())
        dialogue.submitted()
        dialogue.showState(machine { $0.volumes[0].state = .trying })
        let after = machine {
            $0.volumes[0] = VolumeStatus(
                name: "crypt-root", device: "", state: .failed, detail: "no memory", asks: false, required: true)
            $0.volumes[1].state = .open
        }
        let results = [
            TryResult(name: "crypt-root", outcome: .failed, detail: "no memory"),
            TryResult(name: "storage-1", outcome: .alreadyOpen),
        ]
        if stateFirst { dialogue.showState(after) }
        dialogue.tried(results)
        if !stateFirst { dialogue.showState(after) }
        #expect(dialogue.text.split(separator: "\n").filter { $0 == "crypt-root: failed: no memory" }.count == 1)
        #expect(dialogue.text.split(separator: "\n").filter { $0 == "storage-1: open" }.count == 1)
    }

    @Test func `what another prompt opened is told above the prompt`() {
        var dialogue = Dialogue()
        let data = VolumeStatus(name: "data", device: "", state: .locked, asks: true, required: true)
        dialogue.showState(machine { $0.volumes.append(data) })
        dialogue.showState(
            machine {
                $0.volumes.append(data)
                $0.volumes[0].state = .open
                $0.volumes[0].asks = false
                $0.volumes[1].detail = "storage.key is empty"
                $0.notices = ["The boot goes on with 5 of 6 members."]
            })
        #expect(
            dialogue.text == """
                nas has waited 2 minutes to be unlocked.
                  crypt-root  locked
                  storage-1   waits for its key file
                  storage-2   waits for its device: UUID=3
                  data        locked
                crypt-root: open
                storage-1: waits for its key file: storage.key is empty
                The boot goes on with 5 of 6 members.
                Passphrase for data:
                """)
        #expect(dialogue.screen.isPrompting)
    }

    @Test func `nothing is written when nothing is new`() {
        var screen = Screen(columns: 80)
        _ = screen.showState(machine())
        #expect(screen.showState(machine { $0.waiting = 200 }).isEmpty)
        #expect(screen.tick(seconds: 3).isEmpty)
    }

    @Test func `key files show their progress where nothing asks`() {
        var dialogue = Dialogue()
        func trying(_ seconds: UInt32) -> MachineState {
            machine {
                $0.volumes[0].state = .open
                $0.volumes[0].asks = false
                $0.volumes[1].state = .trying
                $0.volumes[1].seconds = seconds
                $0.volumes[2].state = .queued
            }
        }
        dialogue.showState(trying(3))
        #expect(dialogue.terminal.cursorRow == "Trying storage-1, storage-2 ... 3 s")
        #expect(dialogue.screen.wantsTicks)
        #expect(!dialogue.screen.isPrompting)
        dialogue.tick(2)
        #expect(dialogue.terminal.cursorRow == "Trying storage-1, storage-2 ... 5 s")
        dialogue.showState(trying(5))
        #expect(dialogue.terminal.cursorRow == "Trying storage-1, storage-2 ... 5 s")
        dialogue.showState(trying(0))
        dialogue.tick(3)
        #expect(dialogue.terminal.cursorRow == "Trying storage-1, storage-2 ... 1 s")
        dialogue.showState(trying(0).with { $0.volumes[1].state = .queued })
        #expect(dialogue.terminal.cursorRow.hasPrefix("Waiting to try storage-1, storage-2 ..."))
    }

    @Test func `a try that the brake holds is not said to be tried`() {
        var dialogue = Dialogue()
        dialogue.showState(machine())
        dialogue.submitted()
        dialogue.tried([TryResult(name: "crypt-root", outcome: .wrong)], retryAfter: 6)
        dialogue.submitted()
        #expect(dialogue.terminal.cursorRow == "")
        dialogue.showState(machine { $0.wait = 6 })
        #expect(dialogue.terminal.cursorRow == "Waiting 6 s before the next try")
        dialogue.tick(2)
        #expect(dialogue.terminal.cursorRow == "Waiting 4 s before the next try")
        // Somebody else's is tried meanwhile.
        dialogue.showState(machine { $0.volumes[0].state = .trying })
        #expect(dialogue.terminal.cursorRow == "Trying crypt-root ...")
        dialogue.tick(4)
        dialogue.showState(machine { $0.wait = 2 })
        #expect(dialogue.terminal.cursorRow == "Waiting 2 s before the next try")
        for second: UInt32 in [5, 6, 7] { dialogue.tick(second) }
        #expect(dialogue.terminal.cursorRow == "Waiting 1 s before the next try")
        dialogue.showState(machine { $0.volumes[0].state = .trying })
        dialogue.tick(9)
        #expect(dialogue.terminal.cursorRow == "Trying crypt-root ... 2 s")
        #expect(dialogue.text.split(separator: "\n").count { $0.hasPrefix("Trying") } == 1)
    }

    @Test func `who is prompted sees nothing of another's delay`() {
        var dialogue = Dialogue()
        dialogue.showState(machine { $0.wait = 6 })
        #expect(dialogue.terminal.cursorRow == "Passphrase for crypt-root: ")
    }

    @Test func `the prompt may be Debian's`() {
        var screen = Screen(columns: 40, debians: true)
        let text = String(decoding: screen.showState(machine()), as: UTF8.self)
        #expect(text.hasSuffix("Please unlock disk crypt-root: "))
    }

    @Test func `leaving is said`() {
        for isTrying in [false, true] {
            var dialogue = Dialogue()
            dialogue.showState(machine())
            if isTrying { dialogue.submitted() }
            dialogue.terminal.write(dialogue.screen.showLeaving())
            let line = isTrying ? "Left: the passphrase is still being tried.\n" : "Left: this machine waits on.\n"
            #expect(dialogue.text.hasSuffix(line))
            #expect(dialogue.screen.showState(machine()).isEmpty)
        }
    }

    @Test func `an empty line draws the prompt again`() {
        var dialogue = Dialogue()
        dialogue.showState(machine { $0.volumes.removeLast(2) })
        dialogue.terminal.write("[   12.3] usb 1-1: new device\r\n".utf8)
        dialogue.terminal.write(dialogue.screen.redraw())
        dialogue.terminal.write(dialogue.screen.tooLong())
        #expect(
            dialogue.text == """
                nas has waited 2 minutes to be unlocked.
                  crypt-root  locked
                Passphrase for crypt-root: [   12.3] usb 1-1: new device

                Passphrase for crypt-root:
                Not tried: a passphrase has at most 512 bytes.
                Passphrase for crypt-root:
                """)
    }

    @Test func `a rehearsal says so first and last`() {
        var dialogue = Dialogue(columns: 40)
        dialogue.showState(
            machine {
                $0.rehearsal = true; $0.volumes.removeLast(2)
            })
        dialogue.submitted()
        dialogue.tried([TryResult(name: "crypt-root", outcome: .opened)])
        dialogue.showEnd(.done)
        #expect(
            dialogue.text == """
                nas has waited 2 minutes to be unlocked.
                REHEARSAL: nothing is opened in earnest.
                  crypt-root  locked
                Passphrase for crypt-root:
                crypt-root: open
                Boot continues.
                REHEARSAL: nothing is opened in earnest.

                """)
    }

    @Test(
        arguments: [
            (ExitCode.done, "", "Boot continues.\n"),
            (.done, "Another prompt opened it.", "Another prompt opened it.\nBoot continues.\n"),
            (.timedOut, "", "Timed out.\n"),
            (.refused, "The agent stops.", "The agent stops.\n"),
        ])
    func `the end says why`(code: ExitCode, reason: String, text: String) {
        var dialogue = Dialogue()
        dialogue.showState(machine())
        let before = dialogue.text.dropLast("Passphrase for crypt-root:".count)
        dialogue.showEnd(code, reason: reason)
        #expect(dialogue.text == before + text)
        #expect(dialogue.screen.tick(seconds: 1).isEmpty)
        #expect(dialogue.screen.showState(machine { $0.volumes[0].state = .open }).isEmpty)
        #expect(dialogue.screen.redraw().isEmpty)
    }
}
