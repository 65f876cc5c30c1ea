import Config
import Foundation
import Linux
import TestPeers
import Testing

@testable import Check

/// `postern check` on NixOS looks into the image of the next boot.
@Suite struct NixOSImageTests {
    /// A machine as nixos-rebuild leaves it, with systemd in stage 1: four generations, of which the last is started next.
    private final class Made {
        let made: MadeMachine
        /// What becomes of the initrd before it is packed.
        var tree: [String: String] = [:]
        var links: [String: String] = [:]
        var secrets: [String: String] = [:]

        static let entries = "/boot/loader/entries/"
        static let modules = "linux-6.12.12-modules-shrunk/lib"
        static let kernel = "\(modules)/modules/6.12.12"
        static let image = "/boot/EFI/nixos/\(store("initrd-linux-6.12.12").dropFirst(11))-initrd.efi"

        /// The path of something in the store.
        static func store(_ name: String) -> String { "/nix/store/0123456789abcdfghijklmnpqrsvwxyz-\(name)" }

        init() throws {
            made = try MadeMachine()
            for path in ["/boot", "/etc/crypttab", "/usr/lib/postern/postern-initrd"] { try made.remove(path) }
            let keys = try made.text("/etc/postern/authorized_keys")
            secrets["/etc/postern/ssh_host_key_1"] = try made.text("/etc/postern/key")
            try made.remove("/etc/postern")
            try made.put("", at: "/etc/NIXOS")
            try made.put("", at: "/boot/EFI/systemd/systemd-bootx64.efi")
            try made.put("timeout 5\ndefault nixos-generation-12.conf\n", at: "/boot/loader/loader.conf")
            try made.putVariable("LoaderInfo", "systemd-boot 257.9")
            for (path, name, text) in [
                (
                    "/etc/postern/postern.conf", "postern.conf",
                    "Port 2222\nHostKey /etc/postern/ssh_host_key_1\nAuthorizedKeysFile /etc/postern/authorized_keys\n"
                        + "Crypttab /etc/crypttab\nInitrd systemd\n"
                ),
                ("/etc/postern/authorized_keys", "authorized_keys", keys),
                (
                    "/etc/crypttab", "crypttab",
                    "root /dev/disk/by-uuid/11111111-2222-3333-4444-555555555555 none luks,discard\n"
                ), ("/etc/initrd-release", "initrd-release", "ID=nixos\n"),
                ("/init", "systemd-257.9/lib/systemd/systemd", ""),
            ] {
                tree[Made.store(name)] = text
                links[path] = Made.store(name)
            }
            let agent = Made.store("postern-0.1.0/bin/postern")
            tree[agent] = "agent"
            let unit = Made.store("unit-postern.service/postern.service")
            tree[unit] = "[Service]\nExecStart=\(agent) agent\nExecStopPost=-\(agent) settle\n"
            links[Made.store("initrd-units/postern.service")] = unit
            links["/etc/systemd/system"] = Made.store("initrd-units")
            links["/lib"] = Made.store(Made.modules)
            for module in ["drivers/md/dm-crypt", "crypto/xts"] {
                tree[Made.store("\(Made.kernel)/kernel/\(module).ko.xz")] = ""
            }
            tree[Made.store("\(Made.kernel)/modules.builtin")] = "kernel/crypto/aes_generic.ko\n"
        }

        private func put(_ files: [String: String], _ links: [String: String] = [:], in tree: String) throws {
            for (path, text) in files { try made.put(text, at: path, in: tree) }
            for (path, target) in links {
                let link = made.folder.path(tree) + path
                try FileManager.default.createDirectory(
                    at: URL(filePath: link).deletingLastPathComponent(), withIntermediateDirectories: true)
                try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: target)
            }
        }

        private func archive(_ tree: String) -> String { "(cd \(tree); find . | cpio --quiet -o -H newc)" }

