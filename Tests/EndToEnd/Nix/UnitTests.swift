import Foundation
import TestPeers
import Testing

/// The rendered units, before systemd and before the agent's own `postern image`.
@Suite struct UnitTests {
    /// Puts the units of a configuration, the programs they name, and what systemd's generator makes of its crypttab into
    /// the configuration's folder.
    private func rendered(_ configuration: Configuration) throws -> Evaluated {
        let evaluated = try configuration.evaluated()
        for (name, text) in evaluated.units { try configuration.write(text, to: "units/\(name)") }
        for path in evaluated.storePaths {
            let start = configuration.work.path("")
            #expect(path.hasPrefix(start))
            try configuration.write("#!/bin/sh\n", to: String(path.dropFirst(start.count)), mode: 0o755)
        }
        try configuration.write(try #require(evaluated.contents["/etc/crypttab"]), to: "crypttab")
        try configuration.write("", to: "generated/empty")
        let generated = configuration.work.path("generated")
        let made = try run(
            "/lib/systemd/system-generators/systemd-cryptsetup-generator", [generated, generated, generated],
            environment: ["SYSTEMD_CRYPTTAB": configuration.work.path("crypttab"), "SYSTEMD_IN_INITRD": "1"])
        #expect(made.status == 0, "\(made)")
        return evaluated
    }

    /// What systemd says of a unit.
    private func verify(_ unit: String, of configuration: Configuration) throws -> String {
        let folders = ["units", "generated"].map { configuration.work.path($0) }
        let end = try run(
            "systemd-analyze", ["verify", "--man=no", unit],
            environment: ["SYSTEMD_UNIT_PATH": folders.joined(separator: ":") + ":"], timeout: 120)
        return end.out + end.err
    }

    private static let root = #"systemd-cryptsetup@crypt\x2droot.service"#

    @Test func `systemd finds nothing to say of the unit and of what is added to the volumes' units`() throws {
        let configuration = try Configuration()
        let evaluated = try rendered(configuration)
        #expect(try verify(configuration.work.path("units/postern.service"), of: configuration) == "")
        let dropIns = evaluated.units.keys.filter { $0.hasPrefix("systemd-cryptsetup@") }
        #expect(dropIns.count == 7)
        for name in dropIns {
            let unit = String(name.prefix { $0 != "/" }.dropLast(2))
            let file = configuration.work.path("generated/\(unit)")
            #expect(FileManager.default.fileExists(atPath: file), "\(unit)")
            #expect(try verify(file, of: configuration) == "", "\(unit)")
        }
    }

    @Test func `systemd does find what is wrong, in the unit and in what is added`() throws {
        let configuration = try Configuration()
        let evaluated = try rendered(configuration)
        for (name, unit) in [
            ("postern.service", "units/postern.service"),
            ("\(Self.root).d/overrides.conf", "generated/\(Self.root)"),
        ] {
            let text = try #require(evaluated.units[name])
            try configuration.write(text + "Afterwards=x\n", to: "units/\(name)")
            let said = try verify(configuration.work.path(unit), of: configuration)
            #expect(said.contains("/units/\(name)") && said.contains("Afterwards"), "\(said)")
        }
        try FileManager.default.removeItem(atPath: configuration.work.path("store/postern/bin/postern"))
        #expect(
            try verify(configuration.work.path("units/postern.service"), of: configuration).contains(
                "/bin/postern is not executable"))
    }

    /// Volumes that Postern opens and others, with names that systemd writes in another way.
    private static let volumes = #"""
        { lib, ... }:
        let volume = more: { device = "/dev/disk/by-uuid/8d103e45-0233-4756-899e-bf8892644790"; } // more;
            options = words: volume { crypttabExtraOpts = words; };
        in {
          boot.initrd.postern.arrays = lib.mkForce { some = { policy = "any"; members = [ "m?" ]; }; };
          boot.initrd.postern.settings.Volume = [ "tpm-taken take" "left leave" "swapped take" ];
          boot.initrd.luks.devices = lib.mkForce {
            crypt-root = volume { };
            "+a.b=c@d#e:f_g" = volume { };
            ".hidden" = volume { };
            tpm = options [ "tpm2-device=auto" ];
            tpm-taken = options [ "tpm2-device=auto,luks" ];
            fido = options [ "discard,fido2-device=auto" ];
            card = options [ "pkcs11-uri=auto" ];
            left = volume { };
            swapped = options [ "swap" ];
            kept = options [ "swap" "luks" ];
            script = options [ "keyscript=passdev" ];
            random = volume { keyFile = "/dev/urandom"; };
            bitlocker = options [ "bitlk" ];
            never = options [ "noauto" ];
            header = volume { header = "/etc/header"; };
            header-on = volume { header = "/header:LABEL=keys"; };
            key = volume { keyFile = "/etc/key"; };
            key-on = volume { keyFile = "/etc/key:UUID=8d103e45-0233-4756-899e-bf8892644791"; };
            m1 = volume { };
            m2 = options [ "nofail" ];
          };
        }
        """#

    @Test func `drop-ins are those that postern image writes for the same files, for the same volumes`() throws {
        let configuration = try Configuration(with: Self.volumes)
        let evaluated = try configuration.evaluated()
        #expect(evaluated.failed == [])
        let work = configuration.work
        let key = try KeyPair(work, "key")
        // What Postern adds to such a line counts for it as the owner's.
        let crypttab = try #require(evaluated.contents["/etc/crypttab"]).replacing("keyfile-timeout=5s", with: "luks")
        try configuration.write(crypttab, to: "crypttab")
        try configuration.write(
            try #require(evaluated.contents["/etc/postern/postern.conf"])
                .replacing("/etc/postern/ssh_host_key_1", with: key.path)
                .replacing("/etc/postern/authorized_keys", with: "\(key.path).pub")
                .replacing("/etc/crypttab", with: work.path("crypttab")), to: "postern.conf")
        try configuration.write("", to: "tree/usr/lib/systemd/systemd")
        // What is asked for by its name is needed, whatever `noauto` says.
        let names = evaluated.contents["/etc/crypttab"]?.split(separator: "\n").map { String($0.prefix { $0 != " " }) }
            .filter { $0 != "never" }
        let end = try run(
            Configuration.agent,
            ["image", "--into", work.path("tree"), "-f", work.path("postern.conf"), "--"] + (names ?? []), timeout: 60)
        #expect(end.status == 0, "\(end)")

        var theirs: [String: [String: [String]]] = [:]
        let folder = work.path("tree/etc/systemd/system")
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
            let file = try #require(FileManager.default.contentsOfDirectory(atPath: "\(folder)/\(name)").first)
            theirs[name] = settings(try String(contentsOfFile: "\(folder)/\(name)/\(file)", encoding: .utf8))
        }
        var ours: [String: [String: [String]]] = [:]
        for (name, text) in evaluated.units where name.hasSuffix("/overrides.conf") {
            ours[String(name.prefix { $0 != "/" })] = settings(text)
        }
        // The volumes that Postern opens, the device of the others, a key's and a header's.
        #expect(ours.count == 11 + 3)
        #expect(ours == theirs)
    }
}
