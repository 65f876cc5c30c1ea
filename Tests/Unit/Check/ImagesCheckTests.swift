import Config
import ConfigFiles
import Foundation
import Repository
import TestPeers
import Testing

@testable import Check

/// `postern check` finds what would keep the next boot from being unlocked, in the machine's files and in its images.
@Suite struct ImagesCheckTests {
    /// What is done to a healthy machine, and what is found then.
    struct Fault: Sendable, CustomTestStringConvertible {
        let name: String
        /// The finding begins with this.
        let subject: String
        let texts: [String]
        var isNotice = false
        let make: @Sendable (MadeMachine) throws -> Void

        var testDescription: String { name }
    }

    private static let image = "/boot/initrd.img-6.1.0-1"
    private static let again = "; build the image again, with: update-initramfs -u -k 6.1.0-1"
    private static let keys = "/etc/postern/authorized_keys"

    private func check(_ made: MadeMachine) -> CheckReport {
        let configuration = Configuration(file: made.machine.file, beneath: made.machine.root)
        var (report, volumes) = CheckCommand.look(made.machine, configuration)
        let images = ImagesCheck(made.machine, known: report, volumes: volumes.map { $0.facts }, until: nil)
        report.add(findings: images.report.findings, notices: images.report.notices)
        return report
    }

    /// Of the volume's device nobody knows here.
    private func notices(_ report: CheckReport) -> [Finding] {
        report.notices.filter { !$0.problem.hasSuffix("is not there now") }
    }

    @Test func `a healthy machine with two kernels has no findings`() throws {
        let made = try MadeMachine()
        try made.build("6.1.0-2")
        try made.put("menuentry {\n\tinitrd\t/initrd.img-6.1.0-2\n}\n", at: "/boot/grub/grub.cfg")
        // What a package manager leaves there.
        try made.put("", at: "/boot/initrd.img-6.1.0-1.old")
        try made.put("", at: "/boot/initrd.img-5.10.0-9")
        let report = check(made)
        #expect(report.findings.isEmpty && notices(report).isEmpty, "\(report)")
    }

    /// Options for argon2id with 64 MiB, and for PBKDF2, with no more work than there must be.
    private static let argon2 = "--pbkdf argon2id --pbkdf-memory 65536 --pbkdf-parallel 1 --pbkdf-force-iterations 4"
    private static let pbkdf2 = "--pbkdf pbkdf2 --pbkdf-force-iterations 1000"

    @Test(arguments: [argon2, pbkdf2])
    func `a healthy machine whose volume is there has nothing to be said of it`(options: String) throws {
        let made = try MadeMachine()
        try made.put("MemTotal:       262144 kB\n", at: "/proc/meminfo")
        try made.format(options)
        let report = check(made)
        #expect(report.findings.isEmpty && report.notices.isEmpty, "\(report)")
        let configuration = Configuration(file: made.machine.file, beneath: made.machine.root)
        let line = try #require(CheckCommand.look(made.machine, configuration).volumes.first).line
        let memory = options == ImagesCheckTests.argon2 ? ", 64 MiB to open a key slot" : ""
        #expect(line == "root: Postern opens it; LUKS2, aes-xts-plain64\(memory); a passphrase is asked for")
    }

    @Test(arguments: [
        ("root /gone none luks", "root: Postern opens it; its device is not to be seen; a passphrase is asked for"),
        (
            "swap /gone /dev/urandom swap",
            "swap: left to the native opener, for swap volumes belong to the native opener"
        ),
        (
            "tpm /gone none luks,tpm2-device=auto",
            "tpm: left to the native opener, for tpm2-device= opens it without a person"
        ),
        ("own /gone none luks", "own: left to the native opener, for postern.conf leaves it to the native opener"),
        ("late /gone none luks,noauto", "late: not opened at boot, for its line has noauto"),
    ])
    func `who opens a volume is said with the reason`(entry: String, line: String) throws {
        let made = try MadeMachine()
        try made.append("Volume own leave\n", to: MadeMachine.conf)
        try made.put(MadeMachine.root.replacing("root", with: "first") + entry + "\n", at: "/etc/crypttab")
        let configuration = Configuration(file: made.machine.file, beneath: made.machine.root)
        let volumes = CheckCommand.look(made.machine, configuration).volumes
        #expect(volumes.count == 2 && volumes.last?.line == line, "\(volumes.map(\.line))")
    }