        /// Builds the newest generation and installs the boot loader, twice as `compressor` does it.
        func build(compressor: String = "zstd -q -19 -T0") throws {
            try put(tree, links, in: "initrd")
            try put(["/kernel/x86/microcode/AuthenticAMD.bin": "microcode"], in: "before")
            try put(secrets.reduce(into: [:]) { $0["/.initrd-secrets" + $1.key] = $1.value }, in: "secrets")
            let root = made.machine.root
            for generation in 9...12 {
                let linux = "/EFI/nixos/\(Made.store("linux-6.12.\(generation)").dropFirst(11))-bzImage.efi"
                let initrd = "/EFI/nixos/\(Made.store("initrd-linux-6.12.\(generation)").dropFirst(11))-initrd.efi"
                try made.put(
                    "title NixOS\nsort-key nixos\nversion Generation \(generation) NixOS 25.11, Linux 6.12.\(generation)\n"
                        + "linux \(linux)\ninitrd \(initrd)\noptions init=/nix/store/x/init\n"
                        + "machine-id 11112222333344445555666677778888\n",
                    at: "\(Made.entries)nixos-generation-\(generation).conf")
                for file in [linux, initrd] { try made.put("", at: "/boot" + file) }
            }
            let newest = Made.store("initrd-linux-6.12.12/initrd")
            try made.put("", at: newest)
            try put([:], [NixOSImage.newest: "../../../../..\(newest)"], in: "machine")
            let packed = try run(
                "/bin/sh",
                [
                    "-euc",
                    """
                    (\(archive("before")); \(archive("initrd")) | \(compressor)) >"$0"
                    cat "$0" >"$1"
                    for time in 1 2; do \(archive("secrets")) | \(compressor) >>"$1"; done
                    """, root + newest, root + Made.image,
                ].map { $0.replacing("(cd ", with: "(cd \(made.folder.path(""))/") })
            guard packed.status == 0 else { throw PeerError.tool("cpio: \(packed)") }
        }

