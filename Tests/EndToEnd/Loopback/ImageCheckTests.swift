import Foundation
import TestPeers
import Testing

/// `postern check --image` looks at an unpacked initrd.
@Suite struct ImageCheckTests {
    let materials: Materials
    let folder: TemporaryFolder
    let image: URL

    init() throws {
        materials = try Materials.made.get()
        folder = try TemporaryFolder()
        image = URL(filePath: folder.path("image"))
        try put("/usr/sbin/postern", "")
        try put("/etc/postern/postern.conf", "Crypttab /etc/postern/crypttab\nHostKey /etc/postern/key\n")
        try put("/etc/postern/crypttab", "root UUID=11111111-2222-3333-4444-555555555555 none luks\n")
        try put("/etc/postern/authorized_keys", try materials.alice.line())
        try put("/etc/postern/key", try String(contentsOfFile: materials.host[0].path, encoding: .utf8))
        try put("\(modules)/drivers/md/dm-crypt.ko", "")
        try put("\(modules)/crypto/xts.ko.xz", "")
        try put("/usr/lib/modules/6.1.0-1/modules.builtin", "kernel/crypto/aes_generic.ko\nkernel/fs/ext4/ext4.ko\n")
        // Whatever cards this machine has.
        for module in try driversOfNetworkCards() { try put("\(modules)/drivers/net/\(module).ko.zst", "") }
    }

    let modules = "/usr/lib/modules/6.1.0-1/kernel"

