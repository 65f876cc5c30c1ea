import Config
import ConfigFiles
import Foundation
import Testing

@testable import Check

/// What `postern check` says of the image that systemd-boot starts next.
@Suite struct LoaderTests {
    private static let entries = "/boot/loader/entries/"

    /// A machine that systemd-boot starts: two entries of one kernel, whose images are good.
    private static func made() throws -> MadeMachine {
        let made = try MadeMachine()
        try made.put("", at: "/boot/EFI/systemd/systemd-bootx64.efi")
        try made.put("#default x\ntimeout 3\n", at: "/boot/loader/loader.conf")
        try made.putVariable("LoaderInfo", "systemd-boot 257")
        try entry(made, "made-6.1.0-1", image: "/initrd.img-6.1.0-1", "version 6.1.0-1")
        return made
    }

    private static func entry(_ made: MadeMachine, _ name: String, image: String?, _ more: String = "") throws {
        let initrd = image.map { "initrd  \($0)\n" } ?? ""
        try made.put(
            "title Made\nlinux /vmlinuz-6.1.0-1\n\(initrd)options root=/dev/sda1\n\(more)\n",
            at: "\(entries)\(name).conf")
    }

    /// An image without the agent, and the entry that starts it.
    private static func addOld(_ made: MadeMachine, _ name: String = "an-old-one") throws {
        try made.put("", at: "/boot/kept/initrd")
        try made.pack("6.0.0-1", without: ["/usr/sbin/postern"], into: made.machine.root + "/boot/kept/initrd")
        try entry(made, name, image: "/kept/initrd", "version 6.0.0-1")
    }

    private func check(_ made: MadeMachine) -> (findings: [String], notices: [String]) {
        let configuration = Configuration(file: made.machine.file, beneath: made.machine.root)
        let (report, _) = CheckCommand.look(made.machine, configuration)
        let images = ImagesCheck(made.machine, known: report, until: nil).report
        return (images.findings.map(\.description), images.notices.map(\.description))
    }

    /// What is done to a machine, and what is found then.
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        /// The finding begins with this; `nil` for none.
        var subject: String?
        var texts: [String] = []
        var isNotice = false
        let make: @Sendable (MadeMachine) throws -> Void

