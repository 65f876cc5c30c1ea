import Config
import Foundation
import TestPeers
import Testing

@testable import HostKeys

/// Host keys are shown and made as OpenSSH has them.
@Suite struct HostKeyCommandTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
        try folder.write("HostKey \(folder.path("key"))\nCrypttab /dev/null\n", to: "postern.conf")
    }

    private func make() -> Int32 { HostKeyCommand.run(["--new", "-f", folder.path("postern.conf")], file: "") }

    private func content(_ name: String) -> Data? { FileManager.default.contents(atPath: folder.path(name)) }

    @Test(arguments: ["ed25519", "rsa"])
    func `the public half, fingerprint and record for the DNS are those of ssh-keygen`(type: String) throws {
        _ = try run("ssh-keygen", ["-q", "-t", type, "-N", "", "-f", folder.path("key")])
        let file = try #require(content("key"))
        let key = try #require(PublicHostKey(privateKey: file))
        let line = try String(contentsOfFile: folder.path("key.pub"), encoding: .utf8)
        #expect(line.hasPrefix("\(key.type) \(key.base64) "))
        let fingerprint = try run("ssh-keygen", ["-l", "-f", folder.path("key.pub")]).out
        #expect(fingerprint.contains(" \(key.fingerprint) "))
        let records = try run("ssh-keygen", ["-r", "nas", "-f", folder.path("key.pub")]).out
        #expect(records.contains("nas IN SSHFP \(key.dnsFingerprint)\n"))
        // Cut off anywhere before its end, there is none.
        for length in stride(from: 0, to: 90, by: 7) { #expect(PublicHostKey(privateKey: file.prefix(length)) == nil) }
    }

    @Test func `a new key is made where there is none; a second one keeps the first; a third overwrites nothing`()
        throws
    {
        #expect(make() == 0)
        let first = try #require(content("key"))
        let mode = try FileManager.default.attributesOfItem(atPath: folder.path("key"))[.posixPermissions] as? Int
        #expect(mode == 0o600)
        #expect(make() == 0)
        let second = try #require(content("key"))
        #expect(first != second)
        #expect(content("key.old") == first)
        #expect(content("key.old.pub") != content("key.pub"))
        #expect(make() == 1)
        #expect(content("key") == second && content("key.old") == first)
        #expect(content("key.new") == nil && content("key.new.pub") == nil)
    }

    @Test func `how the initrd is built again is said by what builds it`() throws {
        func command(_ paths: String...) throws -> String? {
            let root = try TemporaryFolder()
            for path in paths {
                let file = URL(filePath: root.path(path))
                try FileManager.default.createDirectory(
                    at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data().write(to: file)
            }
            return Rebuilding.command(beneath: root.path(""))
        }
        #expect(try command("etc/NIXOS") == "nixos-rebuild boot")
        #expect(try command("usr/sbin/update-initramfs") == "update-initramfs -u -k all")
        #expect(try command("usr/sbin/update-initramfs", "usr/bin/dracut") == "update-initramfs -u -k all")
        #expect(
            try command("usr/sbin/update-initramfs", "usr/bin/dracut", "etc/kernel/postinst.d/dracut")
                == "dracut --force --regenerate-all")
        #expect(try command("usr/bin/dracut") == "dracut --force --regenerate-all")
        #expect(try command("usr/bin/mkinitcpio") == "mkinitcpio -P")
        #expect(try command() == nil)
    }

    @Test(
        arguments: [
            ("quiet ip=192.0.2.10::192.0.2.1:255.255.255.0::ens2:off", "192.0.2.10"), ("ip=dhcp", nil),
            ("ip=:::::ens2:dhcp", nil),
            ("ip=[2001:db8::7]::[fe80::1]:64::ens2:off ro\n", "2001:db8::7"),
            ("ip=192.0.2.1 ip=192.0.2.2:", "192.0.2.2"),
            ("root=/dev/sda ip=0.0.0.0::x", nil), ("", nil),
        ] as [(String, String?)])
    func `the address of ip= is found`(line: String, address: String?) {
        #expect(InitrdAddress.inCommandLine(Array(line.utf8)) == address)
    }

    @Test func `the address at which the agent could be reached is the last one that its log names`() {
        let log = """
            waits for x
            Reach it with: ssh -p 2222 root@192.0.2.1
            Reach it with: ssh -p 2222 root@2001:db8::1
            Only from the network segment of eth0: ssh -p 2222 root@fe80::1%INTERFACE
            """
        #expect(InitrdAddress.inLog(Array(log.utf8)) == "2001:db8::1")
        #expect(InitrdAddress.inLog(Array("login of root@192.0.2.3".utf8)) == nil)
    }

    @Test func `names that ssh_config would take for more are refused`() {
        #expect(SSHConfigCommand.isAlias("nas-1.example_2"))
        for name in ["", "-x", "a b", "a*", "a,b", "!a", "a\nb", "ü"] { #expect(!SSHConfigCommand.isAlias(name)) }
    }

    @Test func `where the address is not known the block has the machine's name, and says so`() {
        let block = HostBlock(name: "nas-initrd", host: "nas", address: nil, port: 22, keys: [])
        #expect(block.text.contains("address in the initrd is not known"))
        #expect(block.text.contains("\n    HostName nas\n    Port 22\n"))
    }

    @Test func `ssh-config names the fallback key by another name, and says when to use it`() throws {
        let key = try #require(PublicHostKey(privateKey: try made("key")))
        let fallback = try #require(PublicHostKey(privateKey: try made("fallback")))
        let text = HostBlock(name: "nas", host: "nas", address: nil, port: 22, keys: [key], fallbacks: [fallback]).text
        let lines = text.split(separator: "\n").map { String($0) }
        #expect(lines.contains("nas ssh-ed25519 \(key.base64)"))
        #expect(lines.last == "nas-fallback ssh-ed25519 \(fallback.base64)")
        #expect(text.contains("log in with: ssh -o HostKeyAlias=nas-fallback nas\n"))
        #expect(!HostBlock(name: "nas", host: "nas", address: nil, port: 22, keys: [key]).text.contains("fallback"))
    }

    private func made(_ name: String) throws -> Data {
        _ = try run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", folder.path(name)])
        return try #require(content(name))
    }

    @Test(arguments: [
        ("7", [7]), ("7+14", [7, 14]), ("14,0,14", [0, 14]), ("none", []), ("", nil), ("7+", nil), ("a", nil),
        ("-1", nil),
    ])
    func `the PCRs are read`(text: String, numbers: [Int]?) {
        #expect(Sealing.registers(text) == numbers)
        if let numbers { #expect(Sealing.registers(numbers.isEmpty ? "none" : Sealing.text(numbers)) == numbers) }
    }

    @Test func `nothing is sealed to a PCR that measures the sealed key, or changes while the machine boots`() {
        for number in [9, 10, 11, 15, 24] {
            #expect(Sealing.problem(withRegister: number) != nil)
            #expect(
                HostKeyCommand.run(["--seal", "--pcrs", "7+\(number)", "-f", folder.path("postern.conf")], file: "")
                    == 2)
        }
        for number in [0, 4, 7, 8, 12, 14, 16] { #expect(Sealing.problem(withRegister: number) == nil) }
    }

    @Test func `a key that lay in an initrd is not sealed`() throws {
        try folder.write("HostKey /etc/postern/ssh_host_ed25519_key.sealed\nCrypttab /dev/null\n", to: "postern.conf")
        #expect(HostKeyCommand.run(["--seal", "-f", folder.path("postern.conf")], file: "") == 1)
    }
}
