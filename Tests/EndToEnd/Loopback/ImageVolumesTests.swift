import Foundation
import TestPeers
import Testing

/// What an image with systemd gets besides, and volumes that crypttab does not name.
extension ImageCommandTests {
    @Test func `in a systemd tree the units of its own volumes alone wait`() throws {
        try put("usr/lib/systemd/systemd")
        try write(
            settings: "Volume mine leave",
            crypttab: root + "\nkey-1 /dev/sdb none luks\nmine /dev/sdc none luks\nlater /dev/sdd none luks,noauto\n"
                + "now /dev/sdg none luks,noauto\nmarked /dev/sdh none luks,initramfs\nstay /dev/sdi none luks,force,noauto\n"
                + "chip /dev/sde none luks,tpm2-device=auto\nold /dev/sdf none luks,force\n"
                + "filed /dev/sdj /etc/keys/filed luks,force")
        let end = try stage("root", "key-1", "mine", "now", "chip")
        #expect(end.status == 0, "\(end)")
        let units = stagedFiles.filter { $0.hasSuffix(".service.d/postern.conf") }
        #expect(
            units
                == ["filed", #"key\x2d1"#, "now", "old", "root"].map {
                    "etc/systemd/system/systemd-cryptsetup@\($0).service.d/postern.conf"
                })
        let unit = try staged(#"etc/systemd/system/systemd-cryptsetup@key\x2d1.service.d/postern.conf"#)
        #expect(
            unit.hasSuffix("[Unit]\nAfter=postern.service\nConditionPathExists=!/run/postern/skip/key-1\n"))
        // What the root needs is asked for, whatever `noauto` says. dracut copies a key file later.
        let lines = try staged("etc/postern/crypttab").split(separator: "\n").dropFirst().map { String($0) }
        #expect(
            lines == [
                root, "key-1 /dev/sdb none luks", "mine /dev/sdc none luks", "now /dev/sdg none luks,noauto,auto",
                "stay /dev/sdi none luks,force,noauto", "chip /dev/sde none luks,tpm2-device=auto",
                "old /dev/sdf none luks,force", "filed /dev/sdj /etc/keys/filed luks,force",
            ])
        #expect(!end.err.contains("key file"), "\(end)")
        #expect(try staged("etc/postern/postern.conf").contains("\nInitrd systemd\n"))
    }

    @Test(
        arguments: [
            ("scripts/x", "root /dev/sda none nofail,initramfs", ["root"], "nofail,initramfs,fail"),
            ("usr/lib/systemd/systemd", "root /dev/sda none nofail", ["root"], "nofail,fail"),
            // dracut chose it for the mark that it has.
            ("usr/lib/systemd/systemd", "root /dev/sda none nofail,force", ["root"], "nofail,force"),
            // One may be enough.
            ("scripts/x", "root /dev/sda none nofail\nhalf /dev/sdb none nofail", ["root", "half"], "nofail"),
            ("scripts/x", "root /dev/sda none nofail,noauto", ["root"], "nofail,noauto,auto,fail"),
        ])
    func `nofail does not hold for the only volume of the root`(
        file: String, crypttab: String, needed: [String], options: String
    ) throws {
        try put(file)
        try write(crypttab: crypttab)
        let end = try run(
            try Rehearsal.binary(), ["image", "--into", image.path, "-f", folder.path("postern.conf")] + needed,
            timeout: patience)
        #expect(end.status == 0, "\(end)")
        #expect(try staged("etc/postern/crypttab").split(separator: "\n")[1] == "root /dev/sda none \(options)")
    }

    @Test func `in a tree of initramfs-tools its opener says which volumes are asked for`() throws {
        try FileManager.default.createDirectory(
            at: image.appending(path: "scripts"), withIntermediateDirectories: false)
        try write(
            settings: "Array pool any pool-*\nVolume noise take",
            crypttab: """
                root /dev/sda none luks,tpm2-device=auto
                resume /dev/sdb none luks,swap,noauto,initramfs
                pool-1 /dev/sdc none luks,noauto
                noise /dev/sdd /dev/urandom swap,initramfs
                attached /dev/sde none luks,x-initrd.attach
                dash /dev/sdf - luks,initramfs
                """)
        let end = try stage("root")
        #expect(end.status == 0, "\(end)")
        #expect(
            try staged("etc/postern/crypttab").split(separator: "\n").dropFirst() == [
                "root /dev/sda none luks,tpm2-device=auto", "resume /dev/sdb none luks,swap,noauto,initramfs",
                "pool-1 /dev/sdc none luks,noauto,auto", "noise /dev/sdd /dev/urandom swap,initramfs",
                "dash /dev/sdf - luks,initramfs",
            ])
        #expect(try staged("etc/postern/postern.conf").contains("\nInitrd initramfs-tools\n"))
        for text in [
            "Volume noise take is without effect: random key volumes belong to the native opener; remove the line",
            "crypttab:6: initramfs-tools would not ask for \"dash\"",
            "postern: noise is left to the native opener",
        ] {
            #expect(end.err.contains(text), "\(end)")
        }
        #expect(!end.err.contains("root is left") && !end.err.contains("resume is left"), "\(end)")
    }

    @Test(arguments: ["root /dev/sda none luks", "# no volume"])
    func `for a dataset the unit in a systemd tree stays, though there may be no volume`(crypttab: String) throws {
        try put("usr/lib/systemd/systemd")
        try write(settings: "Dataset rpool/ROOT", crypttab: crypttab)
        let end = crypttab.hasPrefix("root") ? try stage("root") : try stage()
        #expect(end.status == 0, "\(end)")
        #expect(
            try staged("etc/systemd/system/postern.service.d/datasets.conf") == """
                # Written by postern image.
                [Unit]
                Before=initrd-switch-root.target

                [Service]
                Type=notify
                ExecStart=
                ExecStart=/usr/sbin/postern agent --until-root

                """)
        #expect(try staged("etc/postern/postern.conf").contains("\nDataset rpool/ROOT\n"))
    }

    @Test func `in a systemd tree the fallback is there and spare members hold up nothing`() throws {
        try put("usr/lib/systemd/systemd")
        try write(
            settings: "Array storage quorum=1 storage-*",
            crypttab: root + "\nother /dev/sdx none luks\nstorage-1 /dev/sdb none luks\nstorage-2 /dev/sdc none nofail")
        #expect(try stage("root").status == 0)
        let made = root + "\nstorage-1 /dev/sdb none luks,nofail\nstorage-2 /dev/sdc none nofail\n"
        #expect(try staged("etc/crypttab").hasSuffix("\n" + made))

        // dracut's own choice stands.
        try Data("root /dev/disk/by-uuid/1 none luks\nstorage-1 /dev/sdb none\n".utf8).write(
            to: image.appending(path: "etc/crypttab"))
        #expect(try stage("root").status == 0)
        #expect(try staged("etc/crypttab") == "root /dev/disk/by-uuid/1 none luks\nstorage-1 /dev/sdb none nofail\n")

        // What is systemd's has the limit that ours are waited for without, and so has what ours can do without.
        try Data(
            "root /dev/sda /key:LABEL=keys\nown /dev/sdd - x-systemd.device-timeout=5\nswap /dev/sdc /dev/urandom swap\n"
                .utf8
        )
        .write(to: image.appending(path: "etc/crypttab"))
        #expect(try stage("root").status == 0)
        #expect(
            try staged("etc/crypttab")
                == "root /dev/sda /key:LABEL=keys keyfile-timeout=5s\nown /dev/sdd - x-systemd.device-timeout=5\n"
                + "swap /dev/sdc /dev/urandom swap\n")
        for (device, limit) in [
            ("dev-sdc.device.d/timeout", "JobRunningTimeoutSec=90s\n"), ("dev-sdd.device.d/timeout", ""),
            (#"dev-disk-by\x2dlabel-keys.device.d/postern"#, "JobRunningTimeoutSec=90s\n"),
        ] {
            #expect(
                try staged("etc/systemd/system/\(device).conf")
                    .hasSuffix("[Unit]\nAfter=postern.service\n\(limit)"))
        }
    }

    @Test func `volumes that crypttab does not name are added and others have its name`() throws {
        let other = "UUID=aaaaaaaa-2222-3333-4444-555555555555"
        try put("usr/lib/systemd/systemd")
        try write(crypttab: root + "\nunused /dev/sdx none luks")
        try folder.write(
            "luks-1 UUID=11111111-2222-3333-4444-555555555555 none luks\nmore \(other) none luks\nunused /dev/y none\n",
            to: "also")
        let end = try stage("--also", folder.path("also"))
        #expect(end.status == 0, "\(end)")
        #expect(end.err.contains("also:1: UUID=11111111-2222-3333-4444-555555555555 is called luks-1 here and root in"))
        for file in ["etc/postern/crypttab", "etc/crypttab"] {
            let lines = try staged(file).split(separator: "\n").filter { !$0.hasPrefix("#") }
            #expect(lines == [Substring(root), "unused /dev/sdx none luks", "more \(other) none luks"], "\(file)")
        }
        #expect(stagedFiles.contains("etc/systemd/system/systemd-cryptsetup@more.service.d/postern.conf"))
    }

    @Test func `what is added is no second volume on the same disk`() throws {
        let disk = "root /dev/disk/by-uuid/11111111-2222-3333-4444-555555555555 none luks"
        try write(crypttab: disk)
        try folder.write("luks-1 UUID=11111111-2222-3333-4444-555555555555 none luks\n", to: "also")
        #expect(try stage("--also", folder.path("also")).status == 0)
        #expect(try staged("etc/postern/crypttab").split(separator: "\n").dropFirst() == [Substring(disk)])
    }

    @Test func `a machine without a crypttab is unlocked by what is added`() throws {
        try write(crypttab: "")
        try FileManager.default.removeItem(atPath: folder.path("crypttab"))
        try folder.write(root + "\n", to: "also")
        #expect(try stage("--also", folder.path("also")).status == 0)
        let one = try staged("etc/postern/crypttab")
        #expect(one.hasSuffix("\n\(root)\n"))
        // A crypttab of comments is nothing to complain of then, and the image does not tell what the file was called.
        try write(crypttab: "# none\n")
        try folder.write(root + "\n", to: "another")
        let end = try stage("--also", folder.path("another"))
        #expect(end.status == 0 && !end.err.contains("no volume to open"), "\(end)")
        #expect(try staged("etc/postern/crypttab") == one)
        #expect(try stage("--also", folder.path("nowhere")).status == 1)
    }
}
