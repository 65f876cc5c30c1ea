import Foundation
import Glibc
import TestPeers
import Testing

/// Deaths, floods and strangers.
@Suite struct HardshipTests {
    let materials: Materials
    let volumes: [String]

    init() throws {
        materials = try Materials.made.get()
        volumes = ["root \(materials.root) none luks"]
    }

    @Test func `a killed session costs its connection alone`() throws {
        let agent = try Rehearsal(volumes)
        let first = try agent.login()
        #expect(first.sees("Passphrase for root: "))
        let victim = try #require(agent.children("session").first)
        let second = try agent.login()
        #expect(second.sees("Passphrase for root: "))
        kill(victim, SIGKILL)
        #expect(first.end() == 255, "\(first.screen)")
        #expect(agent.logs("was ended by signal 9"))
        second.type("correct horse\r")
        #expect(second.end() == 0, "\(second.screen)")
        #expect(agent.end() == 0)
    }

    @Test func `a killed console comes back`() throws {
        let agent = try Rehearsal(Scene(volumes, console: true))
        let console = try #require(agent.console)
        #expect(console.sees("Passphrase for root: "))
        let victim = try #require(agent.children("console").first)
        kill(victim, SIGKILL)
        #expect(console.sees("Passphrase for root: "), "\(console.screen) \(agent.log)")
        console.type("correct horse\r")
        #expect(console.end() == 0, "\(console.screen)")
    }

    @Test func `nothing outlives the monitor`() throws {
        let agent = try Rehearsal(Scene(["slow \(materials.slow) none luks"], console: true))
        let console = try #require(agent.console)
        let waiting = try agent.login(key: materials.bob)
        #expect(console.sees("Passphrase for slow: "))
        #expect(waiting.sees("Passphrase for slow: "))
        let trying = Later { try agent.unlock(Materials.passphrase) }
        #expect(eventually { !agent.children("worker").isEmpty })
        let children = Processes.children(of: agent.process)
        #expect(children.count >= 4, "\(children)")
        kill(agent.process, SIGKILL)
        #expect(eventually { children.allSatisfy { Processes.hasEnded($0) } }, "\(children)")
        #expect(waiting.end() == 255, "\(waiting.screen)")
        #expect(try trying.value().status == 255)
        #expect(agent.end() == 137)
    }

    @Test func `asked to end the agent ends its sessions in order`() throws {
        let agent = try Rehearsal(Scene(volumes, console: true))
        let console = try #require(agent.console)
        let screen = try agent.login()
        #expect(screen.sees("Passphrase for root: "))
        #expect(console.sees("Passphrase for root: "))
        let piped = Later { try agent.ssh(["unlock"], input: .left(open: "")) }
        #expect(eventually { agent.lines(with: "login of").count == 2 && agent.children("session").count == 2 })
        let children = Processes.children(of: agent.process)
        kill(agent.process, SIGTERM)
        #expect(screen.sees("The agent was told to end."), "\(screen.screen)")
        #expect(screen.end() == 1, "\(screen.screen)")
        #expect(!screen.screen.contains("closed by remote host"), "\(screen.screen)")
        #expect(!screen.screen.contains("Boot continues."))
        let end = try piped.value()
        #expect(end.status == 1 || end.status == 255, "\(end)")
        #expect(console.sees("The agent was told to end."), "\(console.screen)")
        #expect(agent.end() == 1)
        #expect(agent.log.contains("told to end; the boot's own prompt takes over"))
        #expect(children.allSatisfy { Processes.hasEnded($0) })
        if geteuid() == 0 { #expect(access("/run/postern-rehearsal-\(agent.process)", F_OK) != 0) }
    }

    @Test func `a client without a prompt holds nobody up`() throws {
        let agent = try Rehearsal(volumes)
        let idle = try agent.login(options: ["-N"])
        #expect(agent.logs("login of"))
        let end = try agent.unlock(Materials.passphrase)
        #expect(end.status == 0, "\(end)")
        #expect(agent.end() == 0)
        // It was told, and not cut off.
        #expect(idle.end() == 255)
        #expect(idle.screen.contains("Received disconnect from 127.0.0.1"), "\(idle.screen)")
        #expect(!idle.screen.contains("closed by remote host"), "\(idle.screen)")
    }

    @Test func `an agent without standard descriptors serves`() throws {
        var scene = Scene(volumes)
        scene.through = ["sh", "-c", "exec \"$@\" <&- >&- 2>&-", "sh"]
        scene.isMute = true
        let agent = try Rehearsal(scene)
        var end = try agent.ssh(["status"])
        #expect(
            try eventually {
                end = try agent.ssh(["status"])
                return end.status == 0
            }, "\(end)")
        for number in 0...2 {
            let path = "/proc/\(agent.process)/fd/\(number)"
            #expect(try FileManager.default.destinationOfSymbolicLink(atPath: path) == "/dev/null")
        }
        #expect(try agent.unlock(Materials.passphrase).status == 0)
        #expect(agent.end() == 0)
    }