        func check() -> (findings: [String], notices: [String]) {
            let images = ImagesCheck(made.machine, known: CheckReport(), until: nil).report
            return (images.findings.map(\.description), images.notices.map(\.description))
        }
    }

    /// Of the machine's default route and of the volume's device nobody knows here.
    private func unforeseen(_ notices: [String]) -> [String] {
        notices.filter { !$0.contains("carries a default route") && !$0.contains("is not there now") }
    }

    @Test(arguments: ["zstd -q -19 -T0", "gzip -9n", "xz --check=crc32 --lzma2=dict=512KiB", "cat"])
    func `a healthy NixOS has no finding, whatever its image is compressed with`(compressor: String) throws {
        let nixOS = try Made()
        try nixOS.build(compressor: compressor)
        let (findings, notices) = nixOS.check()
        #expect(findings.isEmpty && unforeseen(notices).isEmpty, "\(findings) \(notices)")
    }

    @Test func `an image is laid out as others are, and nothing of it is the machine's`() throws {
        let nixOS = try Made()
        nixOS.links["/etc/postern/gone"] = "/etc/passwd"
        try nixOS.build()
        let tool = try #require(UnpackedImage.Tool.ofNixOS)
        try UnpackedImage.with(nixOS.made.machine.root + Made.image, tool, seconds: 60) { tree, _ in
            func text(_ path: String) -> String? { try? String(contentsOfFile: tree + path, encoding: .utf8) }
            #expect(text("/usr/sbin/postern") == "agent")
            #expect(text("/etc/postern/postern.conf")?.hasPrefix("Port 2222\n") == true)
            #expect(text("/etc/postern/ssh_host_key_1")?.contains("PRIVATE KEY") == true)
            #expect(text("/etc/systemd/system/postern.service") != nil && text("/etc/postern/gone") == nil)
        }
    }

    /// What is done to a machine before it is built, and what is found then.
    struct Fault: Sendable, CustomTestStringConvertible {
        let name: String
        let texts: [String]
        let files: [String: String?]
        var testDescription: String { name }
    }

    private static let faults = [
        Fault(
            name: "an unknown keyword", texts: ["/etc/postern/postern.conf:1: unknown keyword", "nixos-rebuild boot"],
            files: [
                "postern.conf":
                    "Prot 2222\nHostKey /etc/postern/ssh_host_key_1\nCrypttab /etc/crypttab\nInitrd systemd\n"
            ]),
        Fault(
            name: "a module missing", texts: ["the module dm_crypt is not in the image", "nixos-rebuild boot"],
            files: ["linux-6.12.12-modules-shrunk/lib/modules/6.12.12/kernel/drivers/md/dm-crypt.ko.xz": nil]),
        Fault(
            name: "no agent", texts: ["the agent is not in the image: Linux 6.12.12", "systemd-boot starts it next"],
            files: ["postern-0.1.0/bin/postern": nil]),
    ]

    @Test(arguments: faults)
    func `a fault in the image is found, with what to do about it`(fault: Fault) throws {
        let nixOS = try Made()
        for (name, text) in fault.files { nixOS.tree[Made.store(name)] = text }
        try nixOS.build()
        let (findings, _) = nixOS.check()
        #expect(findings.count == 1, "\(findings)")
        #expect(fault.texts.allSatisfy { findings.first?.contains($0) == true }, "\(findings)")
    }

    @Test func `a host key that no secret brought is found`() throws {
        let nixOS = try Made()
        nixOS.secrets = ["/etc/other": "x"]
        try nixOS.build()
        let (findings, _) = nixOS.check()
        #expect(findings.contains { $0.contains("/etc/postern/ssh_host_key_1") }, "\(findings)")
    }

    @Test func `an image that is older than the configuration is found`() throws {
        let nixOS = try Made()
        try nixOS.build()
        // The next generation was built, and the boot loader not installed.
        try nixOS.made.remove(NixOSImage.newest)
        try nixOS.made.put("a newer one", at: NixOSImage.newest)
        #expect(
            nixOS.check().findings == [
                "\(Made.image): the image that is started next is not that of the newest configuration; "
                    + "run: nixos-rebuild boot, and see with bootctl list that the newest entry is the default"
            ])
        // Of another profile nothing is known.
        let entry = Made.entries + "nixos-generation-12.conf"
        let text = try nixOS.made.text(entry)
        try nixOS.made.remove(entry)
        try nixOS.made.put(text, at: Made.entries + "nixos-test-generation-12.conf")
        try nixOS.made.put("default nixos-test-generation-12.conf\n", at: "/boot/loader/loader.conf")
        #expect(nixOS.check().findings.isEmpty)
    }

    @Test func `an image that is cut off, and one that has gone, are found`() throws {
        let nixOS = try Made()
        try nixOS.build()
        let file = URL(filePath: nixOS.made.machine.root + Made.image)
        let whole = try Data(contentsOf: file)
        try whole.prefix(whole.count / 2).write(to: file)
        #expect(nixOS.check().findings.contains { $0.contains("the image cannot be unpacked") })
        try nixOS.made.remove(Made.image)
        #expect(nixOS.check().findings.count == 1)
    }

    @Test func `an image that is compressed otherwise is not looked at, and that is said`() throws {
        let nixOS = try Made()
        try nixOS.build(compressor: "xz --format=lzma")
        let (findings, notices) = nixOS.check()
        #expect(findings.isEmpty && notices.count == 1, "\(findings) \(notices)")
        #expect(notices.first?.contains("it was not looked at: neither zstd nor gzip nor xz") == true, "\(notices)")
    }

    @Test func `scripted stage 1 is named as such, and so is another boot loader`() throws {
        let nixOS = try Made()
        nixOS.links["/etc/systemd/system"] = nil
        nixOS.tree[Made.store("systemd-257.9/lib/systemd/systemd")] = "#!/bin/sh\n      postern agent || {\n"
        try nixOS.build()
        var (findings, notices) = nixOS.check()
        #expect(findings.isEmpty && notices.count == 1 && notices[0].contains("scripted stage 1"), "\(notices)")
        try nixOS.made.putVariable("LoaderInfo", "GRUB 2.12")
        (findings, notices) = nixOS.check()
        #expect(
            findings.isEmpty
                && notices == [
                    "/boot: the image of this machine is not looked at; unpack it, and run: postern check --image FOLDER"
                ], "\(findings) \(notices)")
    }

    /// Archives behind each other, with zeros between them and more behind.
    @Test(arguments: [("", nil), ("\u{1f}\u{8b}", 2048)] as [(String, Int?)])
    func `archives that lie behind each other are told apart`(more: String, rest: Int?) throws {
        let folder = try TemporaryFolder()
        let script = """
            cd "$0"; mkdir a; echo text >a/file
            for time in 1 2; do find a | cpio --quiet -o -H newc; head -c 512 /dev/zero; done >archives
            """
        #expect(try run("/bin/sh", ["-euc", script, folder.path("")]).status == 0)
        let file = URL(filePath: folder.path("archives"))
        let bytes = try Data(contentsOf: file) + more.unicodeScalars.map { UInt8($0.value) }
        try bytes.write(to: file)
        let archives = try CPIOArchives(file.path)
        #expect(archives.starts == [0, 1024] && archives.rest == rest, "\(archives)")
        try bytes.prefix(1100).write(to: file)
        #expect(throws: SystemError.self) { try CPIOArchives(file.path) }
    }
}
