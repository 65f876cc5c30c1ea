import Foundation
import TestPeers
import Testing

/// What `services.nas.shares` of `initrd/nixos/example/nas-shares.nix` becomes: Samba's and NFS's files, folders, and their order.
@Suite struct SharesTests {
    private let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    @Test func `a share is Samba's, unless it says otherwise`() throws {
        let smb = try Example.evaluated().smb
        #expect(smb.contains("\n[photos]\n") && smb.contains("\n[isos]\n"))
        let less = try Example.evaluated(with: "{ services.nas.shares.isos.samba.enable = false; }").smb
        #expect(less.contains("\n[photos]\n") && !less.contains("[isos]"))
    }

    @Test func `Samba knows every parameter, and shares with the group alone`() throws {
        try folder.write(try Example.evaluated().smb, to: "smb.conf")
        let end = try run("testparm", ["--suppress-prompt", folder.path("smb.conf")])
        #expect(end.status == 0, "\(end)")
        #expect(!end.err.contains("Unknown parameter") && !end.err.contains("Ignoring"), "\(end)")
        for share in ["photos", "isos"] {
            let words = ["--parameter-name=valid users", "--section-name=\(share)"]
            let users = try run("testparm", ["--suppress-prompt"] + words + [folder.path("smb.conf")])
            #expect(users.out == "@nas\n", "\(users)")
        }
    }

    @Test func `NFS exports to named clients what does not say otherwise`() throws {
        let options = "(ro,no_subtree_check,all_squash,anongid=989)"
        #expect(try Example.evaluated().exports == "/export/isos 192.0.2.20\(options) 192.0.2.21\(options)\n")
        let other = try Example.evaluated(
            with: """
                { lib, ... }:
                {
                  services.nas.shares.photos.nfs = {
                    enable = lib.mkForce true;
                    path = "/srv/photos";
                    clients = [ "198.51.100.7" ];
                  };
                }
                """)
        #expect(other.exports.hasSuffix("\n/srv/photos 198.51.100.7(rw,no_subtree_check,all_squash,anongid=989)\n"))
        #expect(other.fstab.contains("/data/photos /srv/photos none bind,"))
    }

    @Test func `the firewall lets in one port for each of them`() throws {
        #expect(Set(try Example.evaluated().ports) == [445, 2049])
        #expect(try Example.evaluated(with: "{ services.nas.shares.isos.nfs.enable = false; }").ports == [445])
    }

    @Test func `the folders belong to the group, and nothing is served before they are there`() throws {
        let nas = try Example.evaluated()
        #expect(nas.members["nas"] == ["daniel"])
        let folders = ["/data/isos", "/data/photos"]
        #expect(nas.script["nas-shares"] == folders.map { "install -d -g nas -m 2770 \($0)\n" }.joined())
        #expect(nas.requiredBy["nas-shares"] == ["samba-smbd.service", "nfs-server.service"])
        #expect(nas.mounts["nfs-server"] == ["/export/isos"])
    }

    /// `nofail` alone keeps the bind mount, which comes after a service, out of what every service comes after.
    @Test(arguments: [true, false])
    func `systemd finds no cycle in their order, and finds one without nofail`(isAsWritten: Bool) throws {
        let nas = try Example.evaluated()
        let fstab = isAsWritten ? nas.fstab : nas.fstab.replacing("bind,nofail,", with: "bind,")
        try folder.write(fstab, to: "fstab")
        let units = folder.path("units")
        try FileManager.default.createDirectory(
            atPath: units + "/multi-user.target.wants", withIntermediateDirectories: true)
        let generated = try run(
            "/lib/systemd/system-generators/systemd-fstab-generator", [units, units, units],
            environment: ["SYSTEMD_FSTAB": folder.path("fstab"), "SYSTEMD_PROC_CMDLINE": ""])
        #expect(generated.status == 0, "\(generated)")

        for name in ["nas-shares", "samba-smbd", "nfs-server"] {
            let requires = nas.requiredBy.filter { $0.value.contains("\(name).service") }.keys.map { "\($0).service" }
            let lines = [
                "[Unit]", "RequiresMountsFor=\((nas.mounts[name] ?? []).joined(separator: " "))",
                "Requires=\(requires.joined(separator: " "))",
                "Before=\((nas.before[name] ?? []).joined(separator: " "))",
                "[Service]", "Type=oneshot", "ExecStart=/bin/true", "",
            ]
            try folder.write(lines.joined(separator: "\n"), to: "units/\(name).service")
            try FileManager.default.createSymbolicLink(
                atPath: units + "/multi-user.target.wants/\(name).service", withDestinationPath: "../\(name).service")
        }
        let end = try run(
            "systemd-analyze", ["verify", "--man=no", "multi-user.target"],
            environment: ["SYSTEMD_UNIT_PATH": "\(units):"],
            timeout: 60)
        #expect(end.err.contains("nas-shares.service") != isAsWritten, "\(end)")
        #expect(end.err.contains("ordering cycle") != isAsWritten, "\(end)")
    }

    @Test(
        arguments: [
            (
                #"{ services.nas.nfs.clients = lib.mkForce [ ]; }"#,
                "isos: no client may mount it with NFS; name them in services.nas.nfs.clients, or set nfs.enable = false."
            ),
            (
                #"{ services.nas.shares.global = { path = "/data/all"; nfs.enable = false; }; }"#,
                "global: Samba cannot have a share of this name; choose another of letters, digits and ._-"
            ),
            (
                #"{ services.nas.shares."my photos" = { path = "/data/all"; nfs.enable = false; }; }"#,
                "my photos: Samba cannot have a share of this name; choose another of letters, digits and ._-"
            ),
        ])
    func `a share that cannot be served is named, with a remedy`(_ module: String, _ message: String) throws {
        #expect(try Example.evaluated(with: "{ lib, ... }: " + module).failed == ["services.nas.shares.\(message)"])
    }

    @Test(
        arguments: ["/data/my photos", "data", "/data/", "/"])
    func `a path that exports(5) or systemd would split is none`(_ path: String) throws {
        let end = try Example.evaluate(with: #"{ services.nas.shares.more.path = "\#(path)"; }"#)
        #expect(end.status != 0)
        #expect(end.err.contains("services.nas.shares.more.path has a value that is no strMatching"), "\(end)")
    }
}
