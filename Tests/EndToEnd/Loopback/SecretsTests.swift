import Foundation
import Glibc
import TestImages
import TestPeers
import Testing

/// Where passphrases and key files lie in the agent's processes: in the memory of every one of them is looked for each
/// part of eight bytes.
@Suite(.enabled(if: geteuid() == 0, "another process's memory is root's to read"))
struct SecretsTests {
    let materials: Materials

    init() throws {
        materials = try Materials.made.get()
    }

    /// The agent's processes, held still from its start to its end.
    private final class Still {
        let monitor: pid_t
        let all: [pid_t]

        init(_ agent: Rehearsal) {
            monitor = agent.process
            // Nobody starts another one behind a monitor that stands still.
            kill(monitor, SIGSTOP)
            _ = eventually { Processes.field("State", of: agent.process).hasPrefix("T") }
            all = [agent.process] + Processes.children(of: agent.process)
            for process in all { kill(process, SIGSTOP) }
            _ = eventually {
                all.allSatisfy { Processes.hasEnded($0) || Processes.field("State", of: $0).hasPrefix("T") }
            }
        }

        deinit {
            for process in all.reversed() { kill(process, SIGCONT) }
        }

        /// Where the secret lies, by the role of the process.
        func places(of secret: Secret) throws -> [String: [ProcessMemory.Copy]] {
            var places: [String: [ProcessMemory.Copy]] = [:]
            for process in all where !Processes.hasEnded(process) {
                let found = try ProcessMemory.places(of: secret, in: process)
                let role = process == monitor ? "monitor" : Processes.role(of: process) ?? "?"
                if !found.isEmpty { places[role, default: []] += found }
            }
            return places
        }
    }

