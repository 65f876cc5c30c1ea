import Foundation
import Glibc
import TestPeers
import Testing

/// Faults that take no machine to be shown. The table in Tests/README.md says how each ends; `Tests/EndToEnd/Boot` has the others.
@Suite struct FaultTests {
    let materials: Materials
    let volumes: [String]

    init() throws {
        materials = try Materials.made.get()
        volumes = ["root \(materials.root) none luks"]
    }

    /// A file that the agent reads.
    enum File: String, CaseIterable {
        case settings = "postern.conf"
        case crypttab, authorizedKeys = "authorized_keys", hostKey = "host_key"
    }

    /// What became of it.
    enum Fault: CaseIterable {
        case empty, truncated, carriageReturns, byteOrderMark, tenMegabytes, folder, unreadable

        func befall(_ file: String) throws {
            let files = FileManager.default
            let whole = try Data(contentsOf: URL(filePath: file))
            try files.removeItem(atPath: file)
            func put(_ data: Data) throws { try data.write(to: URL(filePath: file)) }
            switch self {
            case .empty: try put(Data())
            case .truncated: try put(whole.dropLast(whole.count / 3))
            case .carriageReturns:
                let text = String(decoding: whole, as: UTF8.self).replacing("\n", with: "\r\n")
                try put(Data(text.utf8))
            case .byteOrderMark: try put(Data([0xEF, 0xBB, 0xBF]) + whole)
            case .tenMegabytes: try put(whole + Data(repeating: UInt8(ascii: "#"), count: 10 << 20))
            case .folder: try files.createDirectory(atPath: file, withIntermediateDirectories: false)
            // It is there and opens, and root's read(2) of it fails: nothing is mapped at address 0.
            case .unreadable: try files.createSymbolicLink(atPath: file, withDestinationPath: "/proc/self/mem")
            }
        }
    }

    /// What is left to the owner.
    enum Way { case ssh, console, native }

    private static func way(_ file: File, _ fault: Fault) -> Way {
        switch (file, fault) {
        case (_, .carriageReturns): .ssh
        case (.settings, .byteOrderMark), (.crypttab, .byteOrderMark), (.authorizedKeys, .byteOrderMark): .ssh
        // The volumes are in the part that is left.
        case (.crypttab, .truncated): .ssh
        // The defaults name the files in /etc.
        case (.settings, _): .ssh
        case (.crypttab, _): .native
        case (.authorizedKeys, _), (.hostKey, _): .console
        }
    }

    @Test(
        .enabled(if: geteuid() == 0, "it takes a mount"), arguments: File.allCases, Fault.allCases)
    func `a file that is empty, cut off, of another editor, huge, a folder or unreadable leaves a way in`(
        file: File, fault: Fault
    ) throws {
        let way = FaultTests.way(file, fault)
        var scene = Scene([], console: true)
        scene.listens = way == .ssh
        // A network of its own, too: the port may be the default one.
        let start = "ip link set lo up; mount --bind \"$1\" /etc; shift; cd /; exec \"$@\""
        let through = ["--mount", "--net", "sh", "-ec", start, "sh"]
        scene.through = ["unshare"] + through + ["{FOLDER}/etc"]
        scene.file = "/etc/postern/postern.conf"
        func prepare(_ folder: TemporaryFolder, _ materials: Materials) throws {
            try FileManager.default.createDirectory(
                atPath: folder.path("etc/postern"), withIntermediateDirectories: true)
            try folder.write("Port 2222\nLoginGraceTime 60\n", to: "etc/postern/postern.conf")
            // A last line that only pads, so that what is cut off is no volume.
            try folder.write("\(volumes[0])\n#\(String(repeating: "x", count: 200))\n", to: "etc/crypttab")
            try folder.write("\(try materials.alice.line())\n", to: "etc/postern/authorized_keys")
            let key = try String(contentsOfFile: materials.host[0].path, encoding: .utf8)
            try folder.write(key, to: "etc/postern/ssh_host_ed25519_key")
            let paths = [
                File.settings: "postern/postern.conf", .crypttab: "crypttab",
                .authorizedKeys: "postern/authorized_keys", .hostKey: "postern/ssh_host_ed25519_key",
            ]
            try fault.befall(folder.path("etc/\(paths[file] ?? "")"))
        }
        if way == .native {
            let folder = try TemporaryFolder()
            try prepare(folder, materials)
            let agent = [try Rehearsal.binary(), "agent", "--rehearse", "-f", "/etc/postern/postern.conf"]
            let end = try run("unshare", through + [folder.path("etc")] + agent, timeout: patience)
            #expect(end.status == 1, "\(end)")
            #expect(end.err.hasSuffix("postern: no volume to open; the boot's own prompt takes over\n"), "\(end)")
            return
        }
        let agent = try Rehearsal(scene, prepare: prepare)
        let console = try #require(agent.console)
        #expect(console.sees("Passphrase for root: "), "\(console.screen) \(agent.log)")
        if way == .ssh {
            let ssh = ["ssh"] + agent.options(port: 2222) + ["root@127.0.0.1", "unlock"]
            let end = try run(
                "nsenter", ["-t", "\(agent.process)", "-n", "--"] + ssh, input: .text("correct horse\n"),
                timeout: patience)
            #expect(end.status == 0, "\(end) \(agent.log)")
        } else {
            console.type("correct horse\r")
        }
        #expect(console.sees("Boot continues."), "\(console.screen)")
        #expect(agent.end() == 0)
    }

