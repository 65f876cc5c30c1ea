import Foundation
import TestPeers
import Testing

/// What an image with systemd gets besides, and volumes that crypttab does not name.
extension ImageCommandTests {
    @Test func inASystemdTreeTheUnitsOfItsOwnVolumesAloneWait() throws {
        try put("usr/lib/systemd/systemd")
        try write(
            settings: "Volume mine leave",
            crypttab: root + "\nkey-1 /dev/sdb none luks\nmine /dev/sdc none luks\nlater /dev/sdd none luks,noauto\n"
                + "chip /dev/sde none luks,tpm2-device=auto\nold /dev/sdf none luks,force")
        let end = try stage("root", "key-1", "mine", "later", "chip")
        #expect(end.status == 0, "\(end)")
        let units = stagedFiles.filter { $0.hasSuffix(".service.d/postern.conf") }
        #expect(
            units
                == [#"key\x2d1"#, "old", "root"].map {
                    "etc/systemd/system/systemd-cryptsetup@\($0).service.d/postern.conf"
                })
        let unit = try staged(#"etc/systemd/system/systemd-cryptsetup@key\x2d1.service.d/postern.conf"#)
        #expect(
            unit.hasSuffix("[Unit]\nAfter=postern.service\nConditionPathExists=!/run/postern/skip/key-1\n"))
    }

    @Test func inASystemdTreeTheFallbackIsThereAndSpareMembersHoldUpNothing() throws {
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
            ("dev-sdc", "JobRunningTimeoutSec=90s\n"), ("dev-sdd", ""),
            (#"dev-disk-by\x2dlabel-keys"#, "JobRunningTimeoutSec=90s\n"),
        ] {
            #expect(
                try staged("etc/systemd/system/\(device).device.d/postern.conf")
                    .hasSuffix("[Unit]\nAfter=postern.service\n\(limit)"))
        }
    }

    @Test func volumesThatCrypttabDoesNotNameAreAddedAndOthersHaveItsName() throws {
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

    @Test func whatIsAddedIsNoSecondVolumeOnTheSameDisk() throws {
        let disk = "root /dev/disk/by-uuid/11111111-2222-3333-4444-555555555555 none luks"
        try write(crypttab: disk)
        try folder.write("luks-1 UUID=11111111-2222-3333-4444-555555555555 none luks\n", to: "also")
        #expect(try stage("--also", folder.path("also")).status == 0)
        #expect(try staged("etc/postern/crypttab").split(separator: "\n").dropFirst() == [Substring(disk)])
    }

    @Test func aMachineWithoutACrypttabIsUnlockedByWhatIsAdded() throws {
        try write(crypttab: "")
        try FileManager.default.removeItem(atPath: folder.path("crypttab"))
        try folder.write(root + "\n", to: "also")
        #expect(try stage("--also", folder.path("also")).status == 0)
        #expect(try staged("etc/postern/crypttab").hasSuffix("\n\(root)\n"))
        #expect(try stage("--also", folder.path("nowhere")).status == 1)
    }
}
