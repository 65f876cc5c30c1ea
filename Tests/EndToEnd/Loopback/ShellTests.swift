import Foundation
import Glibc
import TestPeers
import Testing

/// `shell`, run by an agent that is no rehearsal, but shut off from this machine, as in RecordsTests.
@Suite(.enabled(if: geteuid() == 0, "it takes a mount")) struct ShellTests {
    private func start(_ settings: [String], keys: [String]? = nil) throws -> Rehearsal {
        var scene = Scene(["root {FOLDER}/nowhere none luks"], settings: ["Console no"] + settings)
        scene.isInEarnest = true
        scene.keys = keys
        let start = "ip link set lo up; mount --bind {FOLDER}/run /run; exec \"$@\""
        scene.through = ["unshare", "--mount", "--net", "sh", "-ec", start, "sh"]
        return try Rehearsal(scene) { folder, _ in
            try FileManager.default.createDirectory(atPath: folder.path("run"), withIntermediateDirectories: true)
        }
    }

    private func words(_ agent: Rehearsal, _ command: [String], _ options: [String]) -> [String] {
        ["-t", "\(agent.process)", "-n", "--", "ssh"] + agent.options() + options + ["root@127.0.0.1"] + command
    }

    private func ssh(_ agent: Rehearsal, _ command: String..., input: Input = .nothing) throws -> Finished {
        try run("nsenter", words(agent, command, []), input: input, timeout: patience)
    }

    private func events(_ agent: Rehearsal) -> [[String: Any]] {
        let text = (try? String(contentsOfFile: agent.folder.path("run/postern/events.jsonl"), encoding: .utf8)) ?? ""
        return text.split(separator: "\n").compactMap {
            (try? JSONSerialization.jsonObject(with: Data($0.utf8))) as? [String: Any]
        }
    }

    private func descriptors(_ agent: Rehearsal) -> Int {
        ((try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(agent.process)/fd")) ?? []).count
    }

    @Test(arguments: ["shell", "shell -c id", "shell id"])
    func `there is none unless the file says so`(command: String) throws {
        let agent = try start([])
        let end = try ssh(agent, command)
        #expect(end.status == 6, "\(end)")
        #expect(end.err == "No shell is permitted here: postern.conf has no line \"PermitShell yes\".\n")
        #expect(end.out == "")
        #expect(!agent.log.contains("shell"), "\(agent.log)")
    }

    @Test func `there is none in a rehearsal`() throws {
        let materials = try Materials.made.get()
        let agent = try Rehearsal(["root \(materials.root) none luks"], settings: ["PermitShell yes"])
        for options in [["-T"], ["-tt"]] {
            let end = try agent.ssh(["shell"], options: options)
            #expect(end.status == 6, "\(end)")
            #expect((end.err + end.out).contains("This is a rehearsal: no shell is run."), "\(end)")
        }
        #expect(try agent.unlock(Materials.passphrase).status == 0)
    }

    @Test func `it is root, knows where its owner is, and is recorded with its key, but not with its line`() throws {
        let agent = try start(["PermitShell yes"])
        let before = descriptors(agent)
        let line = "id -u; echo $SSH_CONNECTION; cat /proc/self/oom_score_adj; ulimit -n; echo secret >&2; exit 5"
        let end = try ssh(agent, "shell", "-c", line)
        #expect(end.status == 5, "\(end) \(agent.log)")
        let out = end.out.split(separator: "\n").map(String.init)
        try #require(out.count == 4, "\(end)")
        #expect(out[0] == "0" && out[2] == "0" && out[3] == "1024", "\(out)")
        #expect(out[1].wholeMatch(of: /127\.0\.0\.1 \d+ 127\.0\.0\.1 \d+/) != nil, "\(out)")
        #expect(out[1].hasSuffix(" \(agent.port)"))
        #expect(end.err == "secret\n")
        // What is not behind `shell` no shell reads, here as well.
        let refused = try ssh(agent, "echo secret | cryptroot-unlock")
        #expect(refused.status == 6 && refused.err.hasPrefix("No shell reads this line: "), "\(refused)")
        #expect(eventually { events(agent).contains { $0["event"] as? String == "shell-ended" } })
        let both = events(agent).filter { ($0["event"] as? String)?.hasPrefix("shell-") == true }
        try #require(both.count == 2)
        let listed = try run("ssh-keygen", ["-l", "-f", agent.materials.alice.path + ".pub"]).out
        let key = try #require(listed.split(separator: " ").dropFirst().first.map(String.init))
        for event in both { #expect(event["key"] as? String == key, "\(event)") }
        #expect(both[1]["status"] as? Int == 5)
        #expect(both[1]["seconds"] is Double)
        #expect(!agent.log.contains("secret"))
        // Where this takes long the agent looks for a network card meanwhile, by a socket that stays.
        for _ in 0..<2 { #expect(try ssh(agent, "shell", "-c", "exit 5").status == 5) }
        #expect(eventually { descriptors(agent) <= before + 1 })
    }

    @Test func `at a terminal it has job control, and its key may forbid the terminal or more`() throws {
        let materials = try Materials.made.get()
        let agent = try start(
            ["PermitShell yes"],
            keys: [try materials.alice.line(), "command=\"status\" \(try materials.bob.line())"])
        let screen = try Pseudoterminal("nsenter", words(agent, ["shell"], ["-tt"]), columns: 100, rows: 40)
        #expect(screen.shows("You are root in the initrd of "), "\(screen.screen) \(agent.log)")
        #expect(screen.shows("# "))
        screen.type("stty size; echo $TERM\r")
        #expect(screen.shows("40 100\r\n"), "\(screen.screen)")
        screen.type("sleep 1000\r")
        usleep(500_000)
        screen.type("\u{1A}")
        #expect(screen.shows("Stopped"), "\(screen.screen)")
        screen.type("kill -9 %1; sleep 1; exit 7\r")
        #expect(screen.wait() == 7, "\(screen.screen)")
        let other = try run(
            "nsenter",
            ["-t", "\(agent.process)", "-n", "--", "ssh"] + agent.options(materials.bob)
                + ["root@127.0.0.1", "shell"], timeout: patience)
        #expect(other.status == 0 && other.out.contains("root"), "\(other)")
        #expect(agent.lines(with: "was started by").count == 1)
    }

    @Test func `four run at once, and a fifth is refused`() throws {
        let agent = try start(["PermitShell yes"])
        let first = (0..<4).map { _ in Later { try ssh(agent, "shell", "-c", "sleep 5") } }
        #expect(eventually { agent.lines(with: "was started by").count == 4 }, "\(agent.log)")
        let fifth = try ssh(agent, "shell", "-c", "echo no")
        #expect(fifth.status == 6 && fifth.err == "There are too many shells already.\n", "\(fifth)")
        for end in first { #expect(try end.value().status == 0) }
        #expect(try ssh(agent, "shell", "-c", "echo yes").out == "yes\n")
    }

    @Test func `it ends with the agent, its jobs too, and with its connection`() throws {
        let agent = try start(["PermitShell yes"])
        let ready = FileManager.default.temporaryDirectory.path + "/postern-\(UUID().uuidString)"
        defer { unlink(ready) }
        let line = "trap '' HUP; sleep 987654 & echo job $!; touch \(ready); wait; sleep 987654"
        let gone = Later { try ssh(agent, "shell", "-c", "echo $$; exec sleep 876543") }
        #expect(eventually { agent.lines(with: "was started by").count == 1 })
        for session in agent.children("session") { kill(session, SIGKILL) }
        #expect(try gone.value().status == 255)
        #expect(agent.logs("ended with 129"), "\(agent.log)")
        let later = Later { try ssh(agent, "shell", "-c", line) }
        #expect(eventually { access(ready, F_OK) == 0 })
        kill(agent.process, SIGTERM)
        #expect(agent.end() == 1, "\(agent.log)")
        let end = try later.value()
        #expect(end.status == 129, "\(end)")
        #expect(end.err == "The agent was told to end.\n")
        let job = try #require(Int32(end.out.split(whereSeparator: \.isWhitespace).last ?? ""))
        #expect(eventually { Processes.hasEnded(job) })
    }
}
