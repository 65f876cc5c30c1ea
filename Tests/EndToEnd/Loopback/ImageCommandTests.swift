import Foundation
import TestImages
import TestPeers
import Testing

/// `postern image` puts the agent's files into the tree of an initrd.
@Suite struct ImageCommandTests {
    let materials: Materials
    let folder: TemporaryFolder
    let image: URL

    init() throws {
        materials = try Materials.made.get()
        folder = try TemporaryFolder()
        image = URL(filePath: folder.path("image"))
        try FileManager.default.createDirectory(at: image, withIntermediateDirectories: false)
    }

    func stage(_ volumes: String...) throws -> Finished {
        try run(
            try Rehearsal.binary(),
            ["image", "--into", image.path, "-f", folder.path("postern.conf")] + volumes, timeout: patience)
    }

    @Test(arguments: [nil, "1700000000", "yesterday"])
    func `the image says when it was made`(given: String?) throws {
        try write(crypttab: root)
        let before = Int(Date().timeIntervalSince1970)
        let end = try run(
            try Rehearsal.binary(), ["image", "--into", image.path, "-f", folder.path("postern.conf"), "root"],
            environment: given.map { ["SOURCE_DATE_EPOCH": $0] } ?? [:], timeout: patience)
        #expect(end.status == 0, "\(end)")
        let lines = try staged("/etc/postern/postern.conf").split(separator: "\n").filter { $0.hasPrefix("ImageTime ") }
        let time = try #require(lines.first?.split(separator: " ").last.flatMap { Int($0) })
        #expect(lines.count == 1)
        // And what the machine is called.
        let name = (try? String(contentsOfFile: "/etc/hostname", encoding: .utf8))?.split(separator: "\n").first
        #expect(try name == nil || staged("/etc/postern/hostname") == "\(name ?? "")\n")
        if given == "1700000000" {
            #expect(time == 1_700_000_000)
        } else {
            #expect((before...Int(Date().timeIntervalSince1970)).contains(time))
        }
    }

    /// The host's files. Its host key has a path of its own.
    func write(settings: String = "", crypttab: String, keys: String? = nil, hostKey: String? = nil) throws {
        try folder.write(
            """
            Port 22
            Crypttab \(folder.path("crypttab"))
            AuthorizedKeysFile \(folder.path("authorized_keys"))
            HostKey \(hostKey ?? materials.host[0].path)
            \(settings)

            """, to: "postern.conf")
        try folder.write(crypttab + "\n", to: "crypttab")
        try folder.write(try keys ?? materials.alice.line(), to: "authorized_keys")
    }

    /// A file of the image, by the path the host has it at.
    func staged(_ path: String) throws -> String {
        try String(contentsOf: image.appending(path: path), encoding: .utf8)
    }

    func put(_ path: String) throws {
        let file = image.appending(path: path)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data("key".utf8).write(to: file)
    }

    var stagedFiles: [String] {
        (FileManager.default.enumerator(atPath: image.path)?.allObjects as? [String] ?? []).sorted()
    }

    let root = "root UUID=11111111-2222-3333-4444-555555555555 none luks,discard"

    @Test func `of a sealed host key the image gets the sealed form and the fallback key alone`() throws {
        let (sealed, fallback) = (folder.path("key.sealed"), folder.path("fallback"))
        try write(settings: "FallbackHostKey \(fallback)", crypttab: root, hostKey: sealed)
        try folder.write(SealedKeyTests.sealed, to: "key.sealed")
        _ = try KeyPair(folder, "key")
        _ = try KeyPair(folder, "fallback")
        let end = try stage("root")
        #expect(end.status == 0, "\(end)")
        #expect(try staged(sealed) == SealedKeyTests.sealed)
        #expect(try staged(fallback).hasPrefix("-----BEGIN OPENSSH PRIVATE KEY-----"))
        #expect(!FileManager.default.fileExists(atPath: image.appending(path: folder.path("key")).path))
        // Without a fallback key, or with none to be had, the image serves all the same.
        try write(settings: "FallbackHostKey none", crypttab: root, hostKey: sealed)
        #expect(try stage("root").status == 0)
    }

