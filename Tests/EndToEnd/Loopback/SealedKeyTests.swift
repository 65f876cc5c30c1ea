import Foundation
import Glibc
import TestPeers
import Testing

/// What the agent does with what systemd-creds does, which a program plays here; the boots of `DebianTests` have the real one
/// and a TPM.
@Suite(.enabled(if: geteuid() == 0, "it takes mounts")) struct SealedKeyTests {
    /// What a sealed key begins with, as systemd-creds 257 has made it, with PCR 16.
    static let sealed = """
        DHzAexF2RZGcSwvqCLwg/iAAAAABAAAADAAAABAAAAARtYY4UuxwdiLYWoYAAAAAAAABAAAAAAALACM
        A8AAAACAAAAAAngAg7ZDCCf6bfbotPnQYOOx6dmznpm2irKIoUkEiqHqalBMAEMBnyeFTX/EkY2dsg8

        """

    /// Runs the agent where /dev has a TPM and systemd-creds is the folder's, which does what a sealed key's neighbour says.
    private static let stage = """
        folder=$1
        shift
        mkdir "$folder/dev"
        mount -t tmpfs -o mode=755 tmpfs "$folder/dev"
        for node in null zero full random urandom; do
            : >"$folder/dev/$node"
            mount --bind "/dev/$node" "$folder/dev/$node"
        done
        [ -e "$folder/no-tpm" ] || : >"$folder/dev/tpmrm0"
        mount --rbind "$folder/dev" /dev
        mount --bind "$folder/systemd-creds" /usr/bin/systemd-creds
        exec "$@"
        """

    private static let program = """
        #!/bin/sh
        [ "$1 $2 $4 $#" = "decrypt --name=postern.host-key - 4" ] || exit 2
        . "$3.does"

        """

    /// Starts it with sealed keys, by what systemd-creds does with each.
    private func rehearse(
        _ keys: [String], settings: [String] = ["FallbackHostKey {FOLDER}/fallback"], hasTPM: Bool = true,
        plain: Bool = false
    ) throws -> Rehearsal {
        let materials = try Materials.made.get()
        var scene = Scene(["root \(materials.root) none luks"], settings: settings)
        scene.hostKeys = plain
        scene.through = ["unshare", "--mount", "sh", "-euc", Self.stage, "sh", "{FOLDER}"]
        for index in keys.indices { scene.settings.append("HostKey {FOLDER}/key-\(index).sealed") }
        return try Rehearsal(scene) { folder, materials in
            for (index, does) in keys.enumerated() {
                _ = try KeyPair(folder, "key-\(index)")
                try folder.write(Self.sealed, to: "key-\(index).sealed")
                try folder.write(
                    does.replacing("KEY", with: folder.path("key-\(index)")) + "\n", to: "key-\(index).sealed.does")
            }
            _ = try KeyPair(folder, "fallback")
            try folder.write(Self.program, to: "systemd-creds")
            chmod(folder.path("systemd-creds"), 0o755)
            if !hasTPM { try folder.write("", to: "no-tpm") }
        }
    }

    /// The host keys that ssh sees.
    private func seen(_ agent: Rehearsal) throws -> Set<String> {
        let scanned = try run("ssh-keyscan", ["-T", "60", "-p", "\(agent.port)", "127.0.0.1"], timeout: patience)
        return Set(scanned.out.split(separator: "\n").compactMap { $0.split(separator: " ").last.map { String($0) } })
    }

    private func key(_ agent: Rehearsal, _ name: String) throws -> String {
        let line = try String(contentsOfFile: agent.folder.path(name + ".pub"), encoding: .utf8)
        return String(line.split(separator: " ")[1])
    }

    private let warning = "This host key lay readable in the initrd: the machine may not be yours."

    @Test func `the TPM's key is used, and no other, and nobody is warned`() throws {
        let agent = try rehearse(["sleep 1; cat KEY"])
        #expect(try seen(agent) == [key(agent, "key-0")])
        #expect(agent.log.contains("the TPM has opened the sealed host key"))
        #expect(try agent.status().notices == [])
        let end = try agent.unlock(Materials.passphrase)
        #expect(end.status == 0 && !end.err.contains(warning), "\(end)")
        #expect(!agent.log.contains("fallback"), "\(agent.log)")
    }

    @Test func `a key that the TPM opens at its third try is used, and no other is tried a fourth time`() throws {
        let count = "echo x >>KEY.tries; [ \"$(wc -l <KEY.tries)\" = 3 ] && cat KEY || exit 1"
        let agent = try rehearse([count])
        #expect(try seen(agent) == [key(agent, "key-0")])
        #expect(!agent.log.contains("stays shut"), "\(agent.log)")
        let other = try rehearse(["echo x >>KEY.tries; exit 1"])
        #expect(try seen(other) == [key(other, "fallback")])
        #expect(try String(contentsOfFile: other.folder.path("key-0.tries"), encoding: .utf8) == "x\nx\nx\n")
    }

    @Test func `of two keys the one is used that the TPM opens`() throws {
        let agent = try rehearse(["echo no >&2; exit 1", "cat KEY"])
        #expect(try seen(agent) == [key(agent, "key-1")])
        #expect(agent.log.contains("a sealed host key stays shut: no"), "\(agent.log)")
        let both = try rehearse(["cat KEY", "cat KEY"])
        #expect(try both.unlock(Materials.passphrase).status == 0)
    }

    @Test(arguments: [
        ("echo odd >&2; echo 'the PCRs are others' >&2; exit 1", "the PCRs are others"),
        ("exit 3", "systemd-creds ended with status 3"),
        ("kill -9 $$", "systemd-creds ended with status 137"),
        ("echo rubbish", "this is no private key in OpenSSH's format"),
        ("", "this is no private key in OpenSSH's format"),
        ("head -c 40000 /dev/zero", "it is too large"),
        ("head -c 200 KEY", "the key is damaged: its last line is missing"),
    ])
    func `when it is not opened the fallback key is used, and whoever logs in is warned`(
        does: String, reason: String
    ) throws {
        let agent = try rehearse([does])
        #expect(try seen(agent) == [key(agent, "fallback")])
        let line = try #require(agent.lines(with: "the sealed host key stays shut: ").first)
        #expect(
            line.contains(reason) && line.hasSuffix("the fallback host key is used, which lies readable in the initrd"))
        let notice = try #require(try agent.status().notices.first)
        #expect(notice.hasPrefix(warning + " The sealed one stays shut: ") && notice.hasSuffix(reason), "\(notice)")
        let screen = try agent.login()
        #expect(screen.sees("Passphrase for root: ") && screen.screen.contains("the machine may not be yours"))
        let end = try agent.unlock(Materials.passphrase)
        #expect(end.status == 0 && end.err.contains(warning), "\(end)")
        #expect(!agent.lines(with: "login of ").isEmpty)
        #expect(
            agent.lines(with: "login of ").allSatisfy { $0.hasSuffix(", by the fallback host key") }, "\(agent.log)")
    }

    @Test func `without a TPM the fallback key is used at once`() throws {
        let agent = try rehearse(["cat KEY"], hasTPM: false)
        #expect(try seen(agent) == [key(agent, "fallback")])
        #expect(agent.log.contains("the sealed host key stays shut: there is no TPM;"), "\(agent.log)")
    }

    @Test func `a TPM that hangs holds up ssh for 20 s, and not the end of the agent`() throws {
        let agent = try rehearse(["trap '' TERM; sleep 1000"])
        let start = ContinuousClock.now
        #expect(try seen(agent) == [key(agent, "fallback")])
        #expect(ContinuousClock.now - start > .seconds(10))
        #expect(agent.log.contains("stays shut: the TPM took longer than 20 s;"), "\(agent.log)")
        #expect(try agent.unlock(Materials.passphrase).status == 0)
        #expect(agent.end() == 0)
    }

    @Test func `with FallbackHostKey none there is no ssh`() throws {
        let agent = try rehearse(["echo no >&2; exit 1"], settings: ["FallbackHostKey none"])
        #expect(agent.logs("stays shut: no; there is no fallback host key, and so no ssh"))
        #expect(try seen(agent) == [])
    }

    @Test func `plain host keys beside a sealed one are used only for want of a fallback key`() throws {
        let agent = try rehearse(["cat KEY"], plain: true)
        #expect(try seen(agent) == [key(agent, "key-0")])
        #expect(agent.log.contains("it is not sealed as another HostKey is, and is not used"), "\(agent.log)")
        let other = try rehearse(["exit 1"], settings: ["FallbackHostKey {FOLDER}/nowhere"], plain: true)
        #expect(try seen(other).count == 2, "\(other.log)")
    }

    @Test func `neither the monitor nor a session has the secret half of the key`() throws {
        let agent = try rehearse(["cat KEY"])
        let screen = try agent.login()
        #expect(screen.sees("Passphrase for root: "))
        let lines = try String(contentsOfFile: agent.folder.path("key-0"), encoding: .utf8).split(separator: "\n")
        // Of the file of an ed25519 key, what stands before it and behind it is public.
        let secret = Secret(text: String(lines[4].dropFirst(8).prefix(36)))
        for processes in [[agent.process], agent.children("session")] {
            #expect(!processes.isEmpty)
            for process in processes { #expect(try ProcessMemory.places(of: secret, in: process).isEmpty) }
        }
    }
}
