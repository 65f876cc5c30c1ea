import Config
import Linux
import Testing

@Suite struct VolumeOptionsTests {
    private func options(_ field: String) -> (options: VolumeOptions?, findings: [String]) {
        let (entries, findings) = crypttab("root /dev/a none \(field)\n")
        return (entries.first?.options, findings)
    }

    @Test(
        arguments: [
            Change("luks", { $0.luks = true }),
            Change("discard", { $0.dmCrypt.insert(.discard) }),
            Change("header=/h", { $0.header = .file(path: "/h") }),
            Change("header=/h:UUID=AB", { $0.header = .fileOn(path: "/h", device: .uuid("ab")) }),
            Change("header=/a\\,b", { $0.header = .file(path: "/a,b") }),
            Change("header=/a\\054b", { $0.header = .file(path: "/a,b") }),
            Change("header=/a\\\\040", { $0.header = .file(path: "/a\\040") }),
            Change("keyfile-offset=512", { $0.keyfileOffset = 512 }),
            Change("keyfile-size=4096", { $0.keyfileSize = 4096 }),
            Change("keyfile-size=0", { _ in }),
            Change("keyfile-timeout=30s", { $0.keyfileTimeout = 30 }),
            Change("key-slot=31", { $0.keySlot = 31 }),
            Change("keyslot=0", { $0.keySlot = 0 }),
            Change("readonly", { $0.dmCrypt.insert(.readOnly) }),
            Change("read-only", { $0.dmCrypt.insert(.readOnly) }),
            Change("nofail", { $0.nofail = true }),
            Change("noauto", { $0.noauto = true }),
            Change("noauto,auto", { _ in }),
            Change("auto,noauto", { $0.noauto = true }),
            Change("nofail,fail", { _ in }),
            Change("allow-discards", { $0.dmCrypt.insert(.discard) }),
            Change("tries=0", { $0.tries = 0 }),
            Change("tries=3,tries=5", { $0.tries = 5 }),
            Change("timeout=2min\\04030s", { $0.timeout = 150 }),
            Change("timeout=infinity", { $0.timeout = 0 }),
            Change("timeout=1500ms", { $0.timeout = 2 }),
            Change("same-cpu-crypt", { $0.dmCrypt.insert(.sameCPUCrypt) }),
            Change("submit-from-crypt-cpus", { $0.dmCrypt.insert(.submitFromCryptCPUs) }),
            Change("no-read-workqueue", { $0.dmCrypt.insert(.noReadWorkqueue) }),
            Change("no-write-workqueue", { $0.dmCrypt.insert(.noWriteWorkqueue) }),
            Change("try-empty-password", { $0.tryEmptyPassword = true }),
            Change("try-empty-password=yes", { $0.tryEmptyPassword = true }),
            Change("try-empty-password=no", { _ in }),
            Change("headless", { $0.headless = true }),
            Change("headless=1", { $0.headless = true }),
            Change("headless=off", { _ in }),
            Change("initramfs", { $0.initramfs = true }),
            Change("x-initrd.attach", { $0.xInitrdAttach = true }),
            Change("x-postern.uuid=AB-12", { $0.uuid = "ab-12" }),
            Change("luks,,discard,") {
                $0.luks = true
                $0.dmCrypt.insert(.discard)
            },
        ] as [Change<VolumeOptions>])
    func `an option is acted on`(change: Change<VolumeOptions>) {
        var expected = VolumeOptions()
        change.apply(&expected)
        let (read, findings) = options(change.text)
        #expect(read == expected)
        #expect(findings.isEmpty)
    }

    @Test(
        arguments: [
            "none", "-", "defaults", "_netdev", "quiet", "loud", "check", "check=xfs", "noearly", "verify",
            "x-systemd.device-timeout=10s", "x-systemd.requires=/a", "x-mine", "password-echo=masked",
            "token-timeout=5",
            "cipher=aes-xts-plain64,size=512,hash=sha256,offset=0,skip=0,sector-size=4096", "keyfile-erase",
            "link-volume-key=@u::%user:x", "tpm2-pcrs=7", "tpm2-measure-pcr=no",
        ])
    func `options of no concern are passed over in silence`(field: String) {
        let (read, findings) = options(field)
        #expect(read == VolumeOptions())
        #expect(findings.isEmpty)
    }

