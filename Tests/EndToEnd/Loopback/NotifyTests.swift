import Foundation
import Repository
import TestPeers
import Testing

/// Owners are told, over real TLS with a private CA, by the system's curl.
@Suite(.enabled(if: geteuid() == 0, "it takes a mount")) struct NotifyTests {
    /// The three servers in a folder.
    private final class Servers {
        let folder: TemporaryFolder
        let announced: Announced
        private let program: Program

        init() throws {
            folder = try TemporaryFolder()
            announced = Announced(folder: folder.path("."))
            let null = open("/dev/null", O_RDWR | O_CLOEXEC)
            defer { close(null) }
            program = try Program(Announced.script, [folder.path(".")], descriptors: [null, null, null])
            guard eventually({ self.announced.ports != nil }) else { throw PeerError.tool("no server") }
        }

        deinit { program.signal(SIGKILL) }
    }

    /// Runs `postern notify` where the CA is the system's only one, and `folder` is /run.
    private func notify(
        _ words: [String], authority: String, run folder: String = "/run"
    ) throws -> Finished {
        let mounts =
            "mount --bind \"$1\" /etc/ssl/certs/ca-certificates.crt; mount --bind \"$2\" /run; shift 2; exec \"$@\""
        return try run(
            "unshare",
            ["--mount", "sh", "-ec", mounts, "sh", authority, folder, try Rehearsal.binary(), "notify"] + words,
            timeout: patience)
    }

    @Test func `a test reaches each form over TLS and without, and what went wrong is said in its line`() throws {
        let servers = try Servers()
        let ports = try #require(servers.announced.ports)
        let (secure, plain) = ("https://localhost:\(ports.https)", "http://127.0.0.1:\(ports.http)")
        try servers.folder.write(
            """
            Notify \(secure)/json?auth=hidden
            Notify ntfy \(secure)/ntfy
            Notify discord \(secure)/discord
            Notify slack \(plain)/slack
            Notify ntfy \(plain)/status/404
            Notify ntfy \(secure)/status/500
            Notify http://127.0.0.1:1/
            Notify https://nowhere.invalid/
            """, to: "postern.conf")
        let file = servers.folder.path("postern.conf")
        let end = try notify(["--test", "-f", file], authority: servers.announced.authority)
        #expect(end.status == 1 && end.err == "", "\(end)")
        let lines = end.out.split(separator: "\n").map(String.init)
        #expect(
            lines.prefix(7) == [
                "Notify json localhost:\(ports.https): sent", "Notify ntfy localhost:\(ports.https): sent",
                "Notify discord localhost:\(ports.https): sent", "Notify slack 127.0.0.1:\(ports.http): sent",
                "Notify ntfy 127.0.0.1:\(ports.http): the server answers 404",
                "Notify ntfy localhost:\(ports.https): the server answers 500",
                "Notify json 127.0.0.1:1: connect: Connection refused",
            ], "\(end)")
        #expect(lines.last?.hasPrefix("Notify json nowhere.invalid: curl: (") == true, "\(end)")
        let requests = servers.announced.requests
        #expect(requests.map(\.secure) == [true, true, true, false, false, true])
        let json = try #require(servers.announced.objects("/json?auth=hidden").first)
        #expect(json["event"] == "test" && json["text"]?.hasSuffix(": a test of Postern's Notify lines") == true)
        #expect(json["time"]?.hasPrefix("20") == true)
        let text = try #require(json["text"])
        #expect(servers.announced.bodies("/ntfy") == [text])
        #expect(requests[1].headers?["title"] == json["host"] && requests[1].headers?["user-agent"] == "postern")
        #expect(requests[0].headers?["content-type"] == "application/json")
        #expect(servers.announced.objects("/discord") == [["content": text]])
        #expect(servers.announced.objects("/slack") == [["text": text]])
    }

    @Test func `a test says what the manual has recorded`() throws {
        let folder = try TemporaryFolder()
        let script = """
            ip link set lo up
            hostname nas
            mount -t tmpfs none /mnt
            mkdir -p /mnt/upper /mnt/work
            mount -t overlay -o lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work none /etc
            mkdir -p /etc/postern
            printf '%s\\n' 'Notify ntfy https://ntfy.example/nas' 'Notify http://127.0.0.1/status/404' \
                >/etc/postern/postern.conf
            echo '127.0.0.1 ntfy.example' >"$1/hosts"
            "$0" "$1/servers" 443 80 8090 >/dev/null 2>&1 &
            while [ ! -e "$1/servers/ports" ]; do sleep 0.1; done
            mount --bind "$1/servers/ca.pem" /etc/ssl/certs/ca-certificates.crt
            mount --bind "$1/hosts" /etc/hosts
            "$2" notify --test || echo "status $?" >&2
            """
        let end = try run(
            "unshare",
            [
                "--mount", "--net", "--uts", "--pid", "--mount-proc", "--fork", "--kill-child", "sh", "-euc", script,
                Announced.script, folder.path("."), try Rehearsal.binary(),
            ], timeout: patience)
        #expect(end.err == "status 1\n", "\(end)")
        #expect(try RecordedDialogues().isRecorded(end.out, to: "postern notify --test"), "\(end)")
        #expect(Announced(folder: folder.path("servers")).bodies("/nas") == ["nas: a test of Postern's Notify lines"])
    }

    @Test func `a server whose CA is not the system's is told nothing`() throws {
        let servers = try Servers()
        let ports = try #require(servers.announced.ports)
        try servers.folder.write("Notify https://localhost:\(ports.https)/\n", to: "postern.conf")
        let end = try notify(
            ["--test", "-f", servers.folder.path("postern.conf")], authority: "/etc/ssl/certs/ca-certificates.crt")
        #expect(end.status == 1 && end.out.contains("curl: (60) SSL certificate problem"), "\(end)")
        #expect(servers.announced.requests.isEmpty)
    }

    @Test func `the files that an image needs are curl and the certificates, for a line with https alone`() throws {
        let folder = try TemporaryFolder()
        try folder.write("Notify http://127.0.0.1/\n", to: "plain.conf")
        try folder.write("Notify https://localhost/\n", to: "secure.conf")
        let binary = try Rehearsal.binary()
        let plain = try run(binary, ["notify", "--files", "-f", folder.path("plain.conf")])
        #expect(plain.status == 0 && plain.out == "" && plain.err == "", "\(plain)")
        let secure = try run(binary, ["notify", "--files", "-f", folder.path("secure.conf")])
        #expect(secure.out == "/usr/bin/curl\n/etc/ssl/certs/ca-certificates.crt\n" && secure.status == 0, "\(secure)")
        let none = try run(binary, ["notify", "--test", "-f", "/dev/null"])
        #expect(none.status == 1 && none.err.hasSuffix("has no Notify line\n"), "\(none)")
        for words in [[], ["--test", "--files"], ["--all"]] {
            #expect(try run(binary, ["notify"] + words).status == 2)
        }
    }

    /// An agent with a card, whose network has nobody else in it but the servers.
    private func startAgent(_ settings: [String], _ volumes: [String]) throws -> (Rehearsal, Announced) {
        var scene = Scene(volumes, settings: ["Console no"] + settings)
        scene.isInEarnest = true
        let start = """
            ip link set lo up
            ip link add card type veth peer name other
            ip addr add 192.0.2.10/24 dev card
            ip link set other up
            ip link set card up
            mount --bind {FOLDER}/run /run
            mkdir {FOLDER}/servers
            "$0" {FOLDER}/servers 8443 8080 8090 &
            while [ ! -e {FOLDER}/servers/ports ]; do sleep 0.1; done
            mount --bind {FOLDER}/servers/ca.pem /etc/ssl/certs/ca-certificates.crt
            status=0
            "$@" || status=$?
            exit $status
            """
        scene.through = [
            "unshare", "--mount", "--net", "--pid", "--mount-proc", "--fork", "--kill-child", "sh", "-ec", start,
            Announced.script,
        ]
        let agent = try Rehearsal(scene) { folder, _ in
            try FileManager.default.createDirectory(atPath: folder.path("run"), withIntermediateDirectories: true)
        }
        return (agent, Announced(folder: agent.folder.path("servers")))
    }

    /// The monitor itself, beneath what started it.
    private func monitor(_ agent: Rehearsal) throws -> pid_t {
        let found = try run("pgrep", ["-f", "-n", "agent -f \(agent.folder.path("postern.conf"))"])
        return try #require(pid_t(found.out.split(separator: "\n").first ?? ""))
    }

    private func ssh(_ agent: Rehearsal, _ process: pid_t, _ command: String, input: String) throws -> Finished {
        try run(
            "nsenter", ["-t", "\(process)", "-n", "--", "ssh"] + agent.options() + ["root@127.0.0.1", command],
            input: .text(input), timeout: patience)
    }

    @Test func `that it waits and that somebody guesses is told; what is not told is left, and told after the boot`()
        throws
    {
        let materials = try Materials.made.get()
        let (agent, announced) = try startAgent(
            [
                "Notify https://localhost:8443/secure", "Notify ntfy http://127.0.0.1:8080/plain",
                "Notify http://127.0.0.1:8080/status/503",
            ], ["data \(materials.data) none luks"])
        let process = try monitor(agent)
        let waits = "waits to be unlocked: ssh -p \(agent.port) root@192.0.2.10"
        #expect(
            eventually { announced.objects("/secure").contains { $0["text"]?.hasSuffix(waits) == true } },
            "\(agent.log)")
        #expect(eventually { announced.bodies("/plain").contains { $0.hasSuffix(waits) } }, "\(agent.log)")
        for _ in 0..<3 { #expect(try ssh(agent, process, "unlock", input: "guess\n").status == 3, "\(agent.log)") }
        let guessed = ": a wrong passphrase was typed 3 times, last by "
        #expect(eventually { announced.objects("/secure").contains { $0["text"]?.contains(guessed) == true } })
        #expect(announced.objects("/secure").map { $0["event"] } == ["waiting", "wrong-passphrase"])
        #expect(agent.logs("not told yet: json 127.0.0.1:8080: the server answers 503"))
        #expect(agent.logs("told ntfy 127.0.0.1:8080 of wrong-passphrase"), "\(agent.log)")
        #expect(!agent.log.contains(guessed), "\(agent.log)")
        #expect(agent.lines(with: "not told yet").count == 1, "\(agent.log)")
        #expect(!agent.log.contains("/secure") && !agent.log.contains("/status"))
        kill(process, SIGTERM)
        #expect(agent.end() == 1)
        // That it waits is not true any more.
        let pending = agent.folder.path("run/postern/notify-pending")
        let left = try String(contentsOfFile: pending, encoding: .utf8)
        #expect(left.components(separatedBy: "\0").count == 2 && left.contains("wrong-passphrase"), "\(left)")
        let attributes = try FileManager.default.attributesOfItem(atPath: pending)
        #expect(attributes[.posixPermissions] as? Int == 0o600)

        let servers = try Servers()
        let ports = try #require(servers.announced.ports)
        let text = left.replacing(":8080/status/503", with: ":\(ports.http)/late").replacing(
            "POST /status/503", with: "POST /late"
        ).replacing("127.0.0.1:8080", with: "127.0.0.1:\(ports.http)")
        try text.write(toFile: pending, atomically: false, encoding: .utf8)
        let end = try notify(
            ["--pending"], authority: servers.announced.authority, run: agent.folder.path("run"))
        #expect(end.status == 0, "\(end)")
        #expect(servers.announced.objects("/late").map { $0["event"] } == ["wrong-passphrase"])
        #expect(!FileManager.default.fileExists(atPath: pending))
    }

    @Test func `a server that never answers does not hold up the end`() throws {
        let materials = try Materials.made.get()
        let (agent, announced) = try startAgent(
            ["Notify https://localhost:8090/"], ["data \(materials.data) none luks"])
        let process = try monitor(agent)
        #expect(eventually { announced.requests.contains { $0.mute == true } }, "\(agent.log)")
        for _ in 0..<3 { #expect(try ssh(agent, process, "unlock", input: "guess\n").status == 3, "\(agent.log)") }
        kill(process, SIGTERM)
        #expect(agent.end() == 1)
        // Its own patience is ten times as long.
        #expect(!agent.log.contains("not told yet"), "\(agent.log)")
        let left = try String(contentsOfFile: agent.folder.path("run/postern/notify-pending"), encoding: .utf8)
        #expect(left.hasPrefix("#\nurl = \"https://localhost:8090/\"\n"))
    }

    @Test func `a notifier is nobody's user, without capabilities, and has nothing of the agent but its errand`() throws
    {
        let materials = try Materials.made.get()
        let (agent, announced) = try startAgent(
            ["Notify https://localhost:8090/?secret"], ["data \(materials.data) none luks"])
        let process = try monitor(agent)
        #expect(eventually { announced.requests.contains { $0.mute == true } }, "\(agent.log)")
        let found = try run("pgrep", ["-P", "\(process)", "-u", "61181"])
        let notifier = try #require(pid_t(found.out.split(separator: "\n").first ?? ""), "\(found)")
        let (status, folder) = (
            try String(contentsOfFile: "/proc/\(notifier)/status", encoding: .utf8), "/proc/\(notifier)"
        )
        for line in [
            "Uid:\t61181\t61181\t61181\t61181", "Gid:\t61181\t61181\t61181\t61181", "Groups:\t ", "NoNewPrivs:\t1",
            "Seccomp:\t2", "CapEff:\t0000000000000000", "CapPrm:\t0000000000000000", "CapBnd:\t0000000000000000",
            "CapAmb:\t0000000000000000",
        ] {
            #expect(status.contains("\n\(line)"), "\(line): \(status)")
        }
        let words = FileManager.default.contents(atPath: "\(folder)/cmdline").map {
            String(decoding: $0, as: UTF8.self)
        }
        #expect(words == "curl\0-q\0--config\0-\0")
        #expect(FileManager.default.contents(atPath: "\(folder)/environ")?.isEmpty == true)
        let open = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/fd").map { name in
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/fd/\(name)")) ?? ""
        }
        // Its own sockets, pipes and the like are curl's.
        #expect(!open.contains { $0.contains("/postern") && !$0.hasPrefix("/memfd:postern") }, "\(open)")
        kill(process, SIGTERM)
        #expect(agent.end() == 1)
        #expect(eventually { Processes.hasEnded(notifier) })
    }
}
