import TestPeers
import Testing

/// What the module says of a configuration that is no good, and what to do about it.
@Suite struct ChecksTests {
    /// A change to the good configuration, and what is said of it: the beginning, and the remedy.
    struct Mistake: CustomTestStringConvertible {
        let change: String
        let begins: String
        let remedy: String
        var base = ["nas"]

        var testDescription: String { begins }
    }

    private static let forced = "{ lib, ... }: with lib; { boot.initrd"
    private static let assertions = [
        Mistake(
            change: "\(forced).postern.authorizedKeys = mkForce [ \"# none\" ]; }",
            begins: "boot.initrd.postern.authorizedKeys: no key may log in", remedy: "Add a public key"),
        Mistake(
            change: "\(forced).postern.hostKeys = mkForce [ ]; }",
            begins: "boot.initrd.postern.hostKeys: there is no host key", remedy: "is for hostKeysAtBoot"),
        Mistake(
            change: "\(forced).postern.hostKeys = [ \"${builtins.storeDir}/00000000000000000000000000000000-key\" ]; }",
            begins: "boot.initrd.postern.hostKeys: a host key lies in the Nix store", remedy: "name it as a string"),
        Mistake(
            change: "\(forced).postern.hostKeys = [ \"/etc/ssh/ssh_host_rsa_key\" ]; }",
            begins: "boot.initrd.postern.hostKeys: this is the host key of the system's own sshd",
            remedy: "with ssh-keygen"),
        Mistake(
            change: """
                { services.openssh = { enable = true; hostKeys = [ { path = "/persist/key"; } ]; };
                  boot.initrd.postern.hostKeys = [ "/persist/key" ]; }
                """,
            begins: "boot.initrd.postern.hostKeys: this is the host key of the system's own sshd",
            remedy: "with ssh-keygen"),
        Mistake(
            change: "\(forced).network.ssh = { enable = true; port = 2222; }; }",
            begins: "boot.initrd.postern.port: boot.initrd.network.ssh has the port 2222, too",
            remedy: "boot.initrd.network.ssh.enable = false"),
        Mistake(
            change: "\(forced).network.enable = false; }", begins: "boot.initrd.postern: the initrd has no network",
            remedy: "Remove boot.initrd.network.enable = false"),
        Mistake(
            change: "\(forced) = { luks.devices = mkForce { }; postern.arrays = mkForce { }; }; }",
            begins:
                "boot.initrd.postern: Postern opens LUKS alone, and there is no LUKS volume: the encryption of ZFS itself",
            remedy: "Set boot.initrd.postern.enable = false"),
        Mistake(
            change: """
                \(forced) = { luks.devices = mkForce { }; postern.arrays = mkForce { }; };
                  config.fileSystems = mkForce { "/" = { device = "/dev/sda"; fsType = "bcachefs"; }; }; }
                """.replacing("{ boot.initrd", with: "{ config.boot.initrd"),
            begins:
                "boot.initrd.postern: Postern opens LUKS alone, and there is no LUKS volume: the encryption of bcachefs",
            remedy: "Set boot.initrd.postern.enable = false"),
        Mistake(
            change:
                "\(forced) = { luks.devices = mkForce { }; postern.arrays = mkForce { }; systemd.root = \"gpt-auto\"; }; }",
            begins: "boot.initrd.postern: Postern opens the LUKS volumes of boot.initrd.luks.devices alone",
            remedy: "Name it in boot.initrd.luks.devices"),
        Mistake(
            change: """
                \(forced) = { luks.devices = mkForce { }; postern.arrays = mkForce { }; };
                  config.fileSystems = mkForce { "/" = { device = "/dev/sda"; fsType = "ext4"; }; }; }
                """.replacing("{ boot.initrd", with: "{ config.boot.initrd"),
            begins: "boot.initrd.postern: boot.initrd.luks.devices has no volume", remedy: "Name the encrypted ones"),
        Mistake(
            change: "{ boot.loader.supportsInitrdSecrets = false; }",
            begins: "boot.initrd.postern.hostKeys: this boot loader puts no secrets into the initrd",
            remedy: "hostKeys = [ ./key ]"),
        Mistake(
            change: """
                \(forced) = { postern.arrays = mkForce { }; luks.devices = mkForce { a = { device = "/dev/sda";
                  crypttabExtraOpts = [ "tpm2-device=auto" "headless" ]; }; }; }; }
                """,
            begins: "boot.initrd.postern: every volume of boot.initrd.luks.devices is opened without a person",
            remedy: "settings.Volume = \"NAME take\""),
        Mistake(
            change: "\(forced).luks.devices.\"two words\".device = \"/dev/sda\"; }",
            begins: "boot.initrd.luks.devices: device-mapper would change the names \"two words\"",
            remedy: "Use letters"),
        Mistake(
            change: "\(forced).postern.settings.port = 22; }",
            begins: "boot.initrd.postern.settings: \"port\" have options of their own",
            remedy: "Use boot.initrd.postern.port"),
        Mistake(
            change: "\(forced).postern.arrays.media.members = [ \"media-*\" ]; }",
            begins:
                "boot.initrd.postern.arrays.media.members: boot.initrd.luks.devices has no volume \"media-*\"",
            remedy: "Name volumes that it has: \"crypt-root\""),
        Mistake(
            change: "\(forced).postern.arrays.storage.quorum = mkForce null; }",
            begins: "boot.initrd.postern.arrays.storage: policy = \"quorum\" and quorum = N go together",
            remedy: "Set both"),
        Mistake(
            change: "\(forced).postern.arrays.storage.policy = mkForce \"any\"; }",
            begins: "boot.initrd.postern.arrays.storage: policy = \"quorum\" and quorum = N go together",
            remedy: "or neither"),
        Mistake(
            change: "\(forced).postern.arrays.storage.quorum = mkForce 7; }",
            begins: "boot.initrd.postern.arrays.storage.quorum is 7, and the array has 6 members",
            remedy: "Write a number from 1 to 6"),
        Mistake(
            change: "\(forced).postern.arrays.storage = mkForce { policy = \"any\"; members = [ \"storage-?\" ]; }; }",
            begins: "boot.initrd.postern.arrays.storage: scripted stage 1 stops at the first disk that is missing",
            remedy: "boot.initrd.systemd.enable = true", base: ["nas", "scripted"]),
        Mistake(
            change: "\(forced).luks.devices.crypt-root.crypttabExtraOpts = [ \"tries=3\" ]; }",
            begins: "boot.initrd.luks.devices: scripted stage 1 knows no crypttabExtraOpts, which \"crypt-root\"",
            remedy: "boot.initrd.systemd.enable = true", base: ["nas", "scripted"]),
        Mistake(
            change: "\(forced).luks.devices.storage-4.fallbackToPassword = mkForce false; }",
            begins: "boot.initrd.luks.devices: scripted stage 1 cannot read a key of the form PATH:DEVICE",
            remedy: "at \"storage-4\". Set fallbackToPassword = true", base: ["nas", "scripted"]),
    ]