    @Test func `a missing driver of a card is said once`() throws {
        let made = try MadeMachine()
        let card = made.machine.root + "/sys/devices/pci0/0000:02:00.0"
        let links = [
            ("/sys/drivers/r8169/module", made.machine.root + "/sys/module/r8169"),
            ("/sys/class/net/eno1/device", card),
            ("/sys/devices/pci0/0000:02:00.0/driver", made.machine.root + "/sys/drivers/r8169"),
        ]
        try made.put("", at: "/sys/module/r8169/refcnt")
        for (path, target) in links {
            try made.put("", at: path + "/x")
            try made.remove(path)
            try FileManager.default.createSymbolicLink(
                atPath: made.machine.root + path, withDestinationPath: target)
        }
        try FileManager.default.createDirectory(atPath: card, withIntermediateDirectories: true)
        try made.put(
            "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n"
                + "eno1\t00000000\t010200C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n", at: "/proc/net/route")
        try made.build("6.1.0-2")
        let configuration = Configuration(file: made.machine.file, beneath: made.machine.root)
        let images = ImagesCheck(made.machine, known: CheckReport(), network: configuration, until: nil).report
        let lines = images.findings.map(\.description)
        // The other image has nothing of the network looked at but this.
        #expect(lines.count { $0.contains("module r8169") && $0.contains("6.1.0-2") } == 1, "\(lines)")
        #expect(lines.count { $0.contains("module r8169") && $0.contains("6.1.0-1") } == 1, "\(lines)")
        #expect(lines.count == 2, "\(lines)")
    }

    @Test(arguments: faults)
    func `each fault is found, with what to do about it`(fault: Fault) throws {
        let made = try MadeMachine()
        try fault.make(made)
        let report = check(made)
        let lines = (fault.isNotice ? notices(report) : report.findings).map { $0.description }
        #expect(lines.count == 1, "\(report)")
        let line = try #require(lines.first)
        #expect(line.hasPrefix(fault.subject) && fault.texts.allSatisfy { line.contains($0) }, "\(line)")
        #expect(fault.isNotice ? report.findings.isEmpty : notices(report).isEmpty, "\(report)")
    }

