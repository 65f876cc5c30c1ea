import Foundation
import Glibc
import TestPeers
import Testing

/// What an owner does beside unlocking all: single volumes, going on, and the end of the boot.
@Suite struct DoorTests {
    let materials: Materials
    let root: String
    let data: String

    init() throws {
        materials = try Materials.made.get()
        root = "root \(materials.root) none luks"
        data = "data \(materials.old) none luks"
    }

    @Test func `a passphrase for one volume leaves the others, and the boot waits on`() throws {
        let agent = try Rehearsal([root, data])
        #expect(try agent.becomes { $0.volumes.allSatisfy { $0.asks } })
        let end = try agent.ssh(["unlock", "root"], input: .text(Materials.passphrase))
        #expect(end.status == 0, "\(end)")
        #expect(end.out == "root: open (rehearsal)\n")
        #expect(end.err == "")
        let status = try agent.status()
        #expect(!status.continues)
        #expect(status.volumes.map { $0.state } == ["open", "locked"])
        // There is nothing left to do.
        let again = try agent.ssh(["unlock", "root"], input: .left(open: ""))
        #expect(again.status == 0, "\(again)")
        #expect(again.out == "All of these are open.\nREHEARSAL: nothing is opened in earnest.\n")
        let rest = try agent.ssh(["unlock", "data", "root"], input: .text(Materials.passphrase))
        #expect(rest.status == 0, "\(rest)")
        #expect(rest.out.contains("Boot continues."))
        #expect(agent.end() == 0)
    }

    @Test func `a passphrase for one volume is not tried on another`() throws {
        let agent = try Rehearsal([root, data])
        #expect(try agent.becomes { $0.volumes.allSatisfy { $0.asks } })
        let end = try agent.ssh(["unlock", "data"], input: .text("wrong"))
        #expect(end.status == 3, "\(end)")
        #expect(try agent.status().volumes.map { $0.state } == ["locked", "locked"])
    }

    @Test func `at a terminal it asks for that volume alone, and ends when it is open`() throws {
        let agent = try Rehearsal([root, data])
        #expect(try agent.becomes { $0.volumes.allSatisfy { $0.asks } })
        let screen = try agent.login(["unlock", "data"])
        #expect(screen.sees("Passphrase for data: "), "\(screen.screen)")
        screen.type(Materials.passphrase + "\r")
        #expect(screen.sees("All of these are open."), "\(screen.screen)")
        #expect(screen.end() == 0)
        #expect(!screen.screen.contains("Boot continues."))
        #expect(try agent.status().volumes.map { $0.state } == ["locked", "open"])
    }

    @Test func `a plain login says once that there are other commands`() throws {
        let agent = try Rehearsal([root])
        let screen = try agent.login()
        #expect(screen.sees("Passphrase for root: "))
        screen.type("wrong\r")
        #expect(screen.sees("Wrong passphrase."))
        #expect(screen.screen.components(separatedBy: "ssh ... help").count == 2, "\(screen.screen)")
    }

    @Test func `continue goes on without what the boot can do without, and is refused before that`() throws {
        let agent = try Rehearsal(
            [root, "extra /nowhere/extra none luks,nofail"], settings: ["ContinueTimeout 3600"])
        #expect(try agent.becomes { $0.volume("root")?.asks == true })
        let refused = try agent.ssh(["continue"])
        #expect(refused.status == 6)
        #expect(refused.err == "The boot cannot do without: root.\nREHEARSAL: nothing is opened in earnest.\n")
        #expect(refused.out == "")
        // It hears of the end as everybody does.
        let unlock = Later { try agent.unlock(Materials.passphrase) }
        #expect(try agent.becomes { $0.volume("root")?.state == "open" })
        let end = try agent.ssh(["continue"])
        #expect(end.status == 0, "\(end)")
        #expect(end.out == "Without extra.\nBoot continues.\nREHEARSAL: nothing is opened in earnest.\n")
        #expect(try unlock.value().status == 0)
        #expect(agent.end() == 0)
        #expect(agent.logs("told to go on by SHA256:"), "\(agent.log)")
    }