    func put(_ path: String, _ text: String) throws {
        let file = image.appending(path: path)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file.path)
    }

    func remove(_ path: String) throws {
        try FileManager.default.removeItem(at: image.appending(path: path))
    }

    func check() throws -> Finished {
        try run(try Rehearsal.binary(), ["check", "--image", image.path], timeout: patience)
    }

    @Test func `a whole image has no findings`() throws {
        let end = try check()
        #expect(end.status == 0, "\(end)")
        #expect(
            end.out
                == "/etc/postern/postern.conf: no findings in the image; 1 volumes, 1 authorized keys, 1 host keys\n")
    }

    @Test func `a sealed host key needs what opens it, and not the key beside it`() throws {
        try put("/etc/postern/postern.conf", "Crypttab /etc/postern/crypttab\nHostKey /etc/postern/key.sealed\n")
        try put("/etc/postern/key.sealed", SealedKeyTests.sealed)
        try put(
            "/etc/postern/ssh_host_fallback_key", try String(contentsOfFile: materials.host[0].path, encoding: .utf8))
        let end = try check()
        #expect(end.status == 1)
        for line in [
            "/etc/postern/key: the key lies in the image that is sealed there, too",
            "/usr/bin/systemd-creds: the image lacks it for a sealed HostKey",
            "/libtss2-esys.so.0: the image lacks it", "/libtss2-tcti-device.so.0: the image lacks it",
        ] {
            #expect(end.out.contains(line), "\(end)")
        }
        try remove("/etc/postern/key")
        try put("/usr/bin/systemd-creds", "")
        for name in ["esys", "rc", "mu", "tcti-device"] {
            try put("/usr/lib/x86_64-linux-gnu/libtss2-\(name).so.0", "")
        }
        let whole = try check()
        #expect(whole.status == 0, "\(whole)")
        try remove("/etc/postern/ssh_host_fallback_key")
        #expect(try check().out.contains("/etc/postern/ssh_host_fallback_key: open("))
        try put(
            "/etc/postern/postern.conf",
            "Crypttab /etc/postern/crypttab\nHostKey /etc/postern/key.sealed\nFallbackHostKey none\n")
        #expect(try check().status == 0)
        try put("/etc/postern/key.sealed", "rubbish")
        #expect(
            try check().out.contains("/etc/postern/key.sealed: this is no key that the TPM alone opens; make another"))
    }

    struct Flaw: CustomTestStringConvertible, Sendable {
        let name: String
        let line: String
        let spoil: @Sendable (ImageCheckTests) throws -> Void
        var testDescription: String { name }
    }

    private static let temporary = FileManager.default.temporaryDirectory.path

    static let flaws = [
        Flaw(name: "no agent", line: "/usr/sbin/postern: the agent is not in the image") {
            try $0.remove("/usr/sbin/postern")
        },
        Flaw(name: "no configuration", line: "/etc/postern/postern.conf: open(") {
            try $0.remove("/etc/postern/postern.conf")
            try $0.put("/etc/crypttab", "root /dev/sda none luks\n")
            try FileManager.default.moveItem(
                at: $0.image.appending(path: "/etc/postern/key"),
                to: $0.image.appending(path: "/etc/postern/ssh_host_ed25519_key"))
        },
        Flaw(name: "no key", line: "/etc/postern/authorized_keys: there is no key that may log in") {
            try $0.put("/etc/postern/authorized_keys", "# none\n")
        },
        Flaw(name: "an open host key", line: "/etc/postern/key: others than root may read the host key") {
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o640], ofItemAtPath: $0.image.appending(path: "/etc/postern/key").path)
        },
        Flaw(name: "no key file", line: "/etc/postern/crypttab:2: the key file /etc/no.key of data is not in the image")
        {
            try $0.put(
                "/etc/postern/crypttab",
                "root UUID=11111111-2222-3333-4444-555555555555 none luks\ndata /dev/sdb /etc/no.key luks\n")
        },
        Flaw(name: "no header", line: "/etc/postern/crypttab:1: the header /etc/no.header of root is not in the image")
        {
            try $0.put("/etc/postern/crypttab", "root /dev/sda none luks,header=/etc/no.header\n")
        },
        Flaw(name: "an unknown option", line: "/etc/postern/crypttab:1: the option \"dicsard\" of \"root\"") {
            try $0.put("/etc/postern/crypttab", "root /dev/sda none luks,dicsard\n")
        },
        Flaw(name: "no dm-crypt", line: "/lib/modules/6.1.0-1: the module dm_crypt is not in the image") {
            try $0.remove("/usr/lib/modules/6.1.0-1/kernel/drivers/md/dm-crypt.ko")
        },
        Flaw(name: "no xts", line: "/lib/modules/6.1.0-1: the module xts is not in the image") {
            try $0.remove("/usr/lib/modules/6.1.0-1/kernel/crypto/xts.ko.xz")
        },
        Flaw(name: "no aes", line: "/lib/modules/6.1.0-1: the module aes is not in the image") {
            try $0.put("/usr/lib/modules/6.1.0-1/modules.builtin", "kernel/fs/ext4/ext4.ko\n")
        },
        Flaw(name: "half of what xts needs", line: "/lib/modules/6.1.0-1: the module xts is not in the image") {
            try $0.put("/usr/lib/modules/6.1.0-1/modules.dep", "kernel/crypto/xts.ko.xz: kernel/crypto/gone.ko.xz\n")
        },
        Flaw(name: "no modules", line: "/lib/modules: the image has no kernel modules") {
            try $0.remove("/usr/lib/modules")
        },
        Flaw(name: "no recorded UUID", line: "/etc/postern/crypttab:1: \(temporary)/") {
            try $0.put("/etc/postern/crypttab", "root \($0.materials.root) none luks\n")
        },
        Flaw(name: "another volume", line: "/etc/postern/crypttab:2: \(temporary)/") {
            try $0.put(
                "/etc/postern/crypttab",
                "root UUID=11111111-2222-3333-4444-555555555555 none luks\n"
                    + "data \($0.materials.old) none luks,x-postern.uuid=11111111-2222-3333-4444-555555555555\n")
        },
        Flaw(name: "a pipe", line: "/etc/postern/authorized_keys: ") {
            try $0.remove("/etc/postern/authorized_keys")
            try #require(mkfifo($0.image.appending(path: "/etc/postern/authorized_keys").path, 0o600) == 0)
            try $0.put("/etc/postern/more", try $0.materials.alice.line())
            try $0.put(
                "/etc/postern/postern.conf",
                "Crypttab /etc/postern/crypttab\nHostKey /etc/postern/key\n"
                    + "AuthorizedKeysFile /etc/postern/authorized_keys /etc/postern/more\n")
        },
    ]

    @Test(arguments: flaws)
    func `what is missing is named`(_ flaw: Flaw) throws {
        try expectNothingBut(flaw)
    }

    /// Spoils the image, and expects that to be all there is to say of it.
    @discardableResult
    private func expectNothingBut(_ flaw: Flaw, sourceLocation: SourceLocation = #_sourceLocation) throws -> Substring {
        try flaw.spoil(self)
        let end = try check()
        #expect(end.status == 1, "\(end)", sourceLocation: sourceLocation)
        let lines = end.out.split(separator: "\n")
        #expect(lines.count == 2, "\(end)", sourceLocation: sourceLocation)
        let finding = lines.first ?? ""
        #expect(finding.hasPrefix(flaw.line) && finding.contains("; "), "\(end)", sourceLocation: sourceLocation)
        #expect(
            lines.last == "/etc/postern/postern.conf: 1 finding in the image", "\(end)", sourceLocation: sourceLocation)
        return finding
    }

    /// What dracut's image has besides.
    private func becomeSystemds() throws {
        for file in [
            "systemd/systemd", "systemd/systemd-udevd", "systemd/systemd-networkd", "systemd/system/postern.service",
            "udev/rules.d/95-dm-notify.rules",
        ] { try put("/usr/lib/\(file)", "") }
        try put("/usr/bin/systemd-ask-password", "")
        let wants = image.appending(path: "/etc/systemd/system/sysinit.target.wants")
        try FileManager.default.createDirectory(at: wants, withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: wants.appending(path: "postern.service").path,
            withDestinationPath: "/usr/lib/systemd/system/postern.service")
        try put("/etc/crypttab", "root UUID=11111111-2222-3333-4444-555555555555 none luks\n")
        try put(
            "/etc/systemd/system/systemd-cryptsetup@root.service.d/postern.conf",
            "# Written by postern image.\n[Unit]\nAfter=postern.service\n"
                + "ConditionPathExists=!/run/postern/skip/root\n")
    }

    static let systemdFlaws = [
        Flaw(name: "no unit", line: "/usr/lib/systemd/system/postern.service: it is not in the image, and it starts") {
            try $0.remove("/usr/lib/systemd/system/postern.service")
        },
        Flaw(name: "not enabled", line: "/etc/systemd/system: postern.service is not enabled in the image") {
            try $0.remove("/etc/systemd/system/sysinit.target.wants/postern.service")
        },
        Flaw(
            name: "no order",
            line:
                "/etc/systemd/system/systemd-cryptsetup@root.service.d/postern.conf: systemd does not wait for Postern"
        ) { try $0.remove("/etc/systemd/system/systemd-cryptsetup@root.service.d/postern.conf") },
        Flaw(
            name: "an agent that does not stay",
            line: "/etc/systemd/system/postern.service.d/datasets.conf: Postern does not stay until ZFS asks for rpool/"
        ) {
            try $0.put(
                "/etc/postern/postern.conf",
                "Crypttab /etc/postern/crypttab\nHostKey /etc/postern/key\nDataset rpool/ROOT\n")
        },
        Flaw(name: "no fallback", line: "/etc/crypttab: without Postern nobody would ask for root") {
            try $0.put("/etc/crypttab", "# none\n")
        },
        Flaw(
            name: "a key volume without which the boot stops",
            line: "/etc/crypttab: without its key volume root holds up the boot"
        ) {
            try $0.put("/etc/crypttab", "root UUID=11111111-2222-3333-4444-555555555555 /key:LABEL=keys luks\n")
        },
        Flaw(name: "nothing to ask with", line: "/usr/bin/systemd-ask-password: it is not in the image") {
            try $0.remove("/usr/bin/systemd-ask-password")
        },
        Flaw(name: "no rules", line: "/usr/lib/udev/rules.d/95-dm-notify.rules: it is not in the image") {
            try $0.remove("/usr/lib/udev/rules.d/95-dm-notify.rules")
        },
        Flaw(name: "no network", line: "/usr/lib/systemd/systemd-networkd: it is not in the image, and it or another") {
            try $0.remove("/usr/lib/systemd/systemd-networkd")
        },
        Flaw(name: "no dm-crypt", line: "/lib/modules/6.1.0-1: the module dm_crypt is not in the image") {
            try $0.remove("/usr/lib/modules/6.1.0-1/kernel/drivers/md/dm-crypt.ko")
        },
    ]

    @Test(arguments: systemdFlaws)
    func `what an image with systemd lacks is named`(_ flaw: Flaw) throws {
        try becomeSystemds()
        let whole = try check()
        #expect(whole.status == 0, "\(whole)")
        #expect(try !expectNothingBut(flaw).contains("initramfs"))
    }

    @Test(arguments: ["rd.luks.name=11111111-2222-3333-4444-555555555555=root", "quiet luks.name=x=root ro"])
    func `what the kernel's command line has systemd ask for needs no line of crypttab`(words: String) throws {
        try becomeSystemds()
        try put("/etc/crypttab", "# none\n")
        #expect(try check().status == 1)
        try put("/etc/cmdline.d/90crypt.conf", "\(words)\n")
        let end = try check()
        #expect(end.status == 0, "\(end)")
    }

    @Test func `without a folder it ends with 2`() throws {
        #expect(try run(try Rehearsal.binary(), ["check", "--image", "/nowhere"], timeout: patience).status == 2)
        #expect(try run(try Rehearsal.binary(), ["check", "--image"], timeout: patience).status == 2)
    }
}