    @Test(arguments: assertions)
    func `a mistake is the one thing that is wrong, and has a remedy`(_ mistake: Mistake) throws {
        let failed = try Configuration(mistake.base, with: mistake.change).evaluated().failed
            .filter { !$0.hasPrefix("NixOS: boot.initrd.secrets") }
        #expect(failed.count == 1, "\(failed)")
        #expect(failed.first?.hasPrefix(mistake.begins) == true, "\(failed)")
        #expect(failed.first?.contains(mistake.remedy) == true, "\(failed)")
    }

    private static let doubts = [
        Mistake(
            change: """
                \(forced).postern.hostKeys = mkForce [ /etc/secrets/key ]; config.boot.loader.supportsInitrdSecrets = false; }
                """.replacing("{ boot.initrd", with: "{ config.boot.initrd"),
            begins: "boot.initrd.postern.hostKeys: the boot loader knows no secrets of the initrd",
            remedy: "such as systemd-boot or GRUB"),
        Mistake(
            change: "\(forced).postern = { hostKeys = mkForce [ ]; hostKeysAtBoot = [ \"/run/key\" ]; }; }",
            begins: "boot.initrd.postern.hostKeysAtBoot: nothing here shows what puts \"/run/key\" into the initrd",
            remedy: "a LoadCredential"),
        Mistake(
            change: "\(forced).luks.devices.crypt-root.crypttabExtraOpts = [ \"tpm2-device=auto,tpm2-pcrs=7\" ]; }",
            begins: "boot.initrd.luks.devices: after a few wrong passphrases",
            remedy: "boot.initrd.postern.settings.Volume = [ \"crypt-root fallback\" ]"),
        Mistake(
            change: "{ networking.useDHCP = false; }",
            begins: "boot.initrd.postern: nothing gives the initrd an address",
            remedy: "boot.initrd.systemd.network.networks"),
        Mistake(
            change: "{ networking.useDHCP = false; }",
            begins: "boot.initrd.postern: nothing gives the initrd an address",
            remedy: "an ip= in boot.kernelParams.", base: ["nas", "scripted"]),
    ]

