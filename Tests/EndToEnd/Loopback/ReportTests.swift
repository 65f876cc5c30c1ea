import Foundation
import Glibc
import Repository
import TestPeers
import Testing

/// `postern report`, the line at login and the rules for alerts, over the records of an agent that is no rehearsal.
@Suite(.enabled(if: geteuid() == 0, "it takes a mount")) struct ReportTests {
    /// The records of an agent that was given a wrong passphrase, asked for its status and then told to end.
    private final class Records {
        let folder: TemporaryFolder
        var run: String { folder.path("run") }
        let binary: String

        init(_ folder: TemporaryFolder, _ binary: String) {
            self.folder = folder
            self.binary = binary
        }

        /// Runs a script in a namespace whose /run is that of the agent, with `postern` in PATH.
        func shell(_ script: String) throws -> Finished {
            let start = "mount --bind \(run) /run; PATH=\(folder.path("bin")):$PATH; \(script)"
            try FileManager.default.createDirectory(atPath: folder.path("bin"), withIntermediateDirectories: true)
            try? FileManager.default.createSymbolicLink(
                atPath: folder.path("bin/postern"), withDestinationPath: binary)
            return try TestPeers.run("unshare", ["--mount", "sh", "-euc", start])
        }
    }

    private func records() throws -> Records {
        let materials = try Materials.made.get()
        var scene = Scene(
            ["data \(materials.data) none luks", "storage-1 {FOLDER}/none none luks"],
            settings: ["Console no", "Array storage any storage-*"])
        scene.isInEarnest = true
        let start = "ip link set lo up; mount --bind {FOLDER}/run /run; exec \"$@\""
        scene.through = ["unshare", "--mount", "--net", "sh", "-ec", start, "sh"]
        scene.keys = [
            try materials.alice.line().split(separator: " ").prefix(2).joined(separator: " ") + " alice@laptop"
        ]
        let agent = try Rehearsal(scene) { folder, _ in
            try FileManager.default.createDirectory(atPath: folder.path("run"), withIntermediateDirectories: true)
        }
        let words = ["-t", "\(agent.process)", "-n", "--", "ssh"] + agent.options() + ["root@127.0.0.1", "unlock"]
        let end = try run("nsenter", words, input: .text("guess\n"), timeout: patience)
        #expect(end.status == 3, "\(end) \(agent.log)")
        kill(agent.process, SIGTERM)
        #expect(agent.end() == 1)
        return Records(agent.folder, try Rehearsal.binary())
    }

    @Test func `who tried what is told in text, in JSON, and in one line`() throws {
        let records = try records()
        let text = try records.shell("postern report")
        #expect(text.status == 0, "\(text)")
        #expect(text.out.contains(", and was left to the native prompt.\n"), "\(text)")
        #expect(text.out.contains("\n  data       not opened by Postern\n"), "\(text)")
        #expect(text.out.contains("\nWrong passphrases: 1, by alice@laptop from 127.0.0.1, the last at "), "\(text)")
        #expect(text.out.contains("\nLogins: 1, by alice@laptop from 127.0.0.1, the last at "), "\(text)")
        let json = try records.shell("postern report --json")
        let object = try #require(try JSONSerialization.jsonObject(with: Data(json.out.utf8)) as? [String: Any])
        #expect(object["end"] as? String == "told-to-end")
        let boot = try String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
        #expect(object["boot"] as? String == boot.filter { $0 != "-" && $0 != "\n" })
        let line = try records.shell("postern report --line")
        #expect(line.out.hasSuffix("; 1 wrong passphrase.\n") && line.err == "", "\(line)")
    }

    @Test func `the clock of the initrd may have been wrong`() throws {
        let records = try records()
        let path = records.run + "/postern/events.jsonl"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        try text.replacing(/"time":"\d{4}-\d\d-\d\d/, with: "\"time\":\"1970-01-01")
            .write(toFile: path, atomically: true, encoding: .utf8)
        let json = try records.shell("postern report --json; date -u +%F")
        let lines = json.out.split(separator: "\n")
        let object = try #require(try JSONSerialization.jsonObject(with: Data(lines[0].utf8)) as? [String: Any])
        let began = try #require(object["began"] as? String)
        let start = try #require(ISO8601DateFormatter().date(from: began))
        #expect(abs(start.timeIntervalSinceNow) < 600, "\(json)")
    }

    @Test func `without a record it says so, and a login is told nothing`() throws {
        let folder = try TemporaryFolder()
        try FileManager.default.createDirectory(atPath: folder.path("run"), withIntermediateDirectories: true)
        let empty = Records(folder, try Rehearsal.binary())
        // No journal either.
        let hide = "mount -t tmpfs none /var/log;"
        let end = try empty.shell("\(hide) postern report || echo status $?")
        #expect(end.out == "status 1\n" && end.err.contains("there is no record of Postern in this boot"), "\(end)")
        let line = try empty.shell("\(hide) postern report --line")
        #expect(line.status == 0 && line.out == "" && line.err == "", "\(line)")
        #expect(try empty.shell("postern report --loud || echo status $?").out == "status 2\n")
    }

    /// Entries of the journal in its export format: the first boot's come from the kernel's log, the second's from the agent,
    /// and one of the second is somebody else's.
    private static let journal = """
        _BOOT_ID=11111111111111111111111111111111
        __REALTIME_TIMESTAMP=1795800340000000
        __MONOTONIC_TIMESTAMP=9000000
        _SOURCE_MONOTONIC_TIMESTAMP=4000000
        _TRANSPORT=kernel
        SYSLOG_IDENTIFIER=postern
        MESSAGE=waits for crypt-root, storage-1

        _BOOT_ID=11111111111111111111111111111111
        __REALTIME_TIMESTAMP=1795800340000001
        __MONOTONIC_TIMESTAMP=9000001
        _SOURCE_MONOTONIC_TIMESTAMP=8000001
        _TRANSPORT=kernel
        SYSLOG_IDENTIFIER=postern
        MESSAGE=crypt-root: opened by the console in 0.4 s

        _BOOT_ID=11111111111111111111111111111111
        __REALTIME_TIMESTAMP=1795800340000002
        __MONOTONIC_TIMESTAMP=9000002
        _SOURCE_MONOTONIC_TIMESTAMP=8500002
        _TRANSPORT=kernel
        SYSLOG_IDENTIFIER=postern
        MESSAGE=the boot goes on. Without storage-1.

        _BOOT_ID=22222222222222222222222222222222
        __REALTIME_TIMESTAMP=1795900340000000
        __MONOTONIC_TIMESTAMP=5000000
        _TRANSPORT=journal
        _UID=0
        SYSLOG_IDENTIFIER=postern
        MESSAGE=waits for data
        POSTERN_EVENT=waiting
        POSTERN_VOLUMES=data

        _BOOT_ID=22222222222222222222222222222222
        __REALTIME_TIMESTAMP=1795900341000000
        __MONOTONIC_TIMESTAMP=6000000
        _TRANSPORT=journal
        _UID=1000
        SYSLOG_IDENTIFIER=postern
        MESSAGE=data: opened by the console
        POSTERN_EVENT=volume-open
        POSTERN_VOLUME=data

        _BOOT_ID=22222222222222222222222222222222
        __REALTIME_TIMESTAMP=1795900349000000
        __MONOTONIC_TIMESTAMP=14000000
        _TRANSPORT=journal
        _UID=0
        SYSLOG_IDENTIFIER=postern
        MESSAGE=the boot goes on
        POSTERN_EVENT=boot-continues
        POSTERN_SECONDS=9.0


        """

    @Test func `earlier boots come from the journal, and this one from the agent's records, once`() throws {
        let records = try records()
        try records.folder.write(Self.journal, to: "export")
        try records.folder.write("953ef32cb97b4049bf3356f9e2c84b55\n", to: "machine-id")
        let end = try records.shell(
            """
            mount -t tmpfs none /var/log
            mount --bind \(records.folder.path("machine-id")) /etc/machine-id
            mkdir -p /var/log/journal/953ef32cb97b4049bf3356f9e2c84b55
            /lib/systemd/systemd-journal-remote \(records.folder.path("export")) \\
                -o /var/log/journal/953ef32cb97b4049bf3356f9e2c84b55/system.journal >&2
            postern report --all
            echo
            postern report --all --json | wc -l
            """)
        let earlier = """
            Boot of 2026-11-27 17:25:35 UTC: waited 4.5 s, and went on without storage-1.
              crypt-root  17:25:39 opened by the console in 0.4 s
              storage-1   missing

            Boot of 2026-11-28 21:12:20 UTC: waited 9.0 s, and went on.
              data  not opened by Postern

            Boot of
            """
        #expect(end.status == 0 && end.out.hasPrefix(earlier), "\(end)")
        #expect(end.out.hasSuffix("\n3\n"), "\(end)")
        #expect(end.out.components(separatedBy: "was left to the native prompt.\n").count == 2, "\(end)")
    }

    // MARK: What postern(8) says of it

    private func block(_ start: String) throws -> String {
        let manual = try String(contentsOfFile: Repository.path("initrd/man/postern.8"), encoding: .utf8)
        let blocks = manual.components(separatedBy: "\n.Bd -literal").dropFirst().map { block in
            block.components(separatedBy: "\n.Ed")[0].split(separator: "\n", omittingEmptySubsequences: false)
                .dropFirst().joined(separator: "\n").replacing("\\e", with: "\\") + "\n"
        }
        return try #require(blocks.first { $0.hasPrefix(start) }, "\(start)")
    }

    @Test func `the script of the manual shows the line at login`() throws {
        let records = try records()
        let make = try block("cat >/etc/update-motd.d/50-postern")
        try FileManager.default.createDirectory(
            atPath: records.folder.path("motd"), withIntermediateDirectories: true)
        let here = make.replacing("/etc/update-motd.d", with: records.folder.path("motd"))
        // As pam_motd(8) runs them.
        let end = try records.shell("\(here)\nrun-parts --lsbsysinit \(records.folder.path("motd"))")
        #expect(end.out.hasPrefix("Postern: this boot waited ") && end.err == "", "\(end)")
    }

    @Test func `the rules for alerts are good, and fire on an agent's own figures`() throws {
        let records = try records()
        let folder = records.folder
        try folder.write(try block("groups:"), to: "rules.yml")
        let check = try run("promtool", ["check", "rules", folder.path("rules.yml")])
        #expect(check.status == 0 && check.out.contains("2 rules found"), "\(check)")
        // The figures of a real agent: one member of its array is missing.
        let figures = try String(contentsOfFile: records.run + "/postern/postern.prom", encoding: .utf8)
        #expect(figures.contains("\npostern_array_members_missing{array=\"storage\"} 1\n"), "\(figures)")
        let series = figures.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
            let parts = line.split(separator: " ")
            let name =
                parts[0].hasSuffix("}") ? parts[0].dropLast() + ",instance=\"nas\"}" : parts[0] + "{instance=\"nas\"}"
            // As after a boot that went on.
            return (series: String(name), value: parts[0] == "postern_boot_continues" ? "1" : String(parts[1]))
        }
        #expect(series.count > 10)
        let yaml = { (value: String) in "'" + value.replacing("'", with: "''") + "'" }
        var test = "rule_files: [rules.yml]\nevaluation_interval: 1m\ntests:\n  - interval: 1m\n    input_series:\n"
        for (series, value) in series {
            test += "      - series: \(yaml(series))\n        values: '\(value)x60'\n"
        }
        // This one waits, and is looked at each minute.
        test += "      - series: 'postern_initrd_waiting_seconds{machine=\"nas\"}'\n        values: '0+60x60'\n"
        test += "    alert_rule_test:\n"
        for (time, fires) in [("10m", false), ("12m", true)] {
            test += "      - eval_time: \(time)\n        alertname: WaitsToBeUnlocked\n        exp_alerts: "
            test +=
                fires
                ? "[{exp_labels: {machine: nas}, exp_annotations: {summary: 'nas has waited 12m 0s to be unlocked'}}]\n"
                : "[]\n"
        }
        test += "      - eval_time: 5m\n        alertname: BootedWithoutMember\n        exp_alerts: "
        test += "[{exp_labels: {array: storage, instance: nas}, exp_annotations: "
        test += "{summary: 'nas has booted with 1 of the members of storage missing'}}]\n"
        try folder.write(test, to: "test.yml")
        let end = try run("promtool", ["test", "rules", folder.path("test.yml")])
        #expect(end.status == 0, "\(end)\n\(test)")
        // The member is there again at the next boot, or the boot has not gone on.
        for change in [
            "array=\"storage\",instance=\"nas\"}'\n        values: '1",
            "boot_continues{instance=\"nas\"}'\n        values: '1",
        ] {
            #expect(test.contains(change), "\(change)")
            try folder.write(test.replacing(change, with: change.dropLast() + "0"), to: "test.yml")
            #expect(try run("promtool", ["test", "rules", folder.path("test.yml")]).status != 0, "\(change)")
        }
    }

    @Test func `the script of the manual makes figures of a machine that waits, and none of one that does not`() throws
    {
        let materials = try Materials.made.get()
        let agent = try Rehearsal(["root \(materials.root) none luks"])
        let folder = try TemporaryFolder()
        let words = agent.options().map { "'\($0)'" }.joined(separator: " ")
        // The name is the administrator's, from ssh-config.
        let script = try block("ssh -o BatchMode=yes").replacing("nas-initrd", with: "\(words) root@127.0.0.1")
            .replacing("/var/lib/prometheus/node-exporter", with: folder.path("").dropLast())
        func figures() throws -> String {
            let end = try run("sh", ["-c", script], timeout: patience)
            #expect(end.status == 0 && end.err == "", "\(end)")
            return try String(contentsOfFile: folder.path("nas.prom"), encoding: .utf8)
        }
        let text = try figures()
        #expect(text.wholeMatch(of: /postern_initrd_waiting_seconds\{machine="[^"]+"\} \d+\n/) != nil, "\(text)")
        let check = try run("promtool", ["check", "metrics"], input: .text(text))
        #expect(check.status != 1, "\(check)")
        kill(agent.process, SIGTERM)
        #expect(agent.end() == 1)
        #expect(try figures() == "")
    }
}
