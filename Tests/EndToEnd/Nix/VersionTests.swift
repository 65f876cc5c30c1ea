import Foundation
import Testing

/// The module over the options of several versions of NixOS, and over a checkout of nixpkgs where POSTERN_NIXPKGS names one.
@Suite struct VersionTests {
    private static let all = Configuration.versions + (Configuration.nixpkgs.map { [$0] } ?? [])
    private static let isSystemd = "{ boot.initrd.systemd.enable = true; }"

    @Test(arguments: all)
    func `in systemd stage 1 nothing is wrong, and units, drop-ins, files and limits are there`(version: String) throws
    {
        let nas = try Configuration(with: Self.isSystemd).evaluated(version)
        #expect(nas.failed == [])
        #expect(!nas.warnings.contains { $0.contains("postern") }, "\(nas.warnings)")
        #expect(nas.units["postern.service"]?.contains("/bin/postern agent\n") == true)
        let root = try #require(nas.units[#"systemd-cryptsetup@crypt\x2droot.service.d/overrides.conf"#])
        #expect(settings(root)["After"]?.contains("postern.service") == true)
        let pool = try #require(nas.units["zfs-import-nixos-rpool.service"])
        #expect(settings(pool)["After"]?.contains("postern.service") == true)
        #expect(nas.links.contains("sysinit.target.wants/postern.service"))
        #expect(nas.contents["/etc/postern/postern.conf"]?.contains("\nArray storage quorum=5 storage-*\n") == true)
        #expect(nas.contents["/etc/crypttab"]?.contains("\nstorage-6 ") == true)
        #expect(nas.manager.split(separator: "\n").contains("DefaultDeviceTimeoutSec=infinity"))
        #expect(nas.secrets["/etc/postern/ssh_host_key_1"] == "/etc/secrets/initrd/ssh_host_ed25519_key")
    }

    @Test(arguments: ["24.05", "25.11", "26.05"])
    func `where scripted stage 1 is, Postern is a step of it`(version: String) throws {
        let nas = try Configuration(["nas", "scripted"]).evaluated(version)
        #expect(nas.failed == [] && nas.warnings == [])
        #expect(nas.scripted.postCommands.contains("postern agent"))
        #expect(nas.units.isEmpty)
    }

    @Test func `where scripted stage 1 is gone, its options are unknown, and Notify needs none of them`() throws {
        let end = Result { try Configuration(["nas", "scripted"]).evaluated("26.11") }
        #expect(throws: (any Error).self) { try end.get() }
        let nas = try Configuration(with: #"{ boot.initrd.postern.settings.Notify = "https://ntfy.example/nas"; }"#)
            .evaluated("26.11")
        #expect(nas.failed == [])
        #expect(nas.programs["curl"] != nil)
    }

    @Test func `what the owner says of the limit of all devices holds, also in the text of older versions`() throws {
        let old = try Configuration(
            with: """
                { boot.initrd.systemd = { enable = true; extraConfig = "DefaultDeviceTimeoutSec=9\\n"; }; }
                """
        ).evaluated("24.05")
        let lines = old.manager.split(separator: "\n")
        #expect(lines == ["[Manager]", "DefaultDeviceTimeoutSec=infinity", "DefaultDeviceTimeoutSec=9"])
        let new = try Configuration(
            with: "{ boot.initrd.systemd.settings.Manager.DefaultDeviceTimeoutSec = \"9\"; }"
        ).evaluated("25.11")
        #expect(new.manager == "[Manager]\nDefaultDeviceTimeoutSec=9\n")
    }

    @Test(arguments: all)
    func `in a virtual machine without the machine's disks nothing is there, and nothing is wrong`(version: String)
        throws
    {
        let virtual = try Configuration(with: Self.isSystemd).evaluated(version, ["--arg", "virtual", "true"])
        #expect(virtual.failed == [])
        #expect(!virtual.warnings.contains { $0.contains("postern") }, "\(virtual.warnings)")
        #expect(virtual.units["postern.service"] == nil && virtual.contents["/etc/postern/postern.conf"] == nil)
        #expect(virtual.secrets["/etc/postern/ssh_host_key_1"] == nil)
    }

    @Test(arguments: all)
    func `in a virtual machine that has a volume of its own Postern is there`(version: String) throws {
        let virtual = try Configuration(
            with: """
                { lib, ... }: {
                  boot.initrd.systemd.enable = true;
                  boot.initrd.luks.devices = lib.mkOverride 10 { crypt-root.device = "/dev/vdb"; };
                  boot.initrd.postern.arrays = lib.mkForce { };
                }
                """
        ).evaluated(version, ["--arg", "virtual", "true"])
        #expect(virtual.failed == [])
        #expect(virtual.units["postern.service"] != nil)
    }
}
