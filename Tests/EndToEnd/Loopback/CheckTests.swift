import Foundation
import TestPeers
import Testing

/// `postern check` is strict, and `postern -T` prints what was understood.
@Suite struct CheckTests {
    let materials: Materials
    let folder: TemporaryFolder

    init() throws {
        materials = try Materials.made.get()
        folder = try TemporaryFolder()
    }

    private func postern(_ words: String...) throws -> Finished {
        try run(try Rehearsal.binary(), words, timeout: patience)
    }

    private func write(settings: String = "", crypttab: String, keys: String) throws {
        try folder.write(
            """
            Port 2222
            Crypttab \(folder.path("crypttab"))
            AuthorizedKeysFile \(folder.path("authorized_keys"))
            HostKey \(materials.host[0].path)
            HostKey \(materials.host[1].path)
            \(settings)
            """, to: "postern.conf")
        try folder.write(crypttab, to: "crypttab")
        try folder.write(keys, to: "authorized_keys")
    }

    private let good = """
        # The seed's machine.
        ListenAddress 192.0.2.1:22
        ListenAddress [2001:db8::1]
        LoginGraceTime 2m
        MaxAuthTries 7
        MaxStartups 5:50:20
        KexAlgorithms curve25519-sha256
        Ciphers aes256-gcm@openssh.com,aes128-gcm@openssh.com
        MACs hmac-sha2-512-etm@openssh.com
        Console /dev/ttyS0 /dev/tty0
        Volume swap leave
        Array storage quorum=2 storage-*
        ContinueTimeout 90
        """
    private let crypttab = """
        root UUID=11111111-2222-3333-4444-555555555555 none luks,discard
        swap /dev/vda2 none luks
        storage-1 LABEL=one /etc/keyfile:LABEL=keys luks,keyfile-timeout=30s,tries=3
        storage-2 PARTLABEL=a\\040label /etc/keyfile:LABEL=keys luks,nofail,header=/etc/header
        storage-3 /dev/disk/by-id/x none luks,no-read-workqueue,x-systemd.device-timeout=0

        """

