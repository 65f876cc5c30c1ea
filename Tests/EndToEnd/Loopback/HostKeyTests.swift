import Foundation
import Glibc
import Repository
import TestPeers
import Testing

/// What `postern ssh-config` prints is all that a client needs.
@Suite struct HostKeyTests {
    private func printed(_ agent: Rehearsal, _ words: String...) throws -> String {
        let end = try run(try Rehearsal.binary(), words + ["-f", agent.folder.path("postern.conf")])
        #expect(end.status == 0, "\(end)")
        return end.out
    }

    @Test func `with the lines of ssh-config a client that checks strictly logs in without a warning`() throws {
        let materials = try Materials.made.get()
        let agent = try Rehearsal(["root \(materials.root) none luks"], settings: ["ListenAddress 127.0.0.1"])
        let text = try printed(agent, "ssh-config", "nas")
        let parts = text.components(separatedBy: "# For ~/.ssh/known_hosts:\n")
        try #require(parts.count == 2, "\(text)")
        try agent.folder.write(parts[0], to: "config")
        try agent.folder.write(parts[1], to: "known_hosts")
        let options = [
            "-F", agent.folder.path("config"), "-i", materials.alice.path, "-o", "IdentitiesOnly=yes", "-o",
            "BatchMode=yes",
            "-o", "UserKnownHostsFile=\(agent.folder.path("known_hosts"))", "-o", "GlobalKnownHostsFile=/dev/null",
        ]
        let end = try run("ssh", options + ["nas", "status"], timeout: patience)
        #expect(end.status == 0, "\(end) \(agent.log)")
        #expect(end.out.contains("root") && end.err == "")
        // Each key that the agent has is among them.
        for type in ["ssh-ed25519", "rsa-sha2-512"] {
            let end = try run("ssh", options + ["-o", "HostKeyAlgorithms=\(type)", "nas", "status"], timeout: patience)
            #expect(end.status == 0 && end.err == "", "\(end)")
        }
        // Another machine at that address is refused.
        let other = try KeyPair(agent.folder, "other")
        try agent.folder.write("nas " + other.line() + "\n", to: "known_hosts")
        let refused = try run("ssh", options + ["nas", "status"], timeout: patience)
        #expect(refused.status == 255 && refused.err.contains("REMOTE HOST IDENTIFICATION HAS CHANGED"), "\(refused)")
    }

    @Test func `hostkey shows the fingerprints that a client sees`() throws {
        let materials = try Materials.made.get()
        let agent = try Rehearsal(["root \(materials.root) none luks"], settings: ["ListenAddress 127.0.0.1"])
        let scanned = try run("ssh-keyscan", ["-p", "\(agent.port)", "127.0.0.1"], timeout: patience)
        try agent.folder.write(scanned.out, to: "scanned")
        let listed = try run("ssh-keygen", ["-l", "-f", agent.folder.path("scanned")]).out
        let fingerprints = listed.split(separator: "\n").compactMap { $0.split(separator: " ").dropFirst().first }
        #expect(fingerprints.count == 2, "\(listed)")
        let shown = try printed(agent, "hostkey")
        for fingerprint in fingerprints { #expect(shown.contains(" \(fingerprint)\n"), "\(shown)") }
    }

    @Test(.enabled(if: geteuid() == 0, "it takes a mount"))
    func `the commands answer as postern(8) shows it`() throws {
        // A machine of that name with initramfs-tools, and a key already.
        let script = """
            mount -t tmpfs none /mnt
            for folder in etc usr/sbin; do
                mkdir -p /mnt/$folder/upper /mnt/$folder/work
                mount -t overlay -o lowerdir=/$folder,upperdir=/mnt/$folder/upper,workdir=/mnt/$folder/work none /$folder
            done
            hostname nas
            touch /usr/sbin/update-initramfs
            mkdir -p /etc/postern
            rm -f /etc/postern/*
            printf '%s\\n' 'ListenAddress 192.0.2.10' 'Crypttab /dev/null' >/etc/postern/postern.conf
            "$0" hostkey --new >/dev/null
            for words in 'hostkey --new' hostkey ssh-config; do echo "# postern $words"; "$0" $words; done
            """
        let end = try run("unshare", ["--mount", "--uts", "sh", "-euc", script, try Rehearsal.binary()])
        #expect(end.status == 0 && end.err == "", "\(end)")
        let dialogues = try RecordedDialogues()
        let parts = end.out.components(separatedBy: "# postern ").dropFirst()
        #expect(parts.count == 3, "\(end)")
        for part in parts {
            let lines = part.split(separator: "\n", maxSplits: 1)
            let said = lines.dropFirst().joined()
            #expect(dialogues.isRecorded(said, to: "postern \(lines[0])"), "\(lines[0]): \(said)")
        }
    }
}