    private static let faults = [
        Fault(
            name: "configuration changed", subject: image + ":/etc/postern/postern.conf: ",
            texts: ["built before /etc/postern/postern.conf was changed", again]
        ) { try $0.append("MaxAuthTries 3\n", to: MadeMachine.conf) },
        Fault(
            name: "line of crypttab changed", subject: image + ":/etc/postern/crypttab:2: ",
            texts: ["the line of root is not what the machine's crypttab says now", again]
        ) { try $0.put(MadeMachine.root.replacing("luks", with: "luks,tries=2"), at: "/etc/crypttab") },
        Fault(
            name: "line of crypttab added", subject: image + ":/etc/postern/crypttab: ",
            texts: ["the image does not know the volume data", again]
        ) { try $0.append("data PARTLABEL=data none luks,initramfs\n", to: "/etc/crypttab") },
        Fault(
            name: "line of crypttab removed", subject: image + ":/etc/postern/crypttab:3: ",
            texts: ["has no volume data any more", again]
        ) { made in
            try made.append(
                "data UUID=11111111-2222-3333-4444-666666666666 none luks,initramfs\n", to: "/etc/crypttab")
            try made.build("6.1.0-1")
            try made.put(MadeMachine.root, at: "/etc/crypttab")
        },
        Fault(name: "key added", subject: keys + ":2: ", texts: ["the image does not know this key", again]) {
            try $0.append(try $0.newLine(), to: keys)
        },
        Fault(
            name: "key removed", subject: image + ":" + keys + ":2: ",
            texts: ["does not admit any more: SHA256:", again]
        ) { made in
            let before = try made.text(keys)
            try made.append(try made.newLine(), to: keys)
            try made.build("6.1.0-1")
            try made.put(before, at: keys)
        },
        Fault(name: "options of a key changed", subject: keys + ":1: ", texts: ["with other options", again]) {
            try $0.put("from=\"192.0.2.0/24\" " + $0.text(keys), at: keys)
        },
        Fault(
            name: "host key replaced", subject: "/etc/postern/key: ",
            texts: ["the image has another host key of this name", again]
        ) { try $0.put(try $0.newKey(), at: "/etc/postern/key") },
        Fault(
            name: "agent of another version", subject: image + ":/usr/sbin/postern: ",
            texts: ["another version than /usr/lib/postern/postern-initrd", again]
        ) { try $0.put("newer agent", at: "/usr/lib/postern/postern-initrd") },
        Fault(
            name: "another kernel's image without the agent", subject: "/boot/initrd.img-6.1.0-10: ",
            texts: ["the agent is not in the image", "update-initramfs -u -k 6.1.0-10"]
        ) { try $0.build("6.1.0-10", without: "/usr/sbin/postern", "/etc/postern/postern.conf") },
        Fault(
            name: "module missing", subject: image + ":/lib/modules/6.1.0-1: ",
            texts: ["the module dm_crypt is not in the"]
        ) { try $0.build("6.1.0-1", without: "/usr/lib/modules/6.1.0-1/kernel/drivers/md/dm-crypt.ko") },
        Fault(name: "damaged image", subject: image + ": ", texts: ["cannot be unpacked", again]) {
            let file = $0.image("6.1.0-1")
            try Data(try Data(contentsOf: URL(filePath: file)).prefix(400)).write(to: URL(filePath: file))
        },
        Fault(
            name: "kernel without an image", subject: "/boot: ",
            texts: ["Linux 6.1.0-2 has no image", "update-initramfs -u -k 6.1.0-2"]
        ) { try $0.put("", at: "/boot/vmlinuz-6.1.0-2") },
        Fault(name: "no image", subject: "/boot: ", texts: ["no image is here", "update-initramfs -u -k all"]) {
            try $0.remove(image)
        },
        Fault(
            name: "boot loader without its image", subject: "/boot/initrd.img-6.1.0-0: ",
            texts: ["the default entry of GRUB's menu", "it is not there", "update-grub"]
        ) {
            try $0.put(
                "menuentry x {\ninitrd /boot/initrd.img-6.1.0-0\n}\nmenuentry y {\ninitrd /boot/initrd.img-6.1.0-1\n}\n",
                at: "/boot/grub/grub.cfg")
        },
        Fault(
            name: "boot loader with an old image", subject: image + ": ",
            texts: ["/boot/initrd.img-6.1.0-2 is newer", "update-grub"], isNotice: true
        ) {
            try $0.build("6.1.0-2")
            try $0.put("menuentry x {\n  initrd /initrd.img-6.1.0-1\n}\n", at: "/boot/grub/grub.cfg")
        },
        Fault(
            name: "image for all to read", subject: image + ": ", texts: ["others than root may read", "chmod 600"],
            isNotice: true
        ) {
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o644], ofItemAtPath: $0.image("6.1.0-1"))
        },
        Fault(
            name: "host key for all to read", subject: "/etc/postern/key: ", texts: ["others than root", "chmod 600"]
        ) {
            try $0.put(try $0.text("/etc/postern/key"), at: "/etc/postern/key", mode: 0o640)
        },
        Fault(
            name: "host key of the system", subject: "/etc/postern/key: ",
            texts: ["the system's own host key", "postern hostkey --new"]
        ) { try $0.put(try $0.text("/etc/postern/key"), at: "/etc/ssh/ssh_host_ed25519_key") },
        Fault(name: "expired key", subject: keys + ":1: ", texts: ["has expired", "2001-02-03 04:05:00 UTC"]) {
            try $0.put("expiry-time=\"200102030405Z\" " + $0.newLine() + $0.text(keys), at: keys)
            try $0.build("6.1.0-1")
        },
        Fault(name: "key that expires soon", subject: keys + ":1: ", texts: ["the key expires at "], isNotice: true) {
            let format = DateFormatter()
            format.locale = Locale(identifier: "en_US_POSIX")
            format.timeZone = TimeZone(identifier: "UTC")
            format.dateFormat = "yyyyMMddHHmmss"
            let time = format.string(from: Date(timeIntervalSinceNow: 29 * 86400))
            try $0.put("expiry-time=\"\(time)Z\" " + $0.text(keys), at: keys)
            try $0.build("6.1.0-1")
        },
        Fault(name: "no key that may unlock", subject: keys + ": ", texts: ["no key may unlock", "command=\"unlock\""])
        {
            try $0.put("command=\"status\" " + $0.text(keys), at: keys)
            try $0.build("6.1.0-1")
        },
        Fault(name: "weak key", subject: keys + ":2: ", texts: ["the RSA key has 1024 bits", ";"]) {
            try $0.append(try $0.newLine(type: "rsa", bits: 1024), to: keys)
            try $0.build("6.1.0-1")
        },
        Fault(
            name: "key slot that takes more memory than there is", subject: "/etc/crypttab:1: ",
            texts: [
                "the key slot 0 of root takes 64 MiB of memory to open, and this machine has 32 MiB; ",
                "cryptsetup luksConvertKey --key-slot 0 --pbkdf argon2id --pbkdf-memory 16384 ",
            ]
        ) {
            try $0.put("MemTotal:       32768 kB\n", at: "/proc/meminfo")
            try $0.format(argon2)
        },
        Fault(
            name: "key slot that takes more memory than the image leaves", subject: image + ": ",
            texts: [
                "the key slot 0 of root takes 64 MiB of memory to open", "with this image unpacked", "luksConvertKey",
            ]
        ) {
            try $0.put("MemTotal:       65540 kB\n", at: "/proc/meminfo")
            try $0.format(argon2)
        },
        Fault(
            name: "empty key slot", subject: "/etc/crypttab:1: ",
            texts: ["the key slot 5 of root is empty", "correct key-slot="]
        ) { try $0.format(pbkdf2, more: ",key-slot=5") },
        Fault(
            name: "header of another UUID", subject: "/etc/crypttab:1: ",
            texts: ["will be refused: its LUKS UUID is ", "and not 11111111-2222-3333-4444-555555555555"]
        ) { try $0.format(pbkdf2, more: ",x-postern.uuid=11111111-2222-3333-4444-555555555555") },
        Fault(
            name: "root without a line", subject: "/etc/crypttab: ",
            texts: ["the boot needs the volume other, which has no line here", "add its line"]
        ) { try $0.put("#!/bin/sh\necho other\n", at: "/usr/share/postern/volumes-needed", mode: 0o755) },
        Fault(name: "key from nowhere", subject: keys + ":1: ", texts: ["from= shuts out every address"]) {
            try $0.put("from=\"192.0.2.1,!192.0.2.0/24\" " + $0.newLine() + $0.text(keys), at: keys)
            try $0.build("6.1.0-1")
        },
    ]

    @Test(arguments: [
        ("/etc/NIXOS", "initrd ($drive1)//kernels/abc-initrd-linux-6.1-initrd"),
        ("/boot/loader/entries/a.conf", "initrd /initrd.img-5.10.0-1"), ("/etc/other", "initrd /slackware/initrd.gz"),
    ])
    func `a menu of GRUB's that names no image of this machine's builder is passed over`(
        file: String, line: String
    ) throws {
        let made = try MadeMachine()
        try made.put("", at: file)
        try made.put("menuentry x {\n\(line)\n}\n", at: "/boot/grub/grub.cfg")
        let report = check(made)
        // Into the images of NixOS nobody looks.
        let isLookedAt = notices(report).allSatisfy { !$0.problem.contains("is not looked at") }
        #expect(report.findings.isEmpty && isLookedAt == (file != "/etc/NIXOS"), "\(report)")
        #expect(notices(report).count == (isLookedAt ? 0 : 1), "\(report)")
    }

    @Test func `an image is unpacked into a folder that is removed again`() throws {
        let made = try MadeMachine()
        let tool = try #require(UnpackedImage.Tool(prefersDracut: false))
        var seen: String?
        var mode: Int?
        try UnpackedImage.with(made.image("6.1.0-1"), tool, seconds: 60) { tree, folder in
            seen = folder
            mode = (try? FileManager.default.attributesOfItem(atPath: folder))?[.posixPermissions] as? Int
            #expect(FileManager.default.fileExists(atPath: tree + "/etc/postern/postern.conf"))
        }
        #expect(mode == 0o700)
        #expect(!FileManager.default.fileExists(atPath: try #require(seen)))
        #expect(throws: UnpackedImage.Failure.tookTooLong) {
            try UnpackedImage.with(made.image("6.1.0-1"), tool, seconds: 0) { _, _ in }
        }
    }

    @Test func `stripping a program makes no other version of it`() throws {
        let folder = try TemporaryFolder()
        let program = try #require(
            FileManager.default.contents(atPath: Repository.path(".build-initrd/postern-initrd")))
        try program.write(to: URL(filePath: folder.path("program")))
        #expect(try run("strip", ["-g", "-o", folder.path("stripped"), folder.path("program")]).status == 0)
        let stripped = try #require(FileManager.default.contents(atPath: folder.path("stripped")))
        #expect(stripped != program)
        #expect(AgentBinary(Array(stripped)) == AgentBinary(Array(program)))
        var changed = Array(stripped)
        changed[4096] ^= 1
        #expect(AgentBinary(changed) != AgentBinary(Array(program)))
    }

    @Test(arguments: [("6.1.0-10", "6.1.0-9"), ("6.12.1", "6.9"), ("6.1.0-1-amd64", "6.1.0-1")])
    func `versions of kernels are compared by their numbers`(newer: String, older: String) {
        #expect(BootFolder.isNewer(newer, than: older) && !BootFolder.isNewer(older, than: newer))
        #expect(!BootFolder.isNewer(newer, than: newer))
    }

    @Test func `a report is one object of JSON`() throws {
        var report = CheckReport()
        report.add("/etc/a\"b", 3, "problem", remedy: "remedy")
        report.addNotice("eth0", 0, "one", remedy: "two")
        struct Item: Decodable, Equatable { let file, problem, remedy: String, line: Int }
        struct Object: Decodable { let findings, notices: [Item] }
        let object = try JSONDecoder().decode(Object.self, from: Data(report.json([]).utf8))
        #expect(object.findings == [Item(file: "/etc/a\"b", problem: "problem", remedy: "remedy", line: 3)])
        #expect(object.notices == [Item(file: "eth0", problem: "one", remedy: "two", line: 0)])
    }
}