    @Test(arguments: ["reboot", "poweroff", "systemctl reboot", "reboot second.conf"])
    func `a rehearsal never ends the machine`(command: String) throws {
        let agent = try Rehearsal([root])
        let end = try agent.ssh([command])
        #expect(end.status == 6)
        #expect(end.err.hasPrefix("This is a rehearsal: the machine stays on.\n"), "\(end)")
        #expect(try agent.unlock(Materials.passphrase).status == 0)
    }

    @Test func `entries are shown, or a sentence says why not, also to several at once, and the boot waits on`() throws
    {
        let hasEFI = FileManager.default.fileExists(atPath: "/sys/firmware/efi")
        let agent = try Rehearsal([root])
        for command in [["entries"], ["entries", "--json"]] {
            let end = try agent.ssh(command)
            #expect(end.status == 6 || hasEFI && end.status == 0, "\(end)")
            let isWithout = end.err.hasPrefix(
                "The boot loader's entries cannot be shown: this machine was not started by EFI")
            #expect(isWithout == !hasEFI, "\(end)")
        }
        let asked = (0..<5).map { _ in Later { try agent.ssh(["entries"]) } }
        for end in asked { #expect([0, 6].contains(try end.value().status)) }
        #expect(try agent.unlock(Materials.passphrase).status == 0)
        #expect(agent.end() == 0)
    }

    @Test func `a key with a forced command can do that alone`() throws {
        var scene = Scene([root, data])
        scene.keys = [
            "command=\"unlock data\" \(try materials.alice.line())", "command=\"reboot\" \(try materials.bob.line())",
        ]
        let agent = try Rehearsal(scene)
        let end = try agent.ssh(["poweroff"], input: .text(Materials.passphrase))
        #expect(end.status == 0, "\(end)")
        #expect(end.out == "data: open (rehearsal)\n")
        let reboot = try agent.ssh(["status"], key: materials.bob)
        #expect(reboot.status == 6)
        #expect(reboot.err.contains("This is a rehearsal"), "\(reboot)")
    }

    @Test func `log shows what has happened, and -f what happens until the boot goes on`() throws {
        let agent = try Rehearsal([root])
        #expect(try agent.becomes { $0.volume("root")?.asks == true })
        let shown = try agent.ssh(["log"])
        #expect(shown.status == 0 && shown.err == "", "\(shown)")
        #expect(shown.out.contains(/(?m)^20\d\d-\d\d-\d\d \d\d:\d\d:\d\d waits for root$/), "\(shown)")
        #expect(shown.out.contains("login of root with SHA256:"), "\(shown)")
        let following = Later { try agent.ssh(["log", "-f"]) }
        #expect(eventually { agent.lines(with: "login of root").count >= 3 })
        #expect(try agent.unlock(Materials.passphrase).status == 0)
        let end = try following.value()
        #expect(end.status == 0 && end.err == "", "\(end)")
        let lines = end.out.split(separator: "\n")
        #expect(lines.last?.hasSuffix(" the boot goes on") == true, "\(end)")
        for text in ["waits for root", "root: opened by SHA256:"] {
            #expect(lines.count { $0.contains(text) } == 1, "\(text): \(end)")
        }
        #expect(agent.end() == 0)
    }

    @Test func `who follows the log many times and reads nothing any more is ended alone`() throws {
        let agent = try Rehearsal([root])
        let options = ["-o", "ControlPath=\(agent.folder.path("control"))"]
        let master = try agent.login(options: ["-o", "ControlMaster=yes"] + options)
        #expect(master.sees("Passphrase for root: "))
        let sessions = agent.children("session")
        let following = (0..<8).map { _ in Later { try agent.ssh(["log", "-f"], options: options) } }
        // Each line for the log goes to all of them.
        #expect(eventually { agent.lines(with: "login of root").count == 1 })
        // Time to begin: one that begins later is ended as well.
        sleep(1)
        for session in sessions { kill(session, SIGSTOP) }
        let isEnded = eventually {
            _ = try? agent.ssh(["status"], key: materials.bob)
            return agent.log.contains("its session was ended: it does not read")
        }
        #expect(isEnded, "\(agent.log)")
        for end in following { #expect(try end.value().status == 255) }
        #expect(try agent.unlock(Materials.passphrase).status == 0, "\(agent.log)")
        #expect(agent.end() == 0)
    }
}