    @Test func `a good set has no findings`() throws {
        try write(settings: good, crypttab: crypttab, keys: try materials.alice.line())
        let end = try postern("check", "-f", folder.path("postern.conf"))
        #expect(end.status == 0, "\(end)")
        #expect(
            end.out
                == "\(folder.path("postern.conf")): no findings; 5 volumes, 1 authorized keys, 2 host keys\n", "\(end)")
        #expect(end.err == "")
    }

    @Test func `that a shell is permitted is a notice with the number of keys, and no finding`() throws {
        try write(
            settings: "PermitShell yes", crypttab: crypttab,
            keys: "restrict \(try materials.alice.line())\ncommand=\"unlock\" \(try materials.bob.line())\n")
        let end = try postern("check", "-f", folder.path("postern.conf"))
        #expect(end.status == 0, "\(end)")
        let notices = end.out.split(separator: "\n").filter { $0.contains("PermitShell") }
        #expect(
            notices == [
                "notice: \(folder.path("postern.conf")): PermitShell yes gives root in the initrd to whoever has, or steals, the "
                    + "authorized key that command= does not limit; write command=\"unlock\" before each key that needs no shell"
            ], "\(end)")
        #expect(end.out.contains(": no findings; "))
    }

    @Test func `every finding is named with file, line and remedy`() throws {
        try write(
            settings: """
                Prot 22
                Port 99999
                HostKey \(folder.path("no-such-key"))
                HostKey \(materials.alice.path).pub
                Array storage quorum=7 storage-*
                Array empty any nothing-*
                Volume nobody take
                """,
            crypttab: "root /dev/vda none luks,dicsard\nlonely\nroot /dev/vdb none luks\nstorage-1 vdc none luks\n",
            keys: "ssh-dss AAAA x\nunknown-option \(try materials.alice.line())\n")
        let end = try postern("check", "-f", folder.path("postern.conf"))
        #expect(end.status == 1, "\(end)")
        // Where /dev/vda is there and may not be read, a notice says so.
        let lines = end.out.split(separator: "\n").map { String($0) }.filter { !$0.hasPrefix("notice: ") }
        for (file, texts) in [
            ("postern.conf", [":6: unknown keyword \"Prot\"", "did you mean Port?"]),
            ("postern.conf", [":7: Port \"99999\" is no port", "write a number from 1 to 65535"]),
            ("no-such-key", [": ", "No such file or directory", "ssh-keygen -t ed25519"]),
            ("postern.conf", [": the array empty has no member"]),
            ("postern.conf", [": there is no volume nobody"]),
            ("crypttab", [":1: the option \"dicsard\"", "did you mean discard?"]),
            ("crypttab", [":2: the volume \"lonely\" has no device", "write NAME DEVICE KEY OPTIONS"]),
            ("crypttab", [":3: the volume \"root\" is in line 1 already"]),
            ("crypttab", [":4: the device \"vdc\""]),
            ("authorized_keys", [":1: DSA is broken", "make another key"]),
            ("authorized_keys", [":2: "]),
        ] {
            let found = lines.filter { line in
                line.hasPrefix(folder.path(file)) && texts.allSatisfy { line.contains($0) }
            }
            #expect(found.count == 1, "\(file)\(texts): \(end)")
        }
        #expect(lines.contains { $0.hasPrefix("\(materials.alice.path).pub: this is no private key") }, "\(end)")
        #expect(lines.last == "\(folder.path("postern.conf")): \(lines.count - 1) findings", "\(end)")
    }

    @Test func `settle is for an initrd and takes a file alone`() throws {
        let refused = try postern("settle")
        #expect(refused.status == 6 && refused.err.contains("this is none"), "\(refused)")
        let misused = try postern("settle", "now")
        #expect(misused.status == 2 && misused.err.contains("settle takes -f FILE alone"), "\(misused)")
    }

    @Test func `a missing file is a finding`() throws {
        let end = try postern("check", "-f", folder.path("nothing.conf"))
        #expect(end.status == 1)
        #expect(end.out.hasPrefix("\(folder.path("nothing.conf")): "), "\(end)")
        #expect(end.out.contains("No such file or directory"))
    }

    @Test(arguments: [true, false])
    func `what is printed as understood reads back as itself`(isFull: Bool) throws {
        try write(settings: isFull ? good : "", crypttab: crypttab, keys: try materials.alice.line())
        let first = try postern("-T", "-f", folder.path("postern.conf"))
        #expect(first.status == 0, "\(first)")
        #expect(first.err == "")
        #expect(first.out.contains("Port 2222\n"))
        #expect(first.out.contains("ssh-ed25519 SHA256:"), "\(first)")
        #expect(first.out.contains("root UUID=11111111-2222-3333-4444-555555555555 none luks,discard"), "\(first)")
        try folder.write(first.out, to: "again.conf")
        let second = try postern("-T", "-f", folder.path("again.conf"))
        #expect(second.status == 0)
        #expect(second.out == first.out)
        #expect(try postern("check", "-f", folder.path("again.conf")).status == 0)
    }

    @Test func `the crypttab as understood reads back as itself`() throws {
        try write(settings: good, crypttab: crypttab, keys: try materials.alice.line())
        let first = try postern("-T", "-f", folder.path("postern.conf")).out
        // After the volumes it lists the authorized keys and what each role has, indented alike.
        let lines = first.split(separator: "\n").prefix { !$0.hasPrefix("# authorized keys:") }
        let volumes = lines.filter { $0.hasPrefix("#   ") }
        #expect(volumes.count == 5, "\(first)")
        try folder.write(volumes.map { $0.dropFirst(4) + "\n" }.joined(), to: "crypttab")
        #expect(try postern("-T", "-f", folder.path("postern.conf")).out == first)
    }
}
