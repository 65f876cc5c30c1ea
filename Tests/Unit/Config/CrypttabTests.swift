import Config
import Linux
import Testing

@Suite struct CrypttabTests {
    private static let uuid = "2F2A1B0C-1111-2222-3333-444455556666"

    @Test(
        arguments: [
            ("UUID=\(uuid)", DeviceSpec.uuid("2f2a1b0c-1111-2222-3333-444455556666")),
            ("UUID=\"\(uuid)\"", .uuid("2f2a1b0c-1111-2222-3333-444455556666")),
            ("UUID=1234-ABCD", .uuid("1234-abcd")),
            ("PARTUUID=A1-01", .partuuid("a1-01")),
            ("LABEL=my\\040disk", .label("my disk")),
            ("LABEL='x'", .label("x")),
            ("PARTLABEL=Root", .partlabel("Root")),
            ("/dev/disk/by-uuid/\(uuid)", .path("/dev/disk/by-uuid/\(uuid)")),
            ("/dev/a\\134b", .path("/dev/a\\b")),
            ("/dev/a\\x\\09\\777", .path("/dev/a\\x\\09\\777")),
        ])
    func `a device is what crypttab(5) calls it`(field: String, device: DeviceSpec) {
        let (entries, findings) = crypttab("root \(field) none luks\n")
        #expect(entries.map(\.device) == [device])
        #expect(findings.isEmpty)
    }

    @Test(
        arguments: [
            ("", KeySpec.ask),
            ("none", .ask),
            ("-", .ask),
            ("/etc/keys/a", .file(path: "/etc/keys/a")),
            ("/keyfile:UUID=1234-ABCD", .fileOn(path: "/keyfile", device: .uuid("1234-abcd"))),
            ("/k:LABEL=a:b", .fileOn(path: "/k", device: .label("a:b"))),
            ("/a:b:/dev/sdb1", .fileOn(path: "/a:b", device: .path("/dev/sdb1"))),
            (
                "/k:/dev/disk/by-path/pci-0000:00:1f.2-ata-1",
                .fileOn(path: "/k", device: .path("/dev/disk/by-path/pci-0000:00:1f.2-ata-1"))
            ),
            ("/dev/disk/by-path/pci-0000:00", .file(path: "/dev/disk/by-path/pci-0000:00")),
            ("/a\\072/dev/sdb", .file(path: "/a:/dev/sdb")),
            ("/my\\040key", .file(path: "/my key")),
            ("/dev/urandom", .other("/dev/urandom")),
        ])
    func `a key is asked for, a file, a file on another volume, or none of ours`(field: String, key: KeySpec) {
        let (entries, findings) = crypttab("root /dev/vda2 \(field)\n")
        #expect(entries.map(\.key) == [key])
        #expect(findings.isEmpty)
    }

    @Test func `reads a whole file`() {
        let (entries, findings) = crypttab(
            """
            # <target> <source> <key> <options>
            root\tUUID=AB  none\tluks,discard,initramfs  # the root
            \tdata /dev/sdb
            swap /dev/sdc /dev/urandom swap,cipher=aes-xts-plain64,size=512\r
            """)
        #expect(findings.isEmpty)
        #expect(entries.map(\.name) == ["root", "data", "swap"])
        #expect(entries.map(\.line) == [2, 3, 4])
        #expect(entries[0].options.dmCrypt == .discard)
        #expect(entries[1].options == VolumeOptions())
        #expect(entries[2].options.foreign == "swap")
        #expect(crypttab("r /dev/a /dev/random luks").entries[0].options.foreign == "random key")
    }

    @Test(
        arguments: [
            ("root", "the volume \"root\" has no device, and the line is left out; write NAME DEVICE KEY OPTIONS"),
            ("a/b /dev/a", "the volume name \"a/b\" contains a slash"),
            (". /dev/a", "the volume name \".\" cannot be a name in /dev/mapper"),
            ("control /dev/a", "the volume name \"control\" cannot be"),
            ("a\\012b /dev/a", "the volume name \"a\\012b\" is no text"),
            ("\\377 /dev/a", "is no text"),
            (String(repeating: "a", count: 128) + " /dev/a", "is longer than 127 bytes"),
            ("root sda2", "the device \"sda2\" of \"root\" is not understood"),
            ("root uuid=ab", "write UUID=, PARTUUID=, LABEL= or PARTLABEL= in capitals"),
            ("root UUID=xyz", "the device \"UUID=xyz\" of \"root\" is not understood"),
            ("root UUID=", "is not understood"),
            ("root LABEL=\"\"", "is not understood"),
            ("first /dev/b", "the volume \"first\" is in line 1 already, and this one is left out"),
        ])
    func `an entry that nobody could open is left out, and says why`(line: String, finding: String) {
        let (entries, findings) = crypttab("first /dev/a\n\(line)\nlast /dev/c\n")
        #expect(entries.map(\.name) == ["first", "last"])
        #expect(findings.count == 1)
        #expect(findings[0].hasPrefix("crypttab:2: "))
        #expect(findings[0].contains(finding), "\(findings)")
    }

