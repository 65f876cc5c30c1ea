import Config
import ConfigFiles
import Foundation
import Glibc
import TestImages
import Testing

/// Whose reading of crypttab holds, and what is said of volumes that are left. The files lie in the tree of an initrd.
@Suite struct InitrdSystemTests {
    private let place: Workplace
    private var image: String { place.file("image") }

    init() throws {
        place = try Workplace()
        try put("etc/postern/postern.conf", "")
    }

    private func put(_ path: String, _ text: String) throws {
        try place.shell("mkdir -p \"$(dirname image/\(path))\"")
        try place.write("image/\(path)", Array(text.utf8))
    }

    /// What `postern check --image` reads there.
    private func read(_ crypttab: String, _ settings: String = "") throws -> Configuration {
        try put("etc/crypttab", crypttab)
        try put("etc/postern/postern.conf", settings)
        return Configuration(file: "/etc/postern/postern.conf", beneath: image)
    }

    /// The findings but for those about keys, which are missing here.
    private func findings(_ crypttab: String, _ settings: String = "") throws -> [String] {
        try read(crypttab, settings).findings.map(\.description)
            .filter { !$0.contains(" key") || $0.contains("random") }
    }

    @Test(
        arguments: [
            ("usr/lib/systemd/systemd", "", InitrdSystem.systemd),
            ("lib/systemd/systemd", "", .systemd),
            ("scripts/functions", "", .initramfsTools),
            ("init", "", .script),
            ("scripts/functions", "Initrd systemd", .systemd),
            ("scripts/functions", "Initrd script", .script),
            ("init", "Initrd SYSTEMD", .systemd),
            ("init", "Initrd busybox", .script),
        ])
    func `the tree tells who opens volumes, and Initrd outdoes it`(file: String, settings: String, system: InitrdSystem)
        throws
    {
        try put(file, "")
        let configuration = try read("root /dev/sda none luks\n", settings)
        #expect(configuration.settings.initrd == system)
        let said = configuration.findings.map(\.description).filter { $0.contains("Initrd") }
        let expected: [String: String] = [
            "Initrd systemd":
                "/etc/postern/postern.conf: Initrd is systemd, and this looks like initramfs-tools; remove the line",
            "Initrd busybox":
                "/etc/postern/postern.conf:1: Initrd \"busybox\" is not understood, and the line is left out; "
                + "write initramfs-tools, systemd or script",
        ]
        #expect(said == expected[settings].map { [$0] } ?? [])
    }

    @Test func `in a systemd initrd a key of the volume's name is its key, first of /etc and then of /run`() throws {
        try put("usr/lib/systemd/systemd", "")
        try put("etc/cryptsetup-keys.d/both.key", "a")
        try put("run/cryptsetup-keys.d/both.key", "b")
        try put("run/cryptsetup-keys.d/late.key", "c")
        try put("etc/cryptsetup-keys.d/own.key", "d")
        try put("etc/cryptsetup-keys.d/taken.key", "e")
        let crypttab = """
            both /dev/sda none luks,keyfile-offset=4,keyfile-size=8
            late /dev/sdb - luks
            own /dev/sdc /etc/own luks,keyfile-offset=4
            none /dev/sdd none luks

            """
        let keys: [KeySpec] = [
            .file(path: "/etc/cryptsetup-keys.d/both.key"), .file(path: "/run/cryptsetup-keys.d/late.key"),
            .file(path: "/etc/own"), .ask,
        ]
        let entries = try read(crypttab).crypttab.entries
        #expect(entries.map(\.key) == keys)
        // It is read whole.
        #expect(entries.map(\.options.keyfileOffset) == [0, 0, 4, 0])
        #expect(entries[0].options.keyfileSize == nil)
        for system in ["initramfs-tools", "script"] {
            #expect(try read(crypttab, "Initrd \(system)").crypttab.entries.map(\.key) == [.ask, .ask, keys[2], .ask])
        }
    }