    @Test func `the agent's files are staged and read back without a finding`() throws {
        try write(crypttab: root + "\nother /dev/sdx none luks")
        let end = try stage("root")
        #expect(end.status == 0, "\(end)")
        #expect(try staged("/etc/postern/crypttab").hasSuffix("\n\(root)\n"))
        #expect(try !staged("/etc/postern/crypttab").contains("other"))
        #expect(try staged("/etc/postern/postern.conf").contains("Port 22\nCrypttab /etc/postern/crypttab\n"))
        #expect(try staged(folder.path("authorized_keys")) == materials.alice.line())
        #expect(
            FileManager.default.contentsEqual(
                atPath: materials.host[0].path, andPath: image.appending(path: materials.host[0].path).path))
        for path in [materials.host[0].path, folder.path("authorized_keys"), "/etc/postern/postern.conf"] {
            let mode = try FileManager.default.attributesOfItem(atPath: image.appending(path: path).path)
            #expect(mode[.posixPermissions] as? Int == 0o600, "\(path)")
        }
        #expect(!stagedFiles.contains { $0.hasSuffix(".new") })
    }

    @Test func `marked volumes and members are chosen`() throws {
        try write(
            settings: "Array pool quorum=1 pool-*",
            crypttab: """
                \(root)
                marked /dev/sdm none luks,initramfs
                attached /dev/sda none luks,x-initrd.attach
                pool-1 /dev/sd1 /key:LABEL=keys luks
                pool-2 /dev/sd2 /key:LABEL=keys luks
                other /dev/sdo none luks
                """)
        let end = try stage()
        #expect(end.status == 0, "\(end)")
        let names = try staged("/etc/postern/crypttab").split(separator: "\n").dropFirst().map {
            $0.prefix { $0 != " " }
        }
        #expect(names == ["marked", "attached", "pool-1", "pool-2"])
    }

    @Test func `members without a fallback are named where the native opener is initramfs-tools`() throws {
        try write(settings: "Array pool all pool-*", crypttab: "\(root)\npool-1 /dev/sd1 /key:LABEL=keys luks")
        #expect(try !stage("root").err.contains("would stay locked"))
        try FileManager.default.createDirectory(
            at: image.appending(path: "scripts"), withIntermediateDirectories: false)
        let end = try stage("root")
        #expect(end.err.contains("would stay locked"), "\(end)")
        #expect(end.err.contains("pool-1"), "\(end)")
    }

    @Test func `a key file is the image's own, or cryptroot's, or asked for`() throws {
        try write(
            crypttab: """
                here /dev/sda /etc/keys/here luks,initramfs
                native /dev/sdb /etc/keys/native luks,initramfs
                gone /dev/sdc /etc/keys/gone luks,initramfs
                stick /dev/sdd /dev/disk/by-id/stick luks,initramfs
                """)
        try put("/etc/keys/here")
        try put("/cryptroot/keyfiles/native.key")
        let end = try stage()
        #expect(end.status == 0, "\(end)")
        let lines = try staged("/etc/postern/crypttab")
        for line in [
            "here /dev/sda /etc/keys/here luks,initramfs", "gone /dev/sdc none luks,initramfs",
            "native /dev/sdb /cryptroot/keyfiles/native.key luks,initramfs",
            "stick /dev/sdd /dev/disk/by-id/stick luks,initramfs",
        ] {
            #expect(lines.contains("\n\(line)\n"), "\(lines)")
        }
        let warning = end.err.split(separator: "\n").filter { $0.hasPrefix("\(folder.path("crypttab")):3: the key") }
        #expect(warning.count == 1, "\(end)")
        #expect(warning.first?.contains("KEYFILE_PATTERN") == true, "\(end)")
        #expect(!end.err.contains("/etc/keys/native"), "\(end)")
    }

    @Test func `a detached header is copied`() throws {
        try write(crypttab: "root /dev/sda none luks,header=\(materials.detached.header)")
        #expect(try stage("root").status == 0)
        #expect(
            FileManager.default.contentsEqual(
                atPath: materials.detached.header,
                andPath: image.appending(path: materials.detached.header).path))
    }

    @Test func `a header that is not there costs only itself`() throws {
        try write(crypttab: "\(root)\nsecond /dev/sdb none luks,initramfs,header=/no/such/header")
        let end = try stage("root")
        #expect(end.status == 0, "\(end)")
        #expect(end.err.contains("crypttab:2: the header of second is not in the image"), "\(end)")
    }

    @Test func `what is of no concern and what is not known is said`() throws {
        try write(
            crypttab: "\(root)\nother /dev/sdo none luks,dicsard\ntpm /dev/sdt none luks,initramfs,tpm2-device=auto")
        let end = try stage("root", "nothing")
        #expect(end.status == 0, "\(end)")
        #expect(!end.err.contains("dicsard"), "\(end)")
        #expect(end.err.contains("tpm is left to the native opener"), "\(end)")
        #expect(end.err.contains("the volume nothing"), "\(end)")
    }

    @Test func `the system's own host key is staged loudly`() throws {
        // The machine's own, where it has one; the test makes none.
        let system = "/etc/ssh/ssh_host_ed25519_key"
        let made = !FileManager.default.fileExists(atPath: system)
        if made {
            try FileManager.default.createDirectory(atPath: "/etc/ssh", withIntermediateDirectories: true)
            try FileManager.default.copyItem(atPath: materials.host[0].path, toPath: system)
        }
        defer { if made { try? FileManager.default.removeItem(atPath: system) } }
        let copy = folder.path("copy_of_it")
        try FileManager.default.copyItem(atPath: system, toPath: copy)
        try write(crypttab: root, hostKey: copy)
        let end = try stage("root")
        #expect(end.status == 0, "\(end)")
        #expect(end.err.contains("\(copy): THIS IS THE SYSTEM'S OWN HOST KEY"), "\(end)")
    }

    private let wrong = "11111111-2222-3333-4444-555555555555"

    /// By their paths, as the image files that they are.
    @Test func `the LUKS UUIDs of volumes that are found by other names are recorded`() throws {
        let place = try Workplace()
        try write(
            settings: "Volume mine leave",
            crypttab: """
                \(root)
                one \(materials.root) none luks
                old \(materials.old)
                apart \(materials.detached.body) none luks,header=\(materials.detached.header)
                fixed \(materials.data) none luks,x-postern.uuid=\(wrong)
                gone /dev/disk/by-id/gone none luks
                none \(materials.detached.body) none luks
                mine \(materials.data) none luks
                """)
        let end = try stage("root", "one", "old", "apart", "fixed", "gone", "none", "mine")
        #expect(end.status == 0, "\(end)")
        func uuid(_ path: String) throws -> String {
            String(try place.shell("cryptsetup luksUUID \(path)").prefix(36))
        }
        #expect(
            try staged("/etc/postern/crypttab").split(separator: "\n").dropFirst().map { String($0) } == [
                root,
                "one \(materials.root) none luks,x-postern.uuid=\(uuid(materials.root))",
                "old \(materials.old) none x-postern.uuid=\(uuid(materials.old))",
                "apart \(materials.detached.body) none luks,header=\(materials.detached.header)"
                    + ",x-postern.uuid=\(uuid(materials.detached.header))",
                "fixed \(materials.data) none luks,x-postern.uuid=\(wrong)",
                "gone /dev/disk/by-id/gone none luks", "none \(materials.detached.body) none luks",
                "mine \(materials.data) none luks",
            ])
        let lines = end.err.split(separator: "\n").map { $0.replacing("\(folder.path("crypttab")):", with: "") }
        let own = try uuid(materials.data)
        #expect(
            lines.contains {
                $0.hasPrefix("5: \(materials.data) of fixed will be refused: its LUKS UUID is \(own) and not \(wrong);")
            }, "\(end)")
        #expect(
            lines.contains {
                $0.hasPrefix("7: \(materials.detached.body) of none has no LUKS header now, so whatever is there ")
            }, "\(end)")
        #expect(!lines.contains { $0.contains(" of one ") || $0.contains(" of mine ") }, "\(end)")
    }

    @Test(arguments: ["luks1", "luks2"])
    func `a null cipher is named when the image is built, and by check`(type: String) throws {
        let place = try Workplace()
        let volume = try place.format("volume", type: type)
        try write(crypttab: "root \(volume) none luks")
        #expect(try !stage("root").err.contains("refused"))
        if type == "luks1" {
            try place.patch("volume", at: 8, "cipher_null\0")
        } else {
            try place.forge("volume") { $0.replacing("aes-xts-plain64", with: "cipher_null-ecb") }
        }
        let line = "\(folder.path("crypttab")):1: \(volume) of root will be refused: its LUKS header has a null cipher;"
        #expect(try stage("root").err.contains(line))
        let end = try run(
            try Rehearsal.binary(), ["check", "-f", folder.path("postern.conf")], timeout: patience)
        #expect(end.status == 1, "\(end)")
        #expect(end.out.contains(line), "\(end)")
    }

    enum Lack: String, CaseIterable {
        case configuration, authorizedKeys, usableKey, hostKey, crypttab, volume, own
    }

    @Test(arguments: Lack.allCases)
    func `without what a login needs nothing is written`(_ lack: Lack) throws {
        try write(
            crypttab: lack == .own ? "root /dev/sda none luks,initramfs,tpm2-device=auto" : root,
            keys: lack == .usableKey ? "ssh-dss AAAA x\n" : nil,
            hostKey: lack == .hostKey ? folder.path("no-key") : nil)
        switch lack {
        case .configuration: try FileManager.default.removeItem(atPath: folder.path("postern.conf"))
        case .authorizedKeys: try FileManager.default.removeItem(atPath: folder.path("authorized_keys"))
        case .crypttab: try FileManager.default.removeItem(atPath: folder.path("crypttab"))
        case .usableKey, .hostKey, .volume, .own: break
        }
        let end = lack == .volume ? try stage() : try stage("root")
        #expect(end.status == 1, "\(end)")
        let last = end.err.split(separator: "\n").last ?? ""
        #expect(last.hasPrefix("postern: this machine cannot be unlocked from afar: "), "\(end)")
        #expect(stagedFiles.isEmpty)
    }

    @Test(arguments: ["authorized_keys", "crypttab"])
    func `what is no regular file is left out, and holds up nobody`(file: String) throws {
        try write(crypttab: root)
        try FileManager.default.removeItem(atPath: folder.path(file))
        #expect(mkfifo(folder.path(file), 0o600) == 0)
        let end = try stage("root")
        #expect(end.status == 1, "\(end)")
        #expect(end.err.contains("is no regular file"), "\(end)")
        #expect(stagedFiles.isEmpty)
    }

    @Test func `a path that leads out of the image is refused`() throws {
        try write(crypttab: root, hostKey: folder.path("sub/../key"))
        try FileManager.default.createDirectory(atPath: folder.path("sub"), withIntermediateDirectories: false)
        try FileManager.default.copyItem(atPath: materials.host[0].path, toPath: folder.path("key"))
        let end = try stage("root")
        #expect(end.status == 1, "\(end)")
        #expect(end.err.contains("has .."), "\(end)")
        // Without postern.conf the agent takes nothing up, and the native prompt has the boot.
        #expect(!stagedFiles.contains("etc/postern/postern.conf"))
    }

    @Test(
        arguments: [
            [], ["--into"], ["--into", "/nowhere/at/all"], ["--into", "/tmp", "--force"], ["root"],
        ])
    func `wrong usage ends with 2`(words: [String]) throws {
        let end = try run(try Rehearsal.binary(), ["image"] + words, timeout: patience)
        #expect(end.status == 2, "\(end)")
        #expect(end.err.hasPrefix("postern: "), "\(end)")
    }
}