    @Test func `Ctrl-C at its terminal ends a rehearsal`() throws {
        let agent = try Rehearsal(Scene(volumes, console: true))
        let console = try #require(agent.console)
        #expect(console.sees("Passphrase for root: "))
        console.type("\u{3}")
        #expect(agent.end() == 1, "\(console.screen) \(agent.log)")
    }

    @Test func `garbage and half-open connections shut nobody out`() throws {
        let agent = try Rehearsal(volumes, settings: ["MaxStartups 10:30:100"])
        for garbage in [
            "GET / HTTP/1.0\r\n\r\n", "SSH-1.5-old\r\n", "\u{0}\u{1}\u{2}", String(repeating: "x", count: 9000),
        ] {
            let stranger = try Stranger(port: agent.port)
            stranger.send(garbage)
            if garbage.utf8.count > 3 { #expect(stranger.readToEnd(timeout: patience) != nil) }
        }
        let strangers = try (0..<30).map { _ in try Stranger(port: agent.port) }
        let end = try agent.unlock(Materials.passphrase)
        #expect(end.status == 0, "\(end)")
        #expect(agent.end() == 0)
        withExtendedLifetime(strangers) {}
    }

    @Test func `half-open connections are sent away in time`() throws {
        let agent = try Rehearsal(volumes, settings: ["LoginGraceTime 1", "MaxStartups 3:100:3"])
        let strangers = try (0..<3).map { _ in try Stranger(port: agent.port) }
        #expect(eventually { agent.children("session").count == 3 || agent.log.contains("no login within") })
        for stranger in strangers { #expect(stranger.readToEnd(timeout: patience) != nil) }
        // The first one's line at once, the others' in a sum.
        #expect(agent.logs("127.0.0.1: 2 more in 1"), "\(agent.log)")
        let lines = agent.lines(with: "no login within 1 seconds")
        #expect(lines.count == 2 && lines[1].hasSuffix("s: no login within 1 seconds (2 times)"), "\(agent.log)")
        #expect(eventually { agent.children("session").isEmpty })
    }

    @Test func `sessions are confined`() throws {
        let agent = try Rehearsal(Scene(volumes, console: true))
        let screen = try agent.login()
        let console = try #require(agent.console)
        #expect(screen.sees("Passphrase for root: "))
        #expect(console.sees("Passphrase for root: "))
        for role in ["session", "signer", "console"] {
            let id = try #require(agent.children(role).first)
            #expect(Processes.field("Seccomp", of: id) == "2")
            #expect(Processes.field("NoNewPrivs", of: id) == "1")
            #expect(Processes.field("CapEff", of: id) == "0000000000000000")
            guard geteuid() == 0 else { continue }
            let user = ["session": 60720, "signer": 60721, "console": 61180][role] ?? 0
            #expect(Processes.field("Uid", of: id) == "\(user)\t\(user)\t\(user)\t\(user)")
            let folder = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(id)/root")
            #expect(folder == "/run/postern-rehearsal-\(agent.process)")
        }
    }
}
