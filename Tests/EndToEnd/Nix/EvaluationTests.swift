import Foundation
import TestPeers
import Testing

/// What NixOS would have in its initrd.
@Suite struct EvaluationTests {
    /// The units of the disks of nas.nix's array, which the boot may go on without.
    private static let memberDevices = [
        "71b8da53-53f5-4ca9-a45a-d1773471e355", "652e050c-c5c8-449a-99bf-e6cb6ca2650d",
        "962c0206-f221-4893-890e-2d89972953c2", "ef6fa6ee-9e14-47bb-ba75-4fad330cc18c",
        "59fa8dd6-b389-46e3-95c0-41be7db7e349", "b45e9b49-39fe-43d5-ab79-98a0f2be01ff",
    ].map { #"dev-disk-by\x2duuid-"# + $0.replacing("-", with: #"\x2d"#) }

    @Test func `in systemd stage 1 a good configuration has units, drop-ins and files, and no text of the other stage`()
        throws
    {
        let nas = try Configuration().evaluated()
        #expect(nas.failed == [])
        #expect(nas.warnings == [])
        let members = (1...6).map { "storage\\x2d\($0)" }
        #expect(
            Set(nas.units.keys)
                == Set(
                    [
                        "postern.service", "zfs-import-nixos-rpool.service",
                        #"dev-disk-by\x2duuid-953ef32c\x2de9cb\x2d4049\x2dbf33\x2d56f9e2c84b55.device.d/overrides.conf"#,
                    ]
                        + Self.memberDevices.map { "\($0).device.d/overrides.conf" }
                        + (["crypt\\x2droot"] + members).map { "systemd-cryptsetup@\($0).service.d/overrides.conf" }))
        #expect(nas.links == ["sysinit.target.wants/postern.service"])
        #expect(nas.manager == "[Manager]\nDefaultDeviceTimeoutSec=infinity\n")
        #expect(nas.secrets == ["/etc/postern/ssh_host_key_1": "/etc/secrets/initrd/ssh_host_ed25519_key"])
        #expect(nas.network)
        #expect(Set(nas.availableKernelModules).isSuperset(of: ["ext4", "efivarfs"]))
        #expect(
            nas.contents["/etc/postern/postern.conf"] == """
                Port 2222
                HostKey /etc/postern/ssh_host_key_1
                AuthorizedKeysFile /etc/postern/authorized_keys
                Crypttab /etc/crypttab
                Initrd systemd
                Array storage quorum=5 storage-*
                ContinueTimeout 120

                """)
        #expect(nas.scripted.postCommands.isEmpty && nas.scripted.extraUtilsCommands.isEmpty)
        #expect(nas.scripted.preOpenCommands.values.allSatisfy { $0.isEmpty })
    }

    @Test func `with Dataset the unit tells systemd when the volumes are open, and stays until the root is mounted`()
        throws
    {
        let nas = try Configuration(with: "{ boot.initrd.postern.settings.Dataset = \"nixos-rpool/nixos\"; }")
            .evaluated()
        #expect(nas.failed == [] && nas.warnings == [])
        #expect(nas.contents["/etc/postern/postern.conf"]?.contains("\nDataset nixos-rpool/nixos\n") == true)
        let unit = try #require(nas.units["postern.service"]).split(separator: "\n")
        #expect(unit.contains("Type=notify"))
        #expect(unit.contains { $0.hasPrefix("ExecStart=") && $0.hasSuffix("/bin/postern agent --until-root") })
        #expect(unit.contains { $0.hasPrefix("Before=") && $0.contains("initrd-switch-root.target") })
    }

    @Test func `every program that the unit starts is put into the initrd`() throws {
        let nas = try Configuration().evaluated()
        let unit = try #require(nas.units["postern.service"])
        let programs = unit.split(separator: "\n").filter { $0.hasPrefix("Exec") }
            .compactMap { $0.split(separator: "=")[1].split(separator: " ").first }
            .map { $0.hasPrefix("-") ? String($0.dropFirst()) : String($0) }
        #expect(programs.count == 3)
        #expect(Set(programs) == Set(nas.storePaths))
    }

    @Test
    func `the pool of the root is imported after Postern, and a pool of the booted system is nothing to the initrd`()
        throws
    {
        let nas = try Configuration().evaluated()
        let unit = settings(try #require(nas.units["zfs-import-nixos-rpool.service"]))
        #expect(unit == ["After": ["postern.service"], "Wants": ["postern.service"]])
        #expect(!nas.units.keys.contains { $0.contains("storage.service") })
    }

    @Test func `members that the boot can do without have nofail, and those of an array that needs all have not`()
        throws
    {
        let nas = try Configuration().evaluated()
        func lines(_ evaluated: Evaluated) -> [Substring] {
            evaluated.contents["/etc/crypttab"]?.split(separator: "\n") ?? []
        }
        #expect(lines(nas).count == 7)
        #expect(lines(nas).allSatisfy { $0.contains(" nofail") == $0.hasPrefix("storage-") })
        let all = try Configuration(
            with: """
                { lib, ... }: {
                  boot.initrd.postern.arrays.storage = { policy = lib.mkForce "all"; quorum = lib.mkForce null; };
                }
                """
        ).evaluated()
        #expect(all.failed == [])
        #expect(lines(all).count == 7 && !lines(all).contains { $0.contains("nofail") })
    }

    @Test func `nothing that the boot can do without is waited for without limit, and what the initrd mounts is`()
        throws
    {
        let some = try Configuration(
            with: #"""
                {
                  fileSystems."/nix".device = "/dev/pool/nix";
                  boot.initrd.postern.settings.Volume = [ "left leave" "patient leave" ];
                  boot.initrd.luks.devices = {
                    left = { device = "/dev/disk/by-label/a+1"; keyFile = "/k:PARTLABEL=b"; header = "/h:/dev/c"; };
                    patient = { device = "/dev/d"; crypttabExtraOpts = [ "x-systemd.device-timeout=0" ]; };
                    stick = { device = "/dev/e"; keyFile = "/dev/f"; keyFileSize = 64; };
                    late = { device = "/dev/g"; keyFile = "/k:UUID=1234-ABCD"; keyFileTimeout = 9; };
                    later = { device = "/dev/h"; keyFile = "/k:UUID=4321-ABCD"; crypttabExtraOpts = [ "keyfile-timeout=8" ]; };
                    within = { device = "/dev/i"; keyFile = "/k:/dev/pool/nix"; };
                    never = { device = "/dev/j"; keyFile = "/k:/dev/k"; crypttabExtraOpts = [ "noauto" ]; };
                    random = { device = "/dev/l"; keyFile = "/dev/urandom"; };
                  };
                }
                """#
        ).evaluated()
        #expect(some.failed == [])
        let limit = "JobRunningTimeoutSec=90s\n"
        let limits = [
            #"dev-disk-by\x2dlabel-a\x2b1"#: limit, #"dev-disk-by\x2dpartlabel-b"#: limit, "dev-c": limit, "dev-d": "",
            "dev-f": limit, #"dev-disk-by\x2duuid-1234\x2dABCD"#: "", #"dev-disk-by\x2duuid-4321\x2dABCD"#: "",
            "dev-l": limit, #"dev-disk-by\x2duuid-953ef32c\x2de9cb\x2d4049\x2dbf33\x2d56f9e2c84b55"#: limit,
        ]
        let members = Self.memberDevices.map { ($0, "JobRunningTimeoutSec=30s\n") }
        let devices = some.units.filter { $0.key.contains(".device.d/") }
        #expect(
            devices
                == Dictionary(
                    uniqueKeysWithValues: (limits.map { ($0.key, $0.value) } + members).map {
                        ("\($0).device.d/overrides.conf", "[Unit]\nAfter=postern.service\n\($1)")
                    }))
        // systemd's unit of what has a key volume must not need it to be there.
        func options(_ name: String) -> String {
            let line = some.contents["/etc/crypttab"]?.split(separator: "\n").first { $0.hasPrefix("\(name) ") }
            return line.map { String($0.split(separator: " ", omittingEmptySubsequences: false).last ?? "") } ?? "?"
        }
        #expect(options("stick") == "keyfile-size=64,keyfile-timeout=5s")
        #expect(options("storage-1") == "nofail,keyfile-timeout=5s")
        #expect(options("late") == "keyfile-timeout=9s")
        #expect(options("later") == "keyfile-timeout=8")
        #expect(options("within") == "")
        #expect(!options("left").contains("keyfile-timeout"))
    }

    @Test
    func `the unit is that of other systemd initrds, but for the paths of its programs and what NixOS needs besides`()
        throws
    {
        let file = Configuration.nixos.appending(path: "../systemd/postern.service")
        var common = settings(try String(contentsOf: file, encoding: .utf8))
        var ours = settings(try #require(try Configuration().evaluated().units["postern.service"]))
        #expect(common.removeValue(forKey: "WantedBy") == ["sysinit.target"])
        #expect(ours.removeValue(forKey: "ExecStartPre")?.contains { $0.hasSuffix("/bin/chmod") } == true)
        #expect(ours["After"]?.contains("initrd-nixos-copy-secrets.service") == true)
        ours["After"]?.removeAll { $0 == "initrd-nixos-copy-secrets.service" }
        for key in ["ExecStart", "ExecStopPost"] {
            func isProgram(_ word: String) -> Bool { word.contains("/bin/") || word.contains("/sbin/") }
            #expect(ours[key]?.filter(isProgram).count == 1)
            ours[key]?.removeAll(where: isProgram)
            common[key]?.removeAll(where: isProgram)
        }
        ours = ours.mapValues { $0.map { $0 == "true" ? "yes" : $0 == "false" ? "no" : $0 } }
        #expect(ours == common)
    }

    @Test func `in scripted stage 1 it is the other way round`() throws {
        let nas = try Configuration(["nas", "scripted"]).evaluated()
        #expect(nas.failed == [])
        #expect(nas.warnings == [])
        #expect(nas.units.isEmpty && nas.contents.isEmpty && nas.storePaths.isEmpty && nas.manager == "[Manager]\n")
        #expect(nas.secrets.count == 1 && nas.network)
        #expect(nas.scripted.preOpenCommands.count == 7)
        #expect(nas.scripted.preOpenCommands.values.allSatisfy { $0.contains("open_normally") })
        #expect(nas.scripted.extraUtilsCommands.contains("/postern/bin/postern\n"))
    }

    @Test(arguments: [["nas"], ["nas", "scripted"]])
    func `without enable nothing is there`(_ base: [String]) throws {
        let nas = try Configuration(
            base, with: "{ lib, ... }: { boot.initrd.postern.enable = lib.mkForce false; }"
        ).evaluated()
        #expect(nas.failed == [] && nas.warnings == [])
        #expect(nas.units.isEmpty && nas.secrets.isEmpty && nas.storePaths.isEmpty && nas.manager == "[Manager]\n")
        #expect(Set(nas.contents.keys).isSubset(of: ["/etc/crypttab"]))
        for word in ["nofail", "keyfile-timeout"] { #expect(nas.contents["/etc/crypttab"]?.contains(word) != true) }
        #expect(nas.scripted.postCommands.isEmpty && nas.scripted.preOpenCommands.values.allSatisfy { $0.isEmpty })
        #expect(!nas.network)
    }

    @Test func `the flake's module is this module, and its overlay has the package`() throws {
        let flake = "(import \(Configuration.nixos.path)/flake.nix).outputs { self = { }; }"
        #expect(
            try string("toString (\(flake)).nixosModules.default")
                == Configuration.nixos.appending(path: "module.nix").path)
        let overlay = """
            ((\(flake)).lib.overlay { file = "/x"; } { callPackage = path: args: toString path + args.file; } { }).postern
            """
        #expect(try string(overlay) == Configuration.nixos.appending(path: "package.nix").path + "/x")
    }
}
