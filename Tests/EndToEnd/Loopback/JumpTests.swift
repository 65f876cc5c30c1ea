import Foundation
import TestPeers
import Testing

/// A jump host: dropbear's server, in a network of its own. It alone reaches what is in that network, and it alone knows
/// the name `nas-1`.
private final class JumpHost {
    private let folder: TemporaryFolder
    private let program: Program

    init() throws {
        folder = try TemporaryFolder()
        try folder.write(try Materials.made.get().alice.line() + "\n", to: "keys")
        try folder.write("127.0.0.1 localhost nas-1\n", to: "hosts")
        try folder.write("", to: "log")
        // dropbear reads the keys that it admits in its user's home. Their folder is another one for it alone.
        try folder.write(
            """
            keys=$(cat "$1/keys")
            mount --bind "$1/hosts" /etc/hosts
            home=$(getent passwd root | cut -d : -f 6)
            mount -t tmpfs -o mode=700 home "$home"
            mkdir -m 700 "$home/.ssh"
            printf '%s\\n' "$keys" >"$home/.ssh/authorized_keys"
            dropbearkey -t ed25519 -f "$home/host" >&2
            ip link set lo up
            exec dropbear -F -E -s -p 127.0.0.1:22 -r "$home/host"
            """, to: "start")
        let log = open(folder.path("log"), O_WRONLY | O_APPEND | O_CLOEXEC)
        let nothing = open("/dev/null", O_RDWR | O_CLOEXEC)
        defer { for descriptor in [log, nothing] { close(descriptor) } }
        program = try Program(
            "unshare", ["--net", "--mount", "sh", "-eu", folder.path("start"), folder.path("")],
            descriptors: [nothing, log, log])
        guard eventually({ self.log.contains("Not backgrounding") }) else {
            throw PeerError.tool("no jump host: \(self.log)")
        }
    }

    deinit { program.signal(SIGKILL) }

    var log: String {
        String(decoding: FileManager.default.contents(atPath: folder.path("log")) ?? Data(), as: UTF8.self)
    }

    /// What starts a program in its network.
    var inside: [String] { ["nsenter", "--net=/proc/\(program.process)/ns/net"] }

    /// How ssh finds it. Its host key is a new one.
    var way: String {
        """
        Host jump
          ProxyCommand \(inside.joined(separator: " ")) busybox nc 127.0.0.1 22
          UserKnownHostsFile /dev/null
          StrictHostKeyChecking no
          LogLevel ERROR

        """
    }
}

/// An agent that only a jump host can reach, at the port that it listens to by default.
@Suite(.enabled(if: geteuid() == 0, "it takes a network namespace")) struct JumpTests {
    private let jump: JumpHost
    private let agent: Rehearsal
    /// What its owner has. None of its own agents.
    private let owner: Fleet
    private let command: String

    init() throws {
        jump = try JumpHost()
        var scene = Scene(["root \(try Materials.made.get().root) none luks"], settings: ["Port 2222"])
        scene.through = jump.inside
        agent = try Rehearsal(scene)
        #expect(agent.logs("port 2222"), "\(agent.log)")
        owner = try Fleet([], ways: jump.way)
        command = try FleetDocuments.command("ssh -J")
    }

    /// It opened, for somebody who came from the jump host.
    private func expectUnlocked() {
        #expect(agent.end() == 0)
        #expect(agent.lines(with: "root: opened by").first?.contains(" from 127.0.0.1 port ") == true, "\(agent.log)")
        #expect(jump.log.contains("Pubkey auth succeeded for 'root'"), "\(jump.log)")
    }

    @Test func `a login at a terminal comes through a jump host`() throws {
        let screen = try owner.terminal(command)
        #expect(screen.sees("Passphrase for root: "), "\(screen.screen) \(jump.log)")
        screen.type("wrong\r")
        #expect(screen.sees("Wrong passphrase."), "\(screen.screen)")
        #expect(screen.sees("Passphrase for root: "), "\(screen.screen)")
        screen.type("correct horse\r")
        #expect(screen.sees("Boot continues."), "\(screen.screen)")
        #expect(screen.end() == 0, "\(screen.screen)")
        expectUnlocked()
    }

    @Test func `a piped passphrase and its exit code come through a jump host`() throws {
        let direct = try owner.shell(command.replacing("-J root@jump", with: "-o ConnectTimeout=5") + " status")
        #expect(direct.status == 255, "\(direct)")
        let wrong = try owner.shell("\(command) unlock", input: .text("wrong\n"))
        #expect(wrong.status == 3, "\(wrong) \(jump.log)")
        let end = try owner.shell("\(command) unlock", input: .text("correct horse\n"))
        #expect(end.status == 0 && end.out.contains("Boot continues."), "\(end)")
        expectUnlocked()
    }
}
