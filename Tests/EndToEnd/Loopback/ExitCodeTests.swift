import Foundation
import Glibc
import TestPeers
import Testing

/// The exit codes, which are for ever, as ssh(1) hands them on.
@Suite struct ExitCodeTests {
    let materials: Materials
    init() throws { materials = try Materials.made.get() }

    @Test func `zero when the boot goes on`() throws {
        let agent = try Rehearsal(["root \(materials.root) none luks"])
        let end = try agent.unlock(Materials.passphrase)
        #expect(end.status == 0, "\(end)")
        #expect(
            end.out == "root: open (rehearsal)\nBoot continues.\nREHEARSAL: nothing is opened in earnest.\n")
        #expect(end.err == "")
        #expect(agent.end() == 0)
    }

    @Test func `one when the worker is killed and another try works`() throws {
        let agent = try Rehearsal(["slow \(materials.slow) none luks"])
        #expect(try agent.becomes { $0.volume("slow")?.asks == true })
        let first = Later { try agent.unlock(Materials.passphrase) }
        // Nothing else has a worker now.
        #expect(eventually { !agent.children("worker").isEmpty })
        for worker in agent.children("worker") { kill(worker, SIGKILL) }
        let end = try first.value()
        #expect(end.status == 1, "\(end)")
        #expect(end.err.contains("slow: failed: its worker was ended by signal 9"), "\(end)")
        #expect(end.out == "")
        #expect(try agent.unlock(Materials.passphrase).status == 0)
        #expect(agent.end() == 0)
    }

    @Test func `two for wrong usage`() throws {
        let agent = try Rehearsal(["root \(materials.root) none luks"])
        let foo = try agent.ssh(["status", "--foo"])
        #expect(foo.status == 2)
        #expect(foo.err == "usage: status [--json]\n")
        let empty = try agent.ssh(["unlock"], input: .text(""))
        #expect(empty.status == 2)
        #expect(empty.err == "The passphrase on standard input is empty.\n")
        #expect(try agent.ssh(["unlock"], input: .text("\n")).status == 2)
        let unknown = try agent.ssh(["unlock", "open", "sesame"], input: .text("x"))
        #expect(unknown.status == 2)
        // It may have been meant as the passphrase.
        #expect(
            unknown.err
                == "No such volume is opened here. There are: root.\nREHEARSAL: nothing is opened in earnest.\n")
    }

    @Test func `three for a wrong passphrase`() throws {
        let agent = try Rehearsal(["root \(materials.root) none luks", "old \(materials.old) none luks"])
        #expect(try agent.becomes { $0.volumes.allSatisfy { $0.asks } })
        let end = try agent.unlock("wrong")
        #expect(end.status == 3)
        #expect(end.out == "")
        #expect(end.err == "Wrong passphrase.\nThe next one is tried after 1 s.\n")
        #expect(try agent.unlock(Materials.passphrase).status == 0)
    }

    @Test func `four when some are still locked`() throws {
        let agent = try Rehearsal(["root \(materials.root) none luks", "data \(materials.data) none luks"])
        #expect(try agent.becomes { $0.volumes.allSatisfy { $0.asks } })
        let first = try agent.unlock(Materials.passphrase)
        #expect(first.status == 4, "\(first)")
        #expect(first.out == "root: open (rehearsal)\n")
        #expect(first.err.contains("data: wrong passphrase\n") && first.err.contains("Still locked: data.\n"))
        let second = try agent.unlock(Materials.other)
        #expect(second.status == 0, "\(second)")
        #expect(second.out.hasPrefix("data: open (rehearsal)\nBoot continues.\n"))
        #expect(agent.end() == 0)
    }

    @Test func `five when a device is missing`() throws {
        let agent = try Rehearsal(
            ["root \(materials.root) none luks", "data /nowhere/data none luks"], settings: ["ContinueTimeout 1"])
        let end = try agent.unlock(Materials.passphrase)
        #expect(end.status == 5, "\(end)")
        #expect(end.out == "root: open (rehearsal)\n")
        #expect(end.err.contains("data: device /nowhere/data is missing."), "\(end)")
    }

    @Test func `five when there is nothing to try it on`() throws {
        let agent = try Rehearsal(["data /nowhere/data none luks"], settings: ["ContinueTimeout 1"])
        let end = try agent.unlock(Materials.passphrase)
        #expect(end.status == 5, "\(end)")
        #expect(end.err.contains("data: device /nowhere/data is missing."), "\(end)")
    }

    @Test(arguments: ["halt now", "sh", "ls /etc/shadow", "passwd"])
    func `six for what is refused`(command: String) throws {
        let agent = try Rehearsal(["root \(materials.root) none luks"])
        let end = try agent.ssh([command])
        #expect(end.status == 6, "\(end)")
        #expect(end.out == "")
        #expect(end.err == "\(command): no such command here; see: help\n")
    }

    @Test func `seven when no passphrase comes`() throws {
        // The time is for the login, too: on a slow machine that may take it all.
        for seconds in [2, 4, 8, 16, 32] {
            let agent = try Rehearsal(["root \(materials.root) none luks"], settings: ["LoginGraceTime \(seconds)"])
            let end = try agent.ssh(["unlock"], input: .left(open: ""))
            guard end.status == 255 else {
                #expect(end.status == 7, "\(end)")
                #expect(end.err.hasSuffix("use ssh -t.\nNo passphrase came on standard input.\n"), "\(end)")
                return
            }
        }
        Issue.record("no login within 32 seconds")
    }
}
