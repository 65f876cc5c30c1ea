import Foundation
import Glibc
import TestPeers
import Testing

/// What our processes can do once code runs in them that a stranger has brought: the shipped binary is made to do it.
@Suite(.enabled(if: geteuid() == 0, "another process's registers are root's to write"))
struct ConfinementTests {
    let volumes: [String]

    init() throws { volumes = ["root \(try Materials.made.get().root) none luks"] }

    @Test func `a session that does what it may not ends and the next login works`() throws {
        let agent = try Rehearsal(volumes)
        for (count, call) in Takeover.forbidden(near: agent.process).enumerated() {
            let screen = try agent.login()
            #expect(screen.sees("Passphrase for root: "), "\(call.name)")
            let session = try #require(agent.children("session").first)
            try Takeover.call(session, call.number, call.arguments)
            #expect(screen.end() == 255, "\(call.name): \(screen.screen)")
            #expect(
                eventually { agent.lines(with: "was ended by signal 31").count == count + 1 },
                "\(call.name): \(agent.log)")
            #expect(eventually { agent.children("session").isEmpty })
        }
        #expect(try agent.unlock(Materials.passphrase).status == 0)
        #expect(agent.end() == 0)
    }

    @Test func `a signer that does what it may not ends and the next login works`() throws {
        let agent = try Rehearsal(volumes)
        for (count, call) in Takeover.forbidden(near: agent.process).enumerated() {
            // Another address each time: what one does again is summed.
            let stranger = try Stranger(port: agent.port, from: UInt8(count + 2))
            #expect(eventually { agent.children("session").count == 1 && agent.children("signer").count == 1 })
            let signer = try #require(agent.children("signer").first)
            // It is shut in once it has greeted its session, which then greets the client.
            #expect(eventually { Processes.field("Seccomp", of: signer) == "2" })
            try Takeover.call(signer, call.number, call.arguments)
            #expect(
                eventually { agent.lines(with: "was ended by signal 31").count == count + 1 },
                "\(call.name): \(agent.log)")
            kill(try #require(agent.children("session").first), SIGKILL)
            #expect(eventually { agent.children("session").isEmpty })
            withExtendedLifetime(stranger) {}
        }
        #expect(agent.log.contains("its signer was ended by signal"))
        #expect(try agent.unlock(Materials.passphrase).status == 0)
        #expect(agent.end() == 0)
    }

    @Test func `a console that does what it may not ends and comes back`() throws {
        let agent = try Rehearsal(Scene(volumes, console: true))
        let console = try #require(agent.console)
        let dup = try #require(Takeover.forbidden(near: agent.process).first { $0.name == "socket" })
        #expect(console.sees("Passphrase for root: "))
        try Takeover.call(try #require(agent.children("console").first), dup.number, dup.arguments)
        #expect(agent.logs("was ended by signal 31"))
        #expect(console.sees("Passphrase for root: "), "\(console.screen) \(agent.log)")
        console.type("correct horse\r")
        #expect(console.end() == 0, "\(console.screen)")
    }

    @Test func `who claims a key that did not sign is ended`() throws {
        let agent = try Rehearsal(volumes)
        let stranger = try Stranger(port: agent.port)
        #expect(eventually { agent.children("session").count == 1 })
        let session = try #require(agent.children("session").first)
        #expect(eventually { Processes.field("Seccomp", of: session) == "2" })
        // The message `authenticated` for the first key, as the session itself would write it.
        let body: [UInt8] = [0, 2, 0, 0] + string("root")
        let frame = string(body)
        try Takeover.call(session, 1, [3, 0, frame.count], bytes: frame, at: 1)
        #expect(agent.logs("ended: a login with a key that did not sign"), "\(agent.log)")
        #expect(stranger.readToEnd(timeout: patience) != nil)
        #expect(!agent.log.contains("login of root"))
        #expect(try agent.unlock(Materials.passphrase).status == 0)
        #expect(agent.end() == 0)
    }

    @Test func `a session that asks for a shell by itself gets none where none is permitted`() throws {
        let agent = try Rehearsal(volumes)
        let screen = try agent.login()
        #expect(screen.sees("Passphrase for root: "))
        let session = try #require(agent.children("session").first)
        // The message `open` of a shell on channel 2, without a terminal, as the session itself would write it.
        let frame = string([2, 3, 13, 0, 0, 0])
        try Takeover.call(session, 1, [3, 0, frame.count], bytes: frame, at: 1)
        // A command that comes afterwards is answered afterwards.
        #expect(try agent.ssh(["status"]).status == 0)
        let children = try run("ps", ["--ppid", "\(agent.process)", "-o", "args="]).out.split(separator: "\n")
        #expect(!children.isEmpty && children.allSatisfy { $0.hasPrefix("postern ") }, "\(children)")
        screen.type("correct horse\r")
        #expect(screen.end() == 0, "\(screen.screen)")
    }

    @Test func `no two of them are one user and none has more than it needs`() throws {
        let agent = try Rehearsal(Scene(volumes, console: true))
        let screens = try [agent.login(), agent.login()]
        for screen in screens { #expect(screen.sees("Passphrase for root: ")) }
        let all = ["session", "signer", "console"].flatMap { role in agent.children(role).map { (role, $0) } }
        #expect(all.count == 5)
        for (role, id) in all {
            #expect(Processes.field("Groups", of: id) == "")
            #expect(Processes.field("CapBnd", of: id) == "0000000000000000")
            let limits = try String(contentsOfFile: "/proc/\(id)/limits", encoding: .utf8)
            func limit(_ name: String) -> String? {
                limits.split(separator: "\n").first { $0.hasPrefix(name) }?.dropFirst(name.count)
                    .split(separator: " ").prefix(2).joined(separator: " ")
            }
            #expect(limit("Max file size") == "0 0")
            #expect(limit("Max processes") == "0 0")
            #expect(limit("Max core file size") == "0 0")
            // The soft limit is below that for a session without a login.
            #expect(limit("Max address space")?.hasSuffix(role == "signer" ? " 33554432" : " 268435456") == true)
            let held = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(id)/fd").count
            if role != "console" { #expect(limit("Max open files") == "\(held) \(held)", "\(role)") }
        }
        let users = all.compactMap { Processes.field("Uid", of: $0.1).split(separator: "\t").first.map(String.init) }
        #expect(Set(users).count == 5, "\(users)")
        #expect(users.allSatisfy { (60720...61180).contains(Int($0) ?? 0) }, "\(users)")
        // Another session's user, and even its own, cannot look into it or send it a signal from outside.
        let victim = try #require(agent.children("session").first)
        for (user, mayFind) in [(users[0], true), (users[1], false)] {
            let words = ["--reuid", user, "--regid", user, "--clear-groups", "--bounding-set=-all", "--inh-caps=-all"]
            for file in ["mem", "maps", "fd/3", "environ"] {
                let end = try run("setpriv", words + ["head", "-c", "1", "/proc/\(victim)/\(file)"])
                #expect(end.status == 1 && end.err.contains("Permission denied"), "\(file) as \(user): \(end)")
            }
            let signal = try run("setpriv", words + ["sh", "-c", "kill -0 \(victim)"])
            #expect((signal.status == 0) == mayFind, "\(signal)")
        }
    }
}
