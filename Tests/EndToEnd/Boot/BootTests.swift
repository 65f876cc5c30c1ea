import Foundation
import Machine
import Repository
import Testing

/// Whole boots in QEMU. `Tests/run` builds the agent that they boot, and asks for them.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["POSTERN_BOOT_TESTS"] == "1", "run by Tests/run"))
struct BootTests {
    @Test(arguments: [Machine.timerStopped, Machine.codeChanged])
    func `a machine that the emulator stops is started once more, and only once`(sign: String) async throws {
        var boots = 0
        func stop(_ machine: Machine, until last: Int) async throws {
            boots += 1
            let lab = try await Lab(machine)
            guard boots < last else { return }
            try await lab.run("echo \"the kernel: \(sign)\" >/dev/console")
            try await machine.console.expect(sign)
            throw MachineError.missing("nothing comes any more")
        }
        try await boot(Lab.setup, name: "stopped-timer") { try await stop($0, until: 2) }
        #expect(boots == 2)
        await #expect(throws: MachineError.self) {
            try await boot(Lab.setup, name: "stopped-timer") { try await stop($0, until: 9) }
        }
        #expect(boots == 4)
    }

    @Test func `the last line before a machine powers off arrives, whatever is in its line's buffer`() async throws {
        try await boot(Lab.setup, name: "last-line") { machine in
            let lab = try await Lab(machine)
            // The power goes with this shell's parent, a second later.
            try await lab.run("(sleep 1; seq 1000 1999; echo LAST LINE; off) >/dev/console 2>&1 &")
            try await machine.console.expect("reboot: Power down")
            #expect(machine.console.text.contains("1999\nLAST LINE\n"))
        }
    }
}

extension Setup {
    /// The seed's machine: an encrypted root, a key volume, an array of four of which three are enough.
    static var nas: Setup {
        var setup = Setup(
            disks: ["root-quick", "keys", "storage-1", "storage-2", "storage-3", "storage-4"],
            crypttab: """
                # <name>   <device>              <key file>                 <options>
                crypt-root UUID={root-quick} none luks,discard,initramfs
                storage-1 UUID={storage-1} /etc/keyfile:UUID={keys} luks,initramfs
                storage-2 UUID={storage-2} /etc/keyfile:UUID={keys} luks,initramfs
                storage-3 UUID={storage-3} /etc/keyfile:UUID={keys} luks,initramfs
                storage-4 UUID={storage-4} /etc/keyfile:UUID={keys} luks,initramfs
                """)
        setup.configuration = "Array storage quorum=3 storage-*"
        return setup
    }

    static let everything: Set = ["crypt-root", "storage-1", "storage-2", "storage-3", "storage-4"]
}

/// Waits until the array's members have opened by their key file; the root waits.
func expectMembers(_ machine: Machine) async throws {
    try await machine.awaitAgent()
    for number in 1...4 { try await machine.console.expect("storage-\(number): open") }
}

/// What a command said is its dialogue in postern(8).
func expectRecorded(_ said: Outcome, to command: String, at location: SourceLocation = #_sourceLocation) throws {
    try expectRecorded(said.output + said.errors, to: command, at: location)
}

/// What a terminal showed is a command's dialogue in postern(8).
func expectRecorded(_ text: String, to command: String, at location: SourceLocation = #_sourceLocation) throws {
    #expect(
        try RecordedDialogues().isRecorded(text, to: command),
        "postern(8) has another dialogue of \(command); this one is:\n\(text)", sourceLocation: location)
}

/// The new root is the encrypted one, `open` and nothing else is open and holds the right content, and nothing of the
/// agent is left.
func expectTakenOver(
    _ machine: Machine, open: Set<String> = Setup.everything, skipped: Set<String> = [],
    sourceLocation: SourceLocation = #_sourceLocation
) async throws {
    for survey in [try await machine.survey(), try await machine.report()] {
        #expect(survey.open == open, sourceLocation: sourceLocation)
        for name in open where name != "crypt-root" {
            #expect(survey.members[name] == name, sourceLocation: sourceLocation)
        }
        #expect(survey.left == [], sourceLocation: sourceLocation)
        #expect(survey.skipped == skipped, sourceLocation: sourceLocation)
    }
    #expect(try await machine.report().root == "crypt-root", sourceLocation: sourceLocation)
    #expect(!machine.console.text.contains("NATIVE prompt"), sourceLocation: sourceLocation)
}