    @Test(arguments: doubts)
    func `what may be meant is a warning`(_ doubt: Mistake) throws {
        let evaluated = try Configuration(doubt.base, with: doubt.change).evaluated()
        #expect(evaluated.failed == [])
        #expect(evaluated.warnings.count == 1, "\(evaluated.warnings)")
        #expect(evaluated.warnings.first?.hasPrefix(doubt.begins) == true, "\(evaluated.warnings)")
        #expect(evaluated.warnings.first?.contains(doubt.remedy) == true, "\(evaluated.warnings)")
    }

    @Test(
        arguments: [
            "luks.devices.crypt-root.crypttabExtraOpts = [ \"tpm2-device=auto\" \"tries=5\" ]",
            "luks.devices.crypt-root.crypttabExtraOpts = [ \"tpm2-device=auto,headless\" ]",
            "postern.settings.Volume = \"crypt-root fallback\"",
            "postern.settings.Volume = \"crypt-root leave\"",
            "postern.settings.Volume = \"crypt-root take\"",
        ])
    func `systemd does not give up a volume before its owner wants it to, or nobody asks for it here`(_ text: String)
        throws
    {
        let option = "luks.devices.crypt-root.crypttabExtraOpts"
        let method = text.contains(option) ? "" : "\(option) = [ \"tpm2-device=auto\" ];"
        let evaluated = try Configuration(with: "{ boot.initrd = { \(method) \(text); }; }").evaluated()
        #expect(evaluated.failed == [] && evaluated.warnings == [], "\(evaluated)")
    }

    @Test(
        arguments: [
            (["nas"], "boot.kernelParams = [ \"ip=192.0.2.10::192.0.2.1:255.255.255.0::eth0:off\" ];"),
            (["nas"], "boot.initrd.systemd.network.networks.\"10-lan\".matchConfig.Name = \"eth0\";"),
            (["nas", "scripted"], "networking.interfaces.eth0.useDHCP = true;"),
            (
                ["nas"],
                """
                boot.initrd.network.enable = false;
                boot.initrd.systemd.network = { enable = true; networks."10-lan".DHCP = "yes"; };
                """
            ),
        ])
    func `an address comes from the kernel command line, from networkd, or from an interface`(
        _ base: [String], _ text: String
    ) throws {
        let evaluated = try Configuration(base, with: "{ networking.useDHCP = false; \(text) }").evaluated()
        #expect(evaluated.failed == [] && evaluated.warnings == [])
    }

    @Test(
        arguments: [
            "postern.serviceConfig.LoadCredential = \"host-key\"", "fetch-key.before = [ \"postern.service\" ]",
        ])
    func `a host key that appears at boot by a credential or an earlier service is no doubt`(_ service: String) throws {
        let path = "/run/credentials/postern.service/host-key"
        let evaluated = try Configuration(
            with: """
                { lib, ... }: { boot.initrd.systemd.services.\(service);
                  boot.initrd.postern = { hostKeys = lib.mkForce [ ]; hostKeysAtBoot = [ "\(path)" ]; }; }
                """
        ).evaluated()
        #expect(evaluated.failed == [] && evaluated.warnings == [])
        #expect(evaluated.secrets.isEmpty)
        #expect(evaluated.contents["/etc/postern/postern.conf"]?.hasPrefix("Port 2222\nHostKey \(path)\n") == true)
        // Nothing of the store is to be closed to others then.
        #expect(evaluated.units["postern.service"]?.contains("ExecStartPre") == false)
    }
}