    /// Waits until one of the role's processes holds the secret, and finds no part of it outside of `SecretBytes`.
    ///
    /// There is one exception: OpenSSL's PBKDF2 works on a copy in the worker's heap, which it wipes.
    ///
    /// - Returns: the roles of the processes that hold it.
    private func holders(
        of secret: Secret, awaiting role: String, in agent: Rehearsal, pbkdf2: Bool = true,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> Set<String> {
        var places: [String: [ProcessMemory.Copy]] = [:]
        let isHeld = try eventually {
            places = try Still(agent).places(of: secret)
            return places[role] != nil
        }
        #expect(isHeld, "no \(role) holds it: \(places) \(agent.log)", sourceLocation: sourceLocation)
        for (role, places) in places {
            let others = places.filter { !$0.isSecretBytes }
            let isWorking = pbkdf2 && role == "worker" && others.count == 1 && others[0].mapping.hasSuffix("[heap]")
            #expect(others.isEmpty || isWorking, "\(role): \(others)", sourceLocation: sourceLocation)
        }
        return Set(places.keys)
    }

    private func expectForgotten(
        _ secret: Secret, by agent: Rehearsal, roles: Set<String> = ["monitor", "session", "console"],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let still = Still(agent)
        let running = Set(still.all.map { $0 == still.monitor ? "monitor" : Processes.role(of: $0) ?? "?" })
        #expect(running.isSuperset(of: roles), "\(running)", sourceLocation: sourceLocation)
        let places = try still.places(of: secret)
        #expect(places.isEmpty, "\(places)", sourceLocation: sourceLocation)
        for process in still.all where !Processes.hasEnded(process) {
            // The search finds what the program itself has in memory.
            let known = Secret(text: "Passphrase for ")
            let places = try ProcessMemory.places(of: known, in: process)
            #expect(places.contains { $0.length == known.text.utf8.count }, sourceLocation: sourceLocation)
            for file in ["cmdline", "environ"] {
                let text = FileManager.default.contents(atPath: "/proc/\(process)/\(file)") ?? Data()
                #expect(!secret.isIn(String(decoding: text, as: UTF8.self)), sourceLocation: sourceLocation)
            }
        }
        #expect(!secret.isIn(agent.log), "\(agent.log)", sourceLocation: sourceLocation)
    }

    @Test func `a passphrase typed into SSH lies in secret bytes alone and afterwards nowhere`() throws {
        let agent = try Rehearsal(Scene(["slow \(materials.slow) none luks"], console: true))
        let secret = Secret()
        let typed = secret.text.prefix(20)
        let other = try agent.login(key: materials.bob)
        #expect(other.sees("Passphrase for slow: "))
        let screen = try agent.login()
        #expect(screen.sees("Passphrase for slow: "))
        screen.type(String(typed))
        #expect(try holders(of: secret, awaiting: "session", in: agent) == ["session"])
        screen.type(secret.text.dropFirst(typed.count) + "\r")
        // The monitor has it for the volumes that are still to be tried, and for the one whose worker dies.
        let holders = try holders(of: secret, awaiting: "worker", in: agent)
        #expect(holders == ["monitor", "worker"])
        #expect(screen.sees("Wrong passphrase."), "\(screen.screen)")
        try expectForgotten(secret, by: agent)
        #expect(!secret.isIn(screen.screen + other.screen))
    }

    @Test(
        arguments: ["pbkdf2", "argon2id"])
    func `a passphrase on standard input lies in SecretBytes alone, and afterwards nowhere`(derivation: String) throws {
        let isArgon = derivation == "argon2id"
        let images = try Workplace()
        let options = "--pbkdf argon2id --pbkdf-memory 32768 --pbkdf-parallel 1 --pbkdf-force-iterations 40"
        let image = isArgon ? try images.format("argon", options: options) : materials.slow
        let agent = try Rehearsal(["slow \(image) none luks"])
        let secret = Secret()
        let path = agent.folder.path("control")
        // A connection that stays, so that the session can be looked at afterwards.
        let master = try agent.login(options: ["-o", "ControlMaster=yes", "-o", "ControlPath=\(path)"])
        #expect(master.sees("Passphrase for slow: "))
        let unlocking = Later {
            try agent.ssh(["unlock"], options: ["-o", "ControlPath=\(path)"], input: .text(secret.text))
        }
        let holders = try holders(of: secret, awaiting: "worker", in: agent, pbkdf2: !isArgon)
        #expect(holders == ["monitor", "worker"])
        #expect(try unlocking.value().status == 3)
        #expect(agent.children("session").count == 1)
        try expectForgotten(secret, by: agent, roles: ["monitor", "session"])
    }

    @Test func `a passphrase typed at the console lies in secret bytes alone and afterwards nowhere`() throws {
        let agent = try Rehearsal(Scene(["slow \(materials.slow) none luks"], console: true))
        let console = try #require(agent.console)
        let secret = Secret()
        let typed = secret.text.prefix(20)
        let other = try agent.login()
        #expect(other.sees("Passphrase for slow: "))
        #expect(console.sees("Passphrase for slow: "))
        console.type(String(typed))
        #expect(try holders(of: secret, awaiting: "console", in: agent) == ["console"])
        console.type(secret.text.dropFirst(typed.count) + "\r")
        #expect(try holders(of: secret, awaiting: "worker", in: agent) == ["monitor", "worker"])
        #expect(console.sees("Wrong passphrase."), "\(console.screen)")
        try expectForgotten(secret, by: agent)
        #expect(!secret.isIn(console.screen + other.screen))
    }

    @Test func `a key file lies in secret bytes alone and only the monitor's afterwards`() throws {
        let key = Secret(bytes: 4096)
        var scene = Scene([
            "slow \(materials.slow) /storage.key:UUID=11111111-2222-3333-4444-555555555555 luks",
            "root \(materials.root) none luks",
        ])
        scene.keyVolume = ["storage.key": key.text]
        let agent = try Rehearsal(scene)
        let screen = try agent.login()
        #expect(try holders(of: key, awaiting: "worker", in: agent) == ["monitor", "worker"])
        #expect(screen.sees("does not open it"), "\(screen.screen)")
        // For the volume's device may be changed for another one.
        #expect(try holders(of: key, awaiting: "monitor", in: agent, pbkdf2: false) == ["monitor"])
        #expect(!key.isIn(agent.log), "\(agent.log)")
    }

    @Test func `a key file that has opened its volumes is forgotten`() throws {
        let key = Secret(bytes: 64)
        let images = try Workplace()
        let member = try images.format("member", passphrase: key.text)
        var scene = Scene([
            "member \(member) /storage.key:UUID=11111111-2222-3333-4444-555555555555 luks",
            "root \(materials.root) none luks",
        ])
        scene.keyVolume = ["storage.key": key.text]
        let agent = try Rehearsal(scene)
        let screen = try agent.login()
        #expect(screen.sees("member  open"), "\(screen.screen)")
        try expectForgotten(key, by: agent, roles: ["monitor", "session"])
    }
}
