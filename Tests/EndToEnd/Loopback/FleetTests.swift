import Foundation
import TestPeers
import Testing

/// The commands of README.md and `initrd/fleet/README.md`, as they stand there, unlock rehearsing agents.
@Suite struct FleetTests {
    let materials: Materials
    init() throws { materials = try Materials.made.get() }

    private var root: String { "root \(materials.root) none luks" }
    /// Its passphrase is another one.
    private var data: String { "data \(materials.data) none luks" }

    /// A password store of the owner's, encrypted with a key of gpg's, whose entry `nas` has more than the passphrase.
    private func store(in fleet: Fleet) throws {
        let made = try fleet.shell(
            """
            mkdir -m 700 .gnupg && gpg -q --batch --passphrase '' --quick-gen-key owner future-default default never &&
            pass init owner && printf 'correct horse\\nlogin: root\\nwrong\\n' | pass insert -m nas
            """)
        #expect(made.status == 0, "\(made)")
        #expect(try fleet.shell("pass show nas").out == "correct horse\nlogin: root\nwrong\n")
    }

    /// Each agent ended, and one client has opened its volume with one try.
    private func expectUnlocked(_ agents: [Rehearsal]) {
        for agent in agents {
            #expect(agent.end() == 0, "\(agent.log)")
            #expect(agent.lines(with: ": opened by").count == 1, "\(agent.log)")
            #expect(agent.lines(with: "wrong passphrase").isEmpty, "\(agent.log)")
        }
    }

    @Test func `pass pipes an entry's first line`() throws {
        let fleet = try Fleet([root])
        try store(in: fleet)
        let end = try fleet.shell(try FleetDocuments.command("pass show", "| ssh"))
        _ = try fleet.shell("gpgconf --kill all")
        #expect(end.status == 0 && end.out.contains("Boot continues."), "\(end)")
        expectUnlocked(fleet.agents)
    }

