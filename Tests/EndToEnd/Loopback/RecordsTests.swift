import Foundation
import TestPeers
import Testing

/// What the agent leaves to the new root: events and figures. It is no rehearsal, but shut off from this machine: it has a
/// network and a /run of its own, and no volume that it could open.
@Suite(.enabled(if: geteuid() == 0, "it takes a mount")) struct RecordsTests {
    private static let root = "root {FOLDER}/nowhere none luks"

    /// Starts an agent whose /run is what `mount` mounts there.
    private func start(_ volumes: [String], mount: String) throws -> Rehearsal {
        var scene = Scene(volumes, settings: ["Console no", "Array storage any storage-*"])
        scene.isInEarnest = true
        let start = "ip link set lo up; \(mount); exec \"$@\""
        scene.through = ["unshare", "--mount", "--net", "sh", "-ec", start, "sh"]
        return try Rehearsal(scene) { folder, _ in
            try FileManager.default.createDirectory(atPath: folder.path("run"), withIntermediateDirectories: true)
        }
    }

    private func ssh(_ agent: Rehearsal, _ command: String, input: Input = .nothing) throws -> Finished {
        try run(
            "nsenter", ["-t", "\(agent.process)", "-n", "--", "ssh"] + agent.options() + ["root@127.0.0.1", command],
            input: input, timeout: patience)
    }

    /// The events in a /run, each of which is an object of JSON.
    private func events(in run: String) throws -> [[String: Any]] {
        let text = try String(contentsOfFile: "\(run)/postern/events.jsonl", encoding: .utf8)
        #expect(text.hasSuffix("\n"))
        return try text.split(separator: "\n").map { line in
            try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any], "\(line)")
        }
    }

    @Test func `who logged in, what was typed and how it ended is there for the new root`() throws {
        let materials = try Materials.made.get()
        let agent = try start(
            [RecordsTests.root, "data \(materials.data) none luks", "storage-1 {FOLDER}/none none luks"],
            mount: "mount --bind {FOLDER}/run /run")
        let files = agent.folder.path("run/postern")
        let end = try ssh(agent, "unlock", input: .text("guess\n"))
        #expect(end.status == 3, "\(end) \(agent.log)")
        let figures = try String(contentsOfFile: "\(files)/postern.prom", encoding: .utf8)
        let key = try fingerprint(materials.alice)
        for line in [
            #"postern_passphrases_total{result="wrong"} 1"#, #"postern_logins_total{key="\#(key)"} 1"#,
            #"postern_volumes{state="device-missing"} 2"#, #"postern_volume_open{volume="data"} 0"#,
            #"postern_array_members_missing{array="storage"} 1"#, "postern_boot_continues 0",
        ] {
            #expect(figures.contains("\n\(line)\n"), "\(line): \(figures)")
        }
        kill(agent.process, SIGTERM)
        #expect(agent.end() == 1)

        let events = try events(in: agent.folder.path("run"))
        let names = events.map { $0["event"] as? String ?? "" }
        #expect(names == ["waiting", "login", "wrong-passphrase", "told-to-end"])
        #expect(events[0]["volumes"] as? [String] == ["root", "data", "storage-1"])
        for event in events[1...2] {
            #expect(event["key"] as? String == key)
            #expect(event["address"] as? String == "127.0.0.1")
            #expect(event["user"] as? String == "root")
            #expect(event["port"] is Int)
        }
        #expect(events[2]["volumes"] as? [String] == ["data"])
        #expect(events.allSatisfy { $0["uptime"] is Double })
        for event in events {
            let message = try #require(event["message"] as? String)
            #expect(agent.log.contains("postern: \(message)\n"), "\(message): \(agent.log)")
        }
        let modes = try ["events.jsonl", "postern.prom"].map { name in
            try #require(
                try FileManager.default.attributesOfItem(atPath: "\(files)/\(name)")[.posixPermissions] as? Int)
        }
        #expect(modes == [0o600, 0o644])
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: files).sorted() == ["events.jsonl", "postern.prom"])
    }

    @Test(arguments: ["ro", "size=4k"])
    func `a /run that is read-only or full is said once and harms nothing`(options: String) throws {
        let materials = try Materials.made.get()
        let agent = try start(
            ["data \(materials.data) none luks"], mount: "mount -t tmpfs -o \(options),mode=755 none /run")
        let complaint = "the booted system will lack records of this boot: "
        // Of so many events a page has room for some.
        let logins = options == "ro" ? 1 : 16
        for _ in 0..<logins { #expect(try ssh(agent, "status").status == 0, "\(agent.log)") }
        #expect(try ssh(agent, "unlock", input: .text("guess\n")).status == 3)
        #expect(agent.lines(with: complaint).count == 1, "\(agent.log)")
        if options != "ro" {
            let events = try events(in: "/proc/\(agent.process)/root/run")
            #expect(events.first?["event"] as? String == "waiting", "\(events)")
            #expect((3..<logins).contains(events.count), "\(events)")
        }
        kill(agent.process, SIGTERM)
        #expect(agent.end() == 1)
    }

    private func fingerprint(_ key: KeyPair) throws -> String {
        let end = try run("ssh-keygen", ["-l", "-f", key.path + ".pub"])
        return String(try #require(end.out.split(separator: " ").dropFirst().first))
    }
}