    @Test(
        arguments: [
            ("etc/key", KeySpec.ask, "the key \"etc/key\" of \"root\" is not understood, and asked for; write none"),
            ("None", .ask, "the key \"None\" of \"root\" is not understood"),
            ("/k:UIUD=1", .file(path: "/k:UIUD=1"), "no device follows the colon in the key \"/k:UIUD=1\" of \"root\""),
            ("none luks, discard", .ask, "the entry of \"root\" has a fifth field \"discard\""),
        ])
    func `what is not understood of a key or the end of a line is a finding, and the entry stays`(
        rest: String, key: KeySpec, finding: String
    ) {
        let (entries, findings) = crypttab("root /dev/a \(rest)\n")
        #expect(entries.map(\.key) == [key])
        #expect(findings.count == 1)
        #expect(findings[0].contains(finding))
    }

    @Test func `what is left to the native opener is not judged`() {
        let text = "root /dev/a relative frobnicate,keyfile-size=x more\n"
        #expect(crypttab(text).findings.count == 4)
        let (entries, findings) = crypttab(text, leaving: ["root"])
        #expect(entries.map(\.name) == ["root"])
        #expect(findings.isEmpty)
    }

    @Test(
        arguments: [
            "root UUID=AB none luks,discard,readonly,nofail,noauto,initramfs,x-initrd.attach,x-postern.uuid=ab",
            "root /dev/a /k:LABEL=a\\040b keyfile-size=9,keyfile-offset=3,keyfile-timeout=2min,key-slot=4,tries=0,timeout=5",
            "a\\040b\\043 LABEL=\\042x\\042 /a\\072/dev/b same-cpu-crypt,submit-from-crypt-cpus,header=/h\\,x:UUID=a",
            "\\043a PARTLABEL='' none\n\\043a PARTLABEL=\\047\\047 /a:b no-read-workqueue,no-write-workqueue",
            "s /dev/a /dev/urandom swap\nt /dev/b /dev/random\nu /dev/c /a:b:/dev/c tpm2-device=auto,try-empty-password",
            "v /dev/a passdev-argument keyscript=/lib/cryptsetup/scripts/passdev\nw /dev/b \\377 tcrypt-hidden",
            "k /dev/a /dev/x tpm2-device=auto,keyscript=passdev\nl /dev/b /k tpm2-device=auto,keyscript=askpass",
            "m /dev/a /k keyscript=askpass,keyscript=passdev\nn /dev/b /dev/urandom fido2-device=auto,keyscript=askpass",
            "x /dev/a ring keyscript=decrypt_keyctl\ny /dev/b a\\072b bitlk",
            "a /dev/a - plain,luks\nb /dev/b none luks,swap,key-slot=3\nc /dev/c none header=/h,tcrypt-keyfile=/k",
            "d /dev/d none tcrypt,header=/h\ne /dev/e none plain,header=/h # x\nf /dev/f none noauto,initramfs,tmp=ext4",
        ])
    func `what is rendered reads back as the same entries`(text: String) {
        func unnumbered(_ entries: [CrypttabEntry]) -> [CrypttabEntry] {
            entries.map { entry in
                var entry = entry
                entry.line = 0
                return entry
            }
        }
        for system in InitrdSystem.allCases {
            let first = crypttab(text, for: system).entries
            #expect(!first.isEmpty)
            let second = crypttab(Crypttab(entries: first).rendered, for: system).entries
            #expect(unnumbered(second) == unnumbered(first), "\(system)")
        }
    }

    @Test(
        arguments: [
            (InitrdSystem.initramfsTools, "", "initramfs-tools would not ask for \"root\""),
            (.initramfsTools, "- luks", "whose key is not the word none; write none"),
            (.initramfsTools, "none luks,discard # a", "the option \"discard # a\" of \"root\" is not known"),
            (.systemd, "/a\\040b luks", "systemd takes the escapes in the entry of \"root\" as they stand; do without"),
            (.systemd, "none luks x", "has a fifth field \"x\""),
        ])
    func `what the opener of the image would not do as it stands is a finding`(
        system: InitrdSystem, rest: String, finding: String
    ) {
        let text = "root /dev/a \(rest)\n"
        let (entries, findings) = crypttab(text, for: system)
        #expect(entries.count == 1 && findings.count == 1, "\(findings)")
        #expect(findings.first?.contains(finding) == true, "\(findings)")
        #expect(crypttab(text, leaving: ["root"], for: system).findings == [])
    }

    @Test(
        arguments: [
            ("UUID=AB none luks", "ab"), ("/dev/a none luks", nil), ("PARTUUID=ab none luks", nil), ("LABEL=ab", nil),
            ("/dev/a none luks,x-postern.uuid=CD", "cd"), ("UUID=ab none luks,header=/head", nil),
            ("UUID=ab none luks,header=/head,x-postern.uuid=cd", "cd"),
        ])
    func `the UUID that a header must have is the recorded one, or that of the device with its own header`(
        line: String, uuid: String?
    ) {
        #expect(crypttab("root \(line)").entries.map(\.identity) == [uuid])
    }
}