    @Test func `parallel-ssh unlocks three at once, and says what the document shows`() throws {
        let fleet = try Fleet([root, root, root])
        try store(in: fleet)
        let end = try fleet.shell(try FleetDocuments.command("parallel-ssh"))
        _ = try fleet.shell("gpgconf --kill all")
        #expect(end.status == 0, "\(end)")
        // Who comes first, and when, is another each time.
        func lines(_ text: String) -> [String] {
            text.split(separator: "\n").map { String($0.replacing(#/^\[\d\] \d\d:\d\d:\d\d /#, with: "")) }.sorted()
        }
        #expect(try lines(end.out) == lines(FleetDocuments.block("\n", with: "[SUCCESS]")), "\(end)")
        expectUnlocked(fleet.agents)
    }

    @Test func `parallel-ssh names the machine that another passphrase opens, and the one that is not there`() throws {
        let fleet = try Fleet([root, data], ways: "Host nas-3\n  ProxyCommand false\n")
        try store(in: fleet)
        let end = try fleet.shell(try FleetDocuments.command("parallel-ssh"))
        _ = try fleet.shell("gpgconf --kill all")
        #expect(end.status != 0, "\(end)")
        #expect(end.out.contains("[SUCCESS] nas-1\n"), "\(end)")
        #expect(end.out.contains("[FAILURE] nas-2 Exited with error code 3\n"), "\(end)")
        #expect(end.out.contains(/\[FAILURE\] nas-3 .*code 255\n/), "\(end)")
        expectUnlocked([fleet.agents[0]])
        #expect(try fleet.agents[1].status().volume("data")?.state == "locked")
    }

    /// Makes the file with the passphrase, which a person would type into an editor, and copies the others.
    private func vault(in fleet: Fleet) throws {
        try fleet.copy("initrd/fleet/hosts.yml")
        try fleet.copy("initrd/fleet/unlock.yml")
        let passphrase = try FleetDocuments.block("yaml\n", with: "passphrase:")
        try fleet.program("editor", "cat >\"$1\" <<'END'\n\(passphrase)END")
        let screen = try fleet.terminal(try FleetDocuments.command("ansible-vault"))
        for question in ["New Vault password: ", "Confirm New Vault password: "] {
            #expect(screen.sees(question), "\(screen.screen)")
            screen.type("open sesame\r")
        }
        #expect(screen.end() == 0, "\(screen.screen)")
        let file = try String(contentsOfFile: fleet.path("group_vars/waiting.yml"), encoding: .utf8)
        #expect(file.hasPrefix("$ANSIBLE_VAULT;"), "\(file)")
    }

    /// Runs a command that asks for the vault's password, and returns what it shows and its exit status.
    private func play(_ command: String, in fleet: Fleet) throws -> (screen: String, status: Int32) {
        let screen = try fleet.terminal(command)
        #expect(screen.sees("Vault password: "), "\(screen.screen)")
        screen.type("open sesame\r")
        let status = screen.end()
        return (screen.screen.replacing("\r\n", with: "\n"), status)
    }

    @Test func `Ansible sees three that wait, and unlocks them`() throws {
        let fleet = try Fleet([root, root, root])
        try vault(in: fleet)
        let seen = try play(try FleetDocuments.command("ansible ", "raw"), in: fleet)
        #expect(seen.status == 0, "\(seen)")
        #expect(seen.screen.components(separatedBy: "  root  locked").count == 4, "\(seen)")
        let end = try play(try FleetDocuments.command("ansible-playbook"), in: fleet)
        #expect(end.status == 0, "\(end)")
        for name in ["nas-1", "nas-2", "nas-3"] {
            let result = end.screen.firstMatch(of: try Regex("\nok: \\[\(name)\\] => \\{[^}]*root: open[^}]*\\}"))
            #expect(result != nil, "\(end)")
        }
        // The connections that Ansible keeps for a minute hold none of them up.
        expectUnlocked(fleet.agents)
    }

    @Test func `Ansible leaves the passphrase in no output, no file and no argument`() throws {
        let fleet = try Fleet([root])
        try vault(in: fleet)
        // What all its processes write, and the arguments of what they start.
        let traced = "execve,write,pwrite64,writev,sendto,sendmsg"
        let calls = "strace -f --seccomp-bpf -qq -y -s 999999 -e trace=\(traced) -o calls "
        let command = try FleetDocuments.command("ansible-playbook")
        let end = try play(calls + command + " -vvv --limit nas-1", in: fleet)
        #expect(end.status == 0, "\(end)")
        #expect(end.screen.contains("Boot continues."), "\(end)")
        #expect(!end.screen.contains("horse"), "\(end)")
        let found = try fleet.shell("grep horse calls")
        #expect(found.out.contains("<pipe:["), "\(found)")
        for line in found.out.split(separator: "\n") { #expect(line.contains("<pipe:["), "\(line)") }
        expectUnlocked(fleet.agents)
    }

    @Test func `Ansible goes on without the machine that is not there, and says why one stays locked`() throws {
        let fleet = try Fleet([root, data], ways: "Host nas-3\n  ProxyCommand false\n")
        try vault(in: fleet)
        let end = try play(try FleetDocuments.command("ansible-playbook"), in: fleet)
        #expect(end.status != 0, "\(end)")
        #expect(end.screen.contains(/nas-1 .* unreachable=0 +failed=0/), "\(end)")
        #expect(end.screen.contains(/fatal: \[nas-2\]: FAILED! => \{[^}]*"Wrong passphrase\./), "\(end)")
        #expect(end.screen.contains(/nas-3 .* unreachable=1 +failed=0/), "\(end)")
        expectUnlocked([fleet.agents[0]])
        #expect(fleet.agents[1].lines(with: "wrong passphrase from").count == 1, "\(fleet.agents[1].log)")
        #expect(try fleet.agents[1].status().volume("data")?.state == "locked")
    }

    @Test func `a kept connection serves one command after the other, and ends when the boot goes on`() throws {
        let fleet = try Fleet([root])
        let agent = fleet.agents[0]
        let ssh = "ssh -o ControlMaster=auto -o ControlPath=control -o ControlPersist=600 -p 2222 root@nas-1"
        for _ in 0..<3 { #expect(try fleet.shell("\(ssh) status").status == 0) }
        #expect(try fleet.shell("\(ssh) -O check").status == 0)
        let wrong = try fleet.shell("\(ssh) unlock", input: .text("wrong\n"))
        #expect(wrong.status == 3, "\(wrong)")
        let end = try fleet.shell("\(ssh) unlock", input: .text("correct horse\n"))
        #expect(end.status == 0 && end.out.contains("Boot continues."), "\(end)")
        #expect(agent.end() == 0)
        #expect(agent.lines(with: "login of").count == 1, "\(agent.log)")
        #expect(try eventually { try fleet.shell("\(ssh) -O check").status == 255 })
    }
}