    @Test func `a name that is twice in crypttab means its first line`() throws {
        let agent = try Rehearsal([volumes[0], "root \(materials.data) none luks"])
        #expect(agent.log.contains("the volume \"root\" is in line 1 already"), "\(agent.log)")
        let end = try agent.unlock(Materials.passphrase)
        #expect(end.status == 0, "\(end)")
        #expect(agent.end() == 0)
    }

    @Test func `of two owners at once, the one who is wrong holds the other up by his try alone`() throws {
        let agent = try Rehearsal(["slow \(materials.slow) none luks"])
        let alice = try agent.login()
        #expect(alice.sees("Passphrase for slow: "), "\(alice.screen)")
        alice.type("wrong\r")
        // While it is tried; of two that come together nobody knows which is first.
        #expect(alice.sees("Trying slow"), "\(alice.screen)")
        let bob = try agent.unlock("correct horse", key: materials.bob)
        #expect(bob.status == 0 && !bob.out.contains("Wrong passphrase."), "\(bob)")
        #expect(alice.sees("Wrong passphrase."), "\(alice.screen)")
        #expect(alice.sees("Boot continues."), "\(alice.screen)")
        #expect(alice.end() == 0, "\(alice.screen)")
        #expect(agent.end() == 0)
    }

    @Test func `a connection cut at the prompt is forgotten and the next one unlocks`() throws {
        let agent = try Rehearsal(volumes)
        let cut = try agent.login()
        #expect(cut.sees("Passphrase for root: "))
        cut.type("correct ho")
        cut.signal(SIGKILL)
        #expect(eventually { agent.children("session").isEmpty }, "\(agent.log)")
        #expect(try agent.unlock(Materials.passphrase).status == 0)
        #expect(agent.end() == 0)
    }

    @Test func `a try goes on when its connection is cut`() throws {
        let agent = try Rehearsal(["slow \(materials.slow) none luks"])
        let cut = try agent.login()
        #expect(cut.sees("Passphrase for slow: "))
        cut.type("correct horse\r")
        #expect(cut.sees("Trying slow"), "\(cut.screen)")
        cut.signal(SIGKILL)
        #expect(agent.end() == 0, "\(agent.log)")
        #expect(agent.lines(with: "slow: opened by").count == 1, "\(agent.log)")
    }

