import Foundation
import Repository
import TestPeers
import Testing

/// `volumes-needed` of the Debian package, on a sysfs made for the test.
@Suite struct VolumesNeededTests {
    private let folder: TemporaryFolder
    private let script = Repository.path("initrd/initramfs-tools/volumes-needed")

    init() throws {
        folder = try TemporaryFolder()
        try folder.write("", to: "crypttab")
        try folder.write("", to: "fstab")
    }

    private func needed(_ shell: [String]) throws -> [Substring] {
        let end = try run(
            shell[0], shell.dropFirst() + [script],
            environment: [
                "POSTERN_SYS": folder.path("sys"), "POSTERN_FSTAB": folder.path("fstab"),
                "POSTERN_CRYPTTAB": folder.path("crypttab"), "POSTERN_RESUME": folder.path("resume"),
                "PATH": "\(folder.path("bin")):/usr/sbin:/usr/bin:/sbin:/bin",
            ], timeout: 60)
        #expect(end.status == 0, "\(end)")
        return end.out.split(separator: "\n")
    }

    /// A block device, what it is mapped from, and what device-mapper calls it.
    private func device(_ node: String, on slaves: [String] = [], uuid: String = "", name: String = "") throws {
        let place = folder.path("sys/class/block/\(node)")
        try FileManager.default.createDirectory(atPath: "\(place)/slaves", withIntermediateDirectories: true)
        for slave in slaves {
            try FileManager.default.createSymbolicLink(
                atPath: "\(place)/slaves/\(slave)", withDestinationPath: "../../\(slave)")
        }
        guard !uuid.isEmpty else { return }
        try FileManager.default.createDirectory(atPath: "\(place)/dm", withIntermediateDirectories: true)
        try Data("\(uuid)\n".utf8).write(to: URL(filePath: "\(place)/dm/uuid"))
        try Data("\(name)\n".utf8).write(to: URL(filePath: "\(place)/dm/name"))
    }

    /// The root on LVM on LUKS on an md array of two LUKS volumes, and a swap volume.
    private func machine() throws {
        try device("sda1")
        try device("sdb1")
        try device("dm-1", on: ["sda1"], uuid: "CRYPT-LUKS2-1-one", name: "one")
        try device("dm-2", on: ["sdb1"], uuid: "CRYPT-LUKS2-2-two", name: "two")
        try device("md0", on: ["dm-1", "dm-2"])
        try device("dm-3", on: ["md0"], uuid: "CRYPT-LUKS2-3-top", name: "top")
        try device("dm-4", on: ["dm-3"], uuid: "LVM-abc", name: "vg-root")
        try device("dm-5", on: ["sda1"], uuid: "CRYPT-LUKS1-5-sleep", name: "sleep")
        try folder.write("# what\n/dev/dm-4 / ext4 defaults 0 1\n/dev/sdz1 /home ext4 defaults 0 2\n", to: "fstab")
    }

    private static let shells = [["dash"], ["busybox", "sh"]]

    @Test(arguments: shells)
    func `every encrypted volume at and below the root is named`(shell: [String]) throws {
        try machine()
        #expect(try needed(shell) == ["one", "top", "two"])
    }

    @Test(arguments: shells)
    func `what cryptsetup makes below a volume with integrity, and a verified root, have no line in crypttab`(
        shell: [String]
    ) throws {
        try device("sda1")
        try device("dm-0", on: ["sda1"], uuid: "CRYPT-SUBDEV-1-one_dif", name: "one_dif")
        try device("dm-1", on: ["dm-0"], uuid: "CRYPT-LUKS2-1-one", name: "one")
        try device("dm-2", on: ["dm-1"], uuid: "CRYPT-VERITY-2-root", name: "root")
        try folder.write("/dev/dm-2 / ext4\n", to: "fstab")
        #expect(try needed(shell) == ["one"])
    }

    @Test(arguments: shells)
    func `what hibernation resumes from is needed, too`(shell: [String]) throws {
        try machine()
        try folder.write("RESUME=/dev/dm-5\n", to: "resume")
        #expect(try needed(shell) == ["one", "sleep", "top", "two"])
    }

    @Test(arguments: shells)
    func `where nothing is mapped the root's own name counts, if crypttab has it`(shell: [String]) throws {
        try folder.write("/dev/mapper/crypt-root / ext4\n/dev/mapper/vg-usr /usr ext4\n", to: "fstab")
        #expect(try needed(shell) == [])
        try folder.write("crypt-root UUID=1 none luks\n", to: "crypttab")
        #expect(try needed(shell) == ["crypt-root"])
        // A last line may have no end.
        try folder.write("crypt-root", to: "crypttab")
        try folder.write("/dev/mapper/crypt-root / ext4", to: "fstab")
        #expect(try needed(shell) == ["crypt-root"])
    }

    /// What `zpool list -vHLP` prints of a pool with a disk that is missing.
    private static let pool = """
        #!/bin/sh
        [ "$*" = 'list -vHLP rpool' ] || exit 1
        printf 'rpool\\t1G\\t1M\\t1G\\t-\\t-\\t0%%\\t0%%\\t1.00x\\tDEGRADED\\t-\\n'
        printf '\\traidz1-0\\t1G\\t-\\nlogs\\t-\\t-\\n'
        printf '\\t/dev/%s\\t1G\\t1M\\n' dm-1 dm-5 mapper/three
        printf '\\t1234567890\\t-\\t-\\n'

        """

    @Test(arguments: shells)
    func `a root on ZFS lies on the devices of its pool`(shell: [String]) throws {
        try machine()
        try FileManager.default.createDirectory(atPath: folder.path("bin"), withIntermediateDirectories: true)
        try folder.write(Self.pool, to: "bin/zpool")
        chmod(folder.path("bin/zpool"), 0o755)
        try folder.write("three UUID=3 none luks\n", to: "crypttab")
        for fstab in ["rpool/root / zfs defaults 0 0\n", "rpool / zfs"] {
            try folder.write(fstab, to: "fstab")
            #expect(try needed(shell) == ["one", "sleep", "three"])
        }
        // A dataset is not a device of its name.
        try folder.write("rpool/root / ext4\n", to: "fstab")
        #expect(try needed(shell) == [])
    }

    @Test(arguments: shells)
    func `nothing to find is no error`(shell: [String]) throws {
        try folder.write("tmpfs / tmpfs\nrpool/root / zfs\nUUID=\"no-such\" /usr ext4\n", to: "fstab")
        try folder.write("RESUME=none\n", to: "resume")
        #expect(try needed(shell) == [])
        try FileManager.default.removeItem(atPath: folder.path("crypttab"))
        #expect(try needed(shell) == [])
    }

    @Test(arguments: shells)
    func `a loop of devices ends`(shell: [String]) throws {
        try device("dm-1", on: ["dm-1"], uuid: "CRYPT-LUKS2-1-one", name: "one")
        try folder.write("/dev/dm-1 / ext4\n", to: "fstab")
        #expect(try needed(shell) == ["one"])
    }
}
