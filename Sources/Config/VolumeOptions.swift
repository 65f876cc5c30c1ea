public import Linux

/// What Postern acts on in the fourth field of crypttab(5), in Debian's and systemd's dialect.
public struct VolumeOptions: Equatable, Sendable {
    /// `luks`: the volume must have a LUKS header, which Postern asks of every volume it opens.
    public var luks = false
    /// `discard`, `readonly`, `same-cpu-crypt`, `submit-from-crypt-cpus`, `no-read-workqueue`, `no-write-workqueue`: how
    /// dm-crypt maps it.
    public var dmCrypt: DMCryptFlags = []
    /// `header=`: the LUKS header lies elsewhere.
    public var header: FileSpec?
    /// `keyfile-offset=`: bytes skipped at the start of the key file; default 0.
    public var keyfileOffset = 0
    /// `keyfile-size=`: bytes read of the key file, 1 to `keyfileLimit`; `nil` reads all of it.
    public var keyfileSize: Int?
    /// `keyfile-timeout=`: seconds the key's device is waited for before a passphrase is asked for; `nil` or 0 is no limit.
    public var keyfileTimeout: Int?
    /// `key-slot=`: the only key slot that is tried, 0 to 31.
    public var keySlot: Int?
    /// `nofail`: the boot goes on without it.
    public var nofail = false
    /// `noauto`: it is not opened at boot.
    public var noauto = false
    /// `tries=`: wrong passphrases after which it has failed; `nil` is the default, 0 is no limit.
    public var tries: Int?
    /// `timeout=`: seconds a passphrase is waited for; `nil` or 0 is no limit.
    public var timeout: Int?
    /// `try-empty-password`: the empty passphrase is tried before anybody is asked.
    public var tryEmptyPassword = false
    /// `headless`: systemd asks nobody for it.
    public var headless = false
    /// `initramfs`: Debian's mark of a volume that is opened in the initrd.
    public var initramfs = false
    /// `x-initrd.attach`: systemd's mark of the same; dracut's older one is `force`.
    public var xInitrdAttach = false
    /// `x-postern.uuid=`: the UUID that its LUKS header must have, in lower case.
    public var uuid: String?
    /// The option by which it opens without a passphrase, such as `tpm2-device=`: the native opener's volume. The value
    /// is left out, for a `pkcs11-uri=` may hold a PIN.
    public var unattended: String?
    /// The option or key that makes it no volume of LUKS, such as `swap`, `plain` or `random key`: the native opener's.
    public var foreign: String?

    /// The most bytes of a key file: libcryptsetup's own limit, 8 MiB.
    public static let keyfileLimit = 8 << 20

    public init() {}

    /// Whether the distribution's own opener has it unless `Volume NAME take` says otherwise.
    public var isNative: Bool { unattended != nil || foreign != nil }

    /// As a field of a crypttab.
    var rendered: [UInt8] {
        var options: [[UInt8]] = []
        func flag(_ name: String, _ isSet: Bool) {
            if isSet { options.append(Array(name.utf8)) }
        }
        func value(_ name: String, _ value: Int?) {
            if let value { options.append(Array("\(name)=\(value)".utf8)) }
        }
        if let unattended { options.append(Array(unattended.utf8)) }
        flag("luks", luks)
        flag("discard", dmCrypt.contains(.discard))
        if let header { options.append(Array("header=".utf8) + header.rendered) }
        value("keyfile-offset", keyfileOffset == 0 ? nil : keyfileOffset)
        value("keyfile-size", keyfileSize)
        value("keyfile-timeout", keyfileTimeout)
        value("key-slot", keySlot)
        flag("readonly", dmCrypt.contains(.readOnly))
        flag("nofail", nofail)
        flag("noauto", noauto)
        value("tries", tries)
        value("timeout", timeout)
        flag("same-cpu-crypt", dmCrypt.contains(.sameCPUCrypt))
        flag("submit-from-crypt-cpus", dmCrypt.contains(.submitFromCryptCPUs))
        flag("no-read-workqueue", dmCrypt.contains(.noReadWorkqueue))
        flag("no-write-workqueue", dmCrypt.contains(.noWriteWorkqueue))
        flag("try-empty-password", tryEmptyPassword)
        flag("headless", headless)
        flag("initramfs", initramfs)
        flag("x-initrd.attach", xInitrdAttach)
        if let uuid { options.append(Array("\(VolumeOptions.identity)\(uuid)".utf8)) }
        // For systemd the last format holds.
        if let foreign, !same(foreign, VolumeOptions.randomKey) { options.append(Array(foreign.utf8)) }
        return Array(options.joined(separator: [UInt8(ascii: ",")]))
    }

    /// What stands before the UUID.
    public static let identity = "x-postern.uuid="

    /// What `foreign` says of a key that is new at every boot.
    static let randomKey = "random key"
}
