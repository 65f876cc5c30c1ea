/// The options of crypttab(5) by what Postern makes of them. Sources: cryptsetup's crypttab(5) and functions file of
/// Debian 13, systemd's crypttab(5) of version 262.
enum VolumeOptionNames {
    /// Acted on, without a value.
    static let flags = [
        "luks", "discard", "allow-discards", "readonly", "read-only", "nofail", "fail", "noauto", "auto",
        "same-cpu-crypt", "submit-from-crypt-cpus", "no-read-workqueue", "no-write-workqueue", "initramfs",
        "x-initrd.attach", "force",
    ]
    /// Acted on, with a value.
    static let values = [
        "header", "keyfile-offset", "keyfile-size", "keyfile-timeout", "key-slot", "keyslot", "tries", "timeout",
        "try-empty-password", "headless", "x-postern.uuid",
    ]
    /// Ways to open it without a passphrase. All have a value.
    static let unattended = ["tpm2-device", "fido2-device", "fido2-cid", "pkcs11-uri", "keyscript"]
    /// Formats and uses that are not LUKS volumes to be kept.
    static let foreign = [
        "swap", "tmp", "plain", "tcrypt", "tcrypt-hidden", "tcrypthidden", "tcrypt-system", "tcryptsystem",
        "tcrypt-veracrypt", "tcrypt-keyfile", "veracrypt", "bitlk", "fvault2",
    ]
    /// Known, and of no concern to one who opens LUKS volumes by passphrase or key file: how other formats are laid out,
    /// what the prompt of the native opener looks like, what udev and systemd's units do, what is checked afterwards.
    static let silent = [
        "_netdev", "quiet", "loud", "check", "checkargs", "precheck", "noearly", "verify", "none", "-", "defaults",
        "cipher", "hash", "size", "sector-size", "offset", "skip", "veracrypt-pim",
        "password-echo", "password-cache", "token-timeout", "keyfile-erase", "link-volume-key", "ssl",
        "gpg",
        "fido2-rp", "fido2-pin", "fido2-up", "fido2-uv", "tpm2-pcrs", "tpm2-pin", "tpm2-signature",
        "tpm2-pcrlock", "tpm2-measure-bank", "tpm2-measure-keyslot-nvpcr",
    ]
    /// Known protections that Postern does not give: to pass over them in silence would be a promise broken.
    static let notGiven = ["fixate-volume-key", "tpm2-measure-pcr"]

    /// Key scripts of Debian that only ask for a passphrase: Postern asks for them, and once for all volumes.
    static func asks(keyScript: some Collection<UInt8>) -> Bool {
        let name = Array(keyScript).split(separator: UInt8(ascii: "/")).last ?? []
        return name.isText("decrypt_keyctl") || name.isText("askpass")
    }

    static var all: [String] { flags + values + unattended + foreign + silent + notGiven }
}