    @Test func `a socket in its place is systemd's to ask, and the volume watched, unless it is taken or left`() throws
    {
        try put("usr/lib/systemd/systemd", "")
        try put("run/cryptsetup-keys.d/other.key", "")
        #expect(mkfifo("\(image)/run/cryptsetup-keys.d/root.key", 0o600) == 0)
        let crypttab = "root /dev/sda none luks\n"
        #expect(try findings(crypttab) == [])
        #expect(
            try findings(crypttab, "Volume root leave") == [
                "/etc/crypttab: Postern has nothing to open: every volume is left to the native opener; write Volume "
                    + "NAME take in /etc/postern/postern.conf for one that a passphrase opens"
            ])
        #expect(try findings(crypttab, "Volume root take") == [])
    }

    @Test(
        arguments: [
            ("usr/lib/systemd/systemd", "a /dev/a none luks,swap", "", ["nothing to open"]),
            ("scripts/x", "a /dev/a none luks,swap", "", []),
            ("init", "a /dev/a none luks,swap", "", ["nothing to open"]),
            (
                "scripts/x", "a /dev/a none luks\nb /dev/b /dev/urandom swap", "Volume b take",
                ["Volume b take is without effect: random key volumes belong to the native opener; remove the line"]
            ),
            (
                "init", "a /dev/a none luks\nb /dev/b none plain", "Volume b take",
                ["Volume b take is without effect: plain volumes belong to the native opener; remove the line"]
            ),
            (
                "init", "a /dev/a none luks\nb /dev/b none header=/h:LABEL=x", "Volume b take",
                ["Volume b take is without effect: its header lies on another volume; remove the line"]
            ),
            ("usr/lib/systemd/systemd", "a /dev/a none tpm2-device=auto", "", []),
            ("usr/lib/systemd/systemd", "a /dev/a none tpm2-device=auto,headless", "", ["nothing to open"]),
            ("usr/lib/systemd/systemd", "a /dev/a none luks", "Volume a fallback", []),
            (
                "usr/lib/systemd/systemd", "a /dev/a none luks\nb /dev/b none headless", "Volume b fallback",
                ["Volume b fallback is without effect: its line has headless; remove the line"]
            ),
            (
                "usr/lib/systemd/systemd", "a /dev/a none luks\nb /dev/b none header=/h:LABEL=x", "Volume b fallback",
                ["Volume b fallback is without effect: "]
            ),
            (
                "scripts/x", "a /dev/a none luks\nb /dev/b none luks", "Volume b fallback",
                ["Volume b fallback is without effect: no systemd runs this initrd; remove the line"]
            ),
            ("usr/lib/systemd/systemd", "", "Dataset rpool/ROOT", []),
            (
                "usr/lib/systemd/systemd", "rpool /dev/a none luks", "Dataset rpool",
                ["Dataset rpool is without effect: a volume has this name; give the volume another name"]
            ),
            (
                "scripts/x", "a /dev/a none luks", "Dataset rpool/ROOT",
                ["Dataset rpool/ROOT is without effect: no systemd runs this initrd; remove the line"]
            ),
            ("usr/lib/systemd/systemd", "a /dev/a none tpm2-device=auto", "Volume a take", []),
            ("scripts/x", "a /dev/a none tpm2-device=auto", "", []),
            ("scripts/x", "a /dev/a none keyscript=passdev", "", ["nothing to open"]),
            ("usr/lib/systemd/systemd", "a /dev/a none keyscript=passdev", "", []),
            (
                "init", "a /dev/a none luks\nb /dev/b none noauto", "Volume b take",
                ["Volume b take is without effect: its line has noauto; remove the line"]
            ),
            ("init", "a /dev/a none luks", "Volume a leave", ["nothing to open"]),
            ("usr/lib/systemd/systemd", "a /dev/a none luks,noauto", "", ["nothing to open"]),
            ("usr/lib/systemd/systemd", "a /dev/a none luks,noauto,auto", "", []),
            ("scripts/x", "a /dev/a none luks,noauto,initramfs", "", []),
            ("init", "", "", ["there is no volume to open"]),
        ])
    func `a volume that is taken in vain, and nothing left to open, are findings`(
        file: String, crypttab: String, settings: String, expected: [String]
    ) throws {
        try put(file, "")
        let said = try findings(crypttab + "\n", settings)
        #expect(said.count == expected.count, "\(said)")
        for (finding, part) in zip(said, expected) { #expect(finding.contains(part), "\(said)") }
    }
}