    @Test func `a client that is cut or stops while the agent says goodbye holds the boot for seconds alone`() throws {
        let agent = try Rehearsal(volumes)
        let stopped = try agent.login()
        let cut = try agent.login(key: materials.bob)
        for screen in [stopped, cut] { #expect(screen.sees("Passphrase for root: "), "\(screen.screen)") }
        stopped.signal(SIGSTOP)
        let last = try agent.login()
        #expect(last.sees("Passphrase for root: "))
        last.type("correct horse\r")
        #expect(cut.sees("Boot continues."))
        cut.signal(SIGKILL)
        #expect(agent.end() == 0, "\(agent.log)")
        stopped.signal(SIGCONT)
        #expect(stopped.end() != 124)
    }

    @Test func `a storm of SIGCHLD changes nothing and one of the others ends the agent in order`() throws {
        let agent = try Rehearsal(volumes)
        let screen = try agent.login()
        #expect(screen.sees("Passphrase for root: "))
        for _ in 0..<20_000 { kill(agent.process, SIGCHLD) }
        #expect(try agent.unlock("wrong").status == 3)
        let children = Processes.children(of: agent.process)
        for _ in 0..<5_000 {
            for number in [SIGHUP, SIGTERM, SIGCHLD, SIGINT] { kill(agent.process, number) }
        }
        #expect(agent.end() == 1, "\(agent.log)")
        #expect(screen.sees("The agent was told to end."), "\(screen.screen)")
        #expect(screen.end() == 1)
        #expect(agent.lines(with: "told to end; the boot's own prompt takes over").count == 1)
        #expect(children.allSatisfy { Processes.hasEnded($0) })
    }

    /// In a network namespace, with this process at the other end of the cable.
    @Test(.enabled(if: geteuid() == 0, "it takes a network namespace"))
    func `a session outlives its link and a new address is served`() throws {
        var scene = Scene(volumes)
        scene.through = ["unshare", "-n"]
        let agent = try Rehearsal(scene)
        let wire = try Wire(to: agent.process)
        try wire.plug()
        for command in ["addr add 192.0.2.1/24 dev wire", "link set wire up"] { try wire.ip(command) }
        for command in ["addr add 192.0.2.10/24 dev eth0", "link set eth0 up"] { try wire.otherIP(command) }
        @Sendable func ssh(_ address: String, _ command: String, _ input: Input) throws -> Finished {
            let patient = ["-o", "ConnectTimeout=60", "-o", "ServerAliveInterval=2"]
            return try wire.run(["ssh"] + agent.options() + patient + ["root@\(address)", command], input: input)
        }
        // Its passphrase comes once the link has been down and up.
        let fifo = agent.folder.path("typed")
        #expect(mkfifo(fifo, 0o600) == 0)
        let open = Later {
            let start = ["sh", "-c", "file=$1; shift; \"$@\" <\"$file\"", "sh", fifo]
            return try wire.run(start + ["ssh"] + agent.options() + ["root@192.0.2.10", "unlock"])
        }
        let writer = Glibc.open(fifo, O_WRONLY | O_CLOEXEC)
        defer { close(writer) }
        #expect(agent.logs("login of"), "\(agent.log)")
        try wire.otherIP("link set eth0 down")
        sleep(1)
        try wire.otherIP("link set eth0 up")
        _ = Glibc.write(writer, "wrong\n", 6)
        let end = try open.value()
        #expect(end.status == 3, "\(end)")

        // Whoever is logged in when the address goes is lost; the new address serves at once.
        let stranded = Later { try ssh("192.0.2.10", "unlock", .left(open: "")) }
        #expect(eventually { agent.lines(with: "login of").count == 2 }, "\(agent.log)")
        try wire.otherIP("addr add 192.0.2.11/24 dev eth0")
        try wire.otherIP("addr del 192.0.2.10/24 dev eth0")
        // Addresses of one network go with the first of them.
        _ = try? wire.otherIP("addr add 192.0.2.11/24 dev eth0")
        let unlocked = try ssh("192.0.2.11", "unlock", .text("correct horse\n"))
        #expect(unlocked.status == 0, "\(unlocked) \(agent.log)")
        #expect(agent.end() == 0)
        #expect(try stranded.value().status != 0)
    }
}