        var testDescription: String { name }
    }

    private static let ours = "0123456789abcdef0123456789abcdef"
    private static let theirs = "fedcba9876543210fedcba9876543210"

    /// An image without the agent in a folder that has another machine's ID for its name.
    private static func addOther(_ made: MadeMachine, _ name: String, _ line: String = "", entry: Bool = true) throws {
        let folder = "/\(theirs)/6.0-\(name)"
        for file in ["linux", "initrd"] { try made.put("", at: "/boot\(folder)/\(file)") }
        try made.pack(
            "6.0-\(name)", without: ["/usr/sbin/postern"], into: made.machine.root + "/boot\(folder)/initrd")
        guard entry else { return }
        try made.put(
            "title Other\nversion 6.0-\(name)\nlinux \(folder)/linux\ninitrd \(folder)/initrd\n\(line)\n",
            at: "\(entries)\(name).conf")
    }

    private static let old = "/boot/kept/initrd: "
    private static let isStarted = [
        "the agent is not in the image", "systemd-boot starts it next, by \(entries)an-old",
    ]

    private static let cases = [
        Case(name: "healthy") { _ in },
        Case(name: "an old image that is not started") { try addOld($0) },
        Case(name: "an old image by loader.conf", subject: old, texts: isStarted) {
            try addOld($0)
            try $0.put("default  An-old*\n", at: "/boot/loader/loader.conf")
        },
        Case(name: "an old image by the firmware's variable", subject: old, texts: isStarted) {
            try addOld($0)
            try $0.putVariable("LoaderEntryDefault", "an-old-one.conf")
        },
        Case(name: "an old image, once", subject: old, texts: isStarted) {
            try addOld($0)
            try $0.put("default made*\n", at: "/boot/loader/loader.conf")
            try $0.putVariable("LoaderEntryDefault", "made-6.1.0-1.conf")
            try $0.putVariable("LoaderEntryOneShot", "an-old-one.conf")
        },
        Case(name: "an old image that was started last", subject: old, texts: isStarted) {
            try addOld($0)
            try $0.put("default @saved\n", at: "/boot/loader/loader.conf")
            try $0.putVariable("LoaderEntryLastBooted", "an-old-one.conf")
        },
        Case(name: "an old image by its sort key", subject: old, texts: isStarted) {
            try addOld($0)
            try $0.append("sort-key zzz\n", to: entries + "an-old-one.conf")
        },
        Case(name: "an old image whose tries are over") {
            try addOld($0, "z-old-one+0-3")
        },
        Case(name: "an old image by its name", subject: old, texts: ["by \(entries)z-old-one+2-1.conf"]) {
            try addOld($0, "z-old-one+2-1")
        },
        Case(name: "an entry of an image that GRUB would start") {
            try addOld($0)
            try $0.put("default an-old*\n", at: "/boot/loader/loader.conf")
            try $0.putVariable("LoaderInfo", "GRUB 2.12")
        },
        Case(
            name: "an entry whose image has gone", subject: "\(entries)z.conf: ",
            texts: ["its image /boot/gone is not there"]
        ) { try entry($0, "z", image: "/gone", "version 6.1.0-1") },
        Case(name: "an entry without an image", subject: "\(entries)z.conf: ", texts: ["has no initrd"]) {
            try entry($0, "z", image: nil)
        },
        Case(name: "an entry whose kernel has gone") {
            try $0.put("linux /gone\ninitrd /gone\n", at: entries + "z.conf")
        },
        Case(
            name: "an older kernel with a good image", subject: "\(entries)z.conf: ",
            texts: ["/boot/initrd.img-6.1.0-2 is newer"], isNotice: true
        ) {
            try $0.build("6.1.0-2")
            try entry($0, "z", image: "/initrd.img-6.1.0-1", "version 6.1.0-1")
        },
        Case(name: "one file with its kernel") { try $0.unify("/efi/EFI/Linux/made.efi", "6.1.0-3") },
        Case(
            name: "one file with its kernel and without the agent", subject: "/efi/EFI/Linux/made-2.efi: ",
            texts: ["the agent is not in the image: Linux 6.1.0-3", "systemd-boot starts it next; "]
        ) {
            try $0.unify("/efi/EFI/Linux/made-1.efi", "6.1.0-3")
            try $0.unify("/efi/EFI/Linux/made-2.efi", "6.1.0-3", without: "/usr/sbin/postern")
        },
        Case(
            name: "the newest system's file without the agent", subject: "/boot/EFI/Linux/a.efi: ",
            texts: ["the agent is not in the image", "systemd-boot starts it next"]
        ) {
            try $0.unify("/boot/EFI/Linux/b.efi", "6.1.0-3", release: "ID=made\nVERSION_ID=9\n")
            try $0.unify(
                "/boot/EFI/Linux/a.efi", "6.1.0-3", release: "ID=made\nVERSION_ID=\"10\"\n",
                without: "/usr/sbin/postern")
        },
        Case(
            name: "one file whose image is no archive", subject: "/boot/EFI/Linux/a.efi: ",
            texts: ["cannot be unpacked"]
        ) {
            try $0.unify("/boot/EFI/Linux/a.efi", "6.1.0-3")
            let file = $0.machine.root + "/boot/EFI/Linux/a.efi"
            try Data(try Data(contentsOf: URL(filePath: file)).prefix(1600)).write(to: URL(filePath: file))
        },
        Case(
            name: "one file that an entry names, without the agent", subject: "/boot/kept/all.efi: ",
            texts: ["the agent is not in the image", "systemd-boot starts it next"]
        ) {
            try $0.unify("/boot/kept/all.efi", "6.1.0-3", without: "/usr/sbin/postern")
            try $0.put("title All\nlinux /kept/all.efi\n", at: entries + "z.conf")
        },
        Case(name: "another system's file") {
            try $0.put("ID=\"made\"\nVERSION_ID=1\n", at: "/usr/lib/os-release")
            try $0.unify("/boot/EFI/Linux/z.efi", "6.1.0-3")
            try $0.unify("/boot/EFI/Linux/other.efi", "6.9.1", release: "ID=other\n", without: "/usr/sbin/postern")
        },
        Case(
            name: "another system's file that is started", subject: "/boot/EFI/Linux/other.efi: ",
            texts: ["the agent is not in the image", "systemd-boot starts it next"]
        ) {
            try $0.put("ID=made\n", at: "/etc/os-release")
            try $0.unify("/boot/EFI/Linux/other.efi", "6.9.1", release: "ID=other\n", without: "/usr/sbin/postern")
            try $0.putVariable("LoaderEntryDefault", "other.efi")
        },
        Case(
            name: "a file of this system's family under another image's name, with the modules here",
            subject: "/boot/EFI/Linux/a.efi: ", texts: ["the agent is not in the image"]
        ) {
            try $0.put("ID=made\nIMAGE_ID=ours\n", at: "/etc/os-release")
            try $0.put("", at: "/lib/modules/6.0.0-1/modules.dep")
            try $0.unify("/boot/EFI/Linux/z.efi", "6.1.0-3", release: "ID=made\nIMAGE_ID=ours\n")
            try $0.unify("/boot/EFI/Linux/a.efi", "6.0.0-1", without: "/usr/sbin/postern")
        },
        Case(name: "another machine's file of the same system") {
            try $0.put("ID=made\n", at: "/etc/os-release")
            try $0.put(ours + "\n", at: "/etc/machine-id")
            try $0.unify("/boot/EFI/Linux/\(ours)-6.1.0-3.efi", "6.1.0-3")
            try $0.putVariable("LoaderEntryDefault", "\(ours)-6.1.0-3.efi")
            try $0.unify("/boot/EFI/Linux/\(theirs)-6.1.0-3.efi", "6.1.0-3", without: "/usr/sbin/postern")
        },
        Case(name: "another machine's entry and images") {
            try $0.put(ours + "\n", at: "/etc/machine-id")
            try $0.putVariable("LoaderEntryDefault", "made-6.1.0-1.conf")
            try addOther($0, "a", "machine-id \(theirs)")
            try addOther($0, "b", entry: false)
        },
        Case(name: "another system's entry and image") {
            try $0.put("ID=made\n", at: "/etc/os-release")
            try $0.putVariable("LoaderEntryDefault", "made-6.1.0-1.conf")
            try addOther($0, "a", "sort-key other")
        },
        Case(
            name: "an own entry that is sorted by another key", subject: "/boot/\(theirs)/6.0-a/initrd: ",
            texts: ["the agent is not in the image"]
        ) {
            try $0.put("ID=made\n", at: "/etc/os-release")
            try $0.put("", at: "/lib/modules/6.0-a/modules.dep")
            try $0.putVariable("LoaderEntryDefault", "made-6.1.0-1.conf")
            try addOther($0, "a", "sort-key 10-mine")
        },
        Case(
            name: "the only image, of a machine that got another ID", subject: "/boot/\(theirs)/6.0-a/initrd: ",
            texts: ["the agent is not in the image"]
        ) {
            try $0.put(ours + "\n", at: "/etc/machine-id")
            try $0.remove("/boot")
            try $0.put("", at: "/boot/grub/grub.cfg")
            try addOther($0, "a", "machine-id \(theirs)")
        },
        Case(name: "another system") {
            try $0.put("", at: "/boot/EFI/other.efi")
            try $0.put("title Other\nefi /EFI/other.efi\n", at: entries + "z.conf")
        },
        Case(name: "a program for EFI that is no kernel") {
            try $0.put("MZ", at: "/boot/EFI/Linux/z.efi")
            try $0.put(String(repeating: "MZ", count: 9000), at: "/boot/EFI/Linux/y.efi")
        },
    ]

    @Test(arguments: cases)
    func `what is started next has the agent, or a finding`(one: Case) throws {
        let made = try LoaderTests.made()
        try one.make(made)
        let (findings, notices) = check(made)
        guard let subject = one.subject else {
            #expect(!findings.contains { $0.contains("systemd-boot") } && notices.isEmpty, "\(findings) \(notices)")
            #expect(findings.allSatisfy { $0.hasPrefix("/boot/kept/initrd: ") }, "\(findings)")
            return
        }
        let lines = one.isNotice ? notices : findings
        #expect(lines.count == 1 && (one.isNotice ? findings : notices).isEmpty, "\(findings) \(notices)")
        let line = try #require(lines.first)
        #expect(line.hasPrefix(subject) && one.texts.allSatisfy { line.contains($0) }, "\(line)")
    }

    private static let menu = #"""
        if [ "${next_entry}" ] ; then
           set default="${next_entry}"
        else
           set default="DEFAULT"
        fi
        function gfxmode {
            set gfxpayload="${1}"
        }
        menuentry 'Debian' --class debian --class os $menuentry_id_option 'simple' {
            gfxmode $linux_gfx_mode
            linux   /vmlinuz-6.1.0-2 root=/dev/sda1
            initrd  /initrd.img-6.1.0-2
        }
        submenu 'Advanced options for "Debian"' $menuentry_id_option 'advanced' {
            menuentry 'Debian, with Linux 6.1.0-2' --class os $menuentry_id_option 'advanced-2' {
                initrd  /initrd.img-6.1.0-2
            }
            menuentry 'Debian, with Linux 6.1.0-1' --class os $menuentry_id_option 'advanced-1' {
                initrd  /boot/microcode.img /boot/initrd.img-6.1.0-1
            }
        }
        menuentry "Memory test" {
            linux16 /memtest86+.bin
        }

        """#

    @Test(arguments: [
        ("0", "", "/initrd.img-6.1.0-2"), ("simple", "", "/initrd.img-6.1.0-2"), ("1", "", "/initrd.img-6.1.0-2"),
        ("1>1", "", "/boot/initrd.img-6.1.0-1"), ("advanced>advanced-1", "", "/boot/initrd.img-6.1.0-1"),
        ("Advanced options for \"Debian\">Debian, with Linux 6.1.0-1", "", "/boot/initrd.img-6.1.0-1"),
        ("${saved_entry}", "saved_entry=advanced>advanced-1", "/boot/initrd.img-6.1.0-1"),
        ("${saved_entry}", "", "/initrd.img-6.1.0-2"), ("gone", "", "/initrd.img-6.1.0-2"),
        ("0", "next_entry=1>1", "/boot/initrd.img-6.1.0-1"), ("2", "", nil), ("${other}", "", nil),
    ])
    func `the default entry of GRUB is found`(choice: String, environment: String, image: String?) {
        let text = LoaderTests.menu.replacing("DEFAULT", with: choice.replacing("\"", with: "\\\""))
        let menu = GRUBMenu(Array(text.utf8), environment: Array("# GRUB Environment Block\n\(environment)\n####".utf8))
        #expect(menu.image == image)
    }

    /// What stands before the menu or replaces a part of it, and the image that is started then.
    @Test(
        arguments: [
            // Fedora's, for a machine whose boots fail.
            (
                "if [ -n \"${boot_counter}\" -a \"${boot_counter}\" = \"0\" ]; then\n  set default=1>1\nfi\n",
                "/initrd.img-6.1.0-2"
            ),
            ("#menuentry 'old' {\n#  initrd /old\n#}\n", "/initrd.img-6.1.0-2"),
            (
                "menuentry 'Other' $menuentry_id_option 'osprober-gnulinux-1' {\ninitrd /boot/initrd.img-6.1.0-2\n}\n",
                nil
            ),
            (String(repeating: "submenu a {\n", count: 90_000), nil),
            ("menuentry \(String(repeating: "a", count: 1 << 20)) {\ninitrd /first\n}\n", "/first"),
        ] as [(String, String?)])
    func `GRUB's menu is read as GRUB reads it, whatever stands there`(before: String, image: String?) {
        var text = LoaderTests.menu.replacing("DEFAULT", with: "0")
        let place = before.hasPrefix("if") ? text.endIndex : text.startIndex
        text.insert(contentsOf: before, at: place)
        #expect(GRUBMenu(Array(text.utf8), environment: []).image == image)
    }

    @Test func `dracut's rescue system is nobody's next boot`() throws {
        let made = try LoaderTests.made()
        try made.put("", at: "/boot/0123/0-rescue/linux")
        try made.put("no image", at: "/boot/0123/0-rescue/initrd")
        #expect(check(made).findings.isEmpty)
    }

    @Test func `the image that GRUB's saved entry starts has the agent, or a finding`() throws {
        let made = try MadeMachine()
        try made.build("6.1.0-2")
        try made.put(LoaderTests.menu.replacing("DEFAULT", with: "${saved_entry}"), at: "/boot/grub/grub.cfg")
        #expect(check(made).findings.isEmpty && check(made).notices.isEmpty)
        try made.put("saved_entry=advanced>advanced-1\n", at: "/boot/grub/grubenv")
        #expect(check(made).notices.count == 1)
        try made.build("6.1.0-1", without: "/usr/sbin/postern")
        let findings = check(made).findings
        #expect(
            findings.count == 1 && findings.first?.contains("and GRUB's default entry starts it") == true, "\(findings)"
        )
    }

    /// By the rules of the Version Format Specification.
    @Test(arguments: [
        ("11", "10"), ("122.1", "122"), ("122.1", "122.0"), ("123", "123~rc1-1"), ("123-a", "123"),
        ("123-a.1", "123-a"), ("123.a-1", "123-a-1"), ("0.10", "0.9"), ("1.0^post", "1.0"), ("foo-123", "bar-123"),
        ("123a", "123.a"), ("a", "A"), ("1", "a"), ("00124", "123"), ("9.conf", "8.conf"),
    ])
    func `versions are ordered as systemd-boot orders them`(newer: String, older: String) {
        #expect(LoaderVersion.compare(newer, older) > 0 && LoaderVersion.compare(older, newer) < 0)
        #expect(LoaderVersion.compare(newer, newer) == 0 && LoaderVersion.compare("\(older)é", older) == 0)
    }
}