    @Test(
        arguments: [
            ("discrad", "the option \"discrad\" of \"root\" is not known and left out; did you mean discard?"),
            ("frobnicate=1", "remove it, or write \"Volume root leave\" in postern.conf"),
            ("discard=yes", "write it without a value"),
            ("header", "write \"=\" and a value after it"),
            ("tpm2-device", "write \"=\" and a value after it"),
            ("header=h", "the option \"header=h\" of \"root\" is not understood and left out; write an absolute path"),
            ("keyfile-size=8388609", "write a number of bytes, at most 8388608"),
            ("keyfile-offset=-1", "write a number of bytes"),
            ("keyfile-offset=99999999999999999999", "write a number of bytes"),
            ("key-slot=32", "write a number from 0 to 31"),
            ("x-postern.uuid=", "write a LUKS UUID"),
            ("x-postern.uuid=root", "write a LUKS UUID"),
            ("tries=many", "write a number from 0"),
            ("timeout=1month", "write a time such as 90"),
            ("timeout=99999999999999999w", "write a time such as 90"),
            ("keyfile-timeout=", "write a time such as 90"),
            ("try-empty-password=perhaps", "is neither yes nor no"),
            ("headless=perhaps", "the option headless of \"root\" is neither yes nor no"),
            ("fixate-volume-key=abc", "asks for a protection that Postern does not give"),
            ("tpm2-measure-pcr=yes", "asks for a protection that Postern does not give"),
            ("=", "the option \"=\" of \"root\" is not known"),
        ])
    func `an option that is not understood is a finding and costs only itself`(field: String, finding: String) {
        let (read, findings) = options("luks,\(field),nofail")
        var expected = VolumeOptions()
        expected.luks = true
        expected.nofail = true
        #expect(read == expected)
        #expect(findings.count == 1)
        #expect(findings.first?.contains(finding) == true, "\(findings)")
    }

    @Test(
        arguments: [
            ("tpm2-device=auto,tpm2-measure-pcr=yes", "tpm2-device=", nil),
            ("fido2-device=auto", "fido2-device=", nil),
            ("pkcs11-uri=pkcs11:token=a;pin-value=1234", "pkcs11-uri=", nil),
            ("keyscript=decrypt_derived", "keyscript=", nil),
            ("keyscript=/lib/cryptsetup/scripts/decrypt_gnupg,tpm2-device=auto", "keyscript=", nil),
            ("swap", nil, "swap"),
            ("tmp", nil, "tmp"),
            ("tmp=ext4", nil, "tmp"),
            ("plain", nil, "plain"),
            ("tcrypt-veracrypt,tcrypt", nil, "tcrypt-veracrypt"),
            ("bitlk", nil, "bitlk"),
            ("fvault2", nil, "fvault2"),
            ("keyscript=decrypt_keyctl", nil, nil),
            ("keyscript=/lib/cryptsetup/scripts/decrypt_keyctl", nil, nil),
            ("keyscript=/lib/cryptsetup/askpass", nil, nil),
        ])
    func `a volume that opens by itself, or is no LUKS volume, is the native opener's`(
        field: String, unattended: String?, foreign: String?
    ) {
        let (entries, findings) = crypttab("root /dev/a some-argument \(field)\n")
        #expect(findings.isEmpty)
        #expect(entries[0].options.unattended == unattended)
        #expect(entries[0].options.foreign == foreign)
        #expect(entries[0].options.isNative == (unattended != nil || foreign != nil))
        #expect(entries[0].key == (entries[0].options.isNative ? .other("some-argument") : .ask))
    }
}
