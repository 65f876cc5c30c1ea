import Glibc
import LUKS
import Linux
import TestImages
import Testing

@Suite struct DeviceTagsTests {
    let place: Workplace

    init() throws { place = try Workplace() }

    private static let uuid = "5cb3e2a3-7e34-4f6c-9d5c-2b8a4a1f0e11"

    @Test(
        arguments: [
            ("mkfs.ext4 -q -L Keys -U \(uuid) image", "ext4", uuid, "Keys"),
            ("mkfs.ext2 -q -U \(uuid) image", "ext2", uuid, ""),
            ("mkfs.vfat -n STICK -i abcd1234 image", "vfat", "ABCD-1234", "STICK"),
            (
                "printf 1 | cryptsetup luksFormat -q --label vault --uuid \(uuid) \(cheap) image -",
                "crypto_LUKS", uuid, "vault"
            ),
            ("true", "", "", ""),
            // Signatures of two kinds: which one is stale, nobody can tell.
            (
                "mkfs.ext4 -q image; mkfs.btrfs -q -f other; dd if=other of=image bs=4k skip=16 seek=16 count=1 "
                    + "conv=notrunc status=none", "", "", ""
            ),
        ])
    func `libblkid's word for what an image holds`(script: String, type: String, uuid: String, label: String) throws {
        try place.shell("truncate -s 128M image other\n\(script)")
        let tags = try DeviceTags(probing: place.file("image"))
        #expect(tags.type == type)
        #expect(tags.uuid == uuid)
        #expect(tags.label == label)
        #expect(tags.partitionUUID == "")
    }

    @Test func `gives up rights between opening and parsing`() throws {
        try place.shell("truncate -s 1M image")
        var calls = 0
        _ = try DeviceTags(probing: place.file("image")) { calls += 1 }
        #expect(calls == 1)
        #expect(throws: SystemError("open(/nonexistent)", code: ENOENT)) {
            _ = try DeviceTags(probing: "/nonexistent") { calls += 1 }
        }
        #expect(calls == 1)
    }

    @Test(.enabled(if: geteuid() == 0, "loop devices need root"))
    func `reads the entry of a partition`() throws {
        let device = try place.shell(
            """
            truncate -s 20M image
            echo 'label: gpt
            start=2048, size=8192, name=keys, uuid=\(DeviceTagsTests.uuid)' | sfdisk -q image
            losetup --show -f image
            """
        ).trimmed
        defer { _ = try? place.shell("losetup -d \(device)") }
        // The kernel may know no partition tables, and udev may not be here to make the node.
        try place.shell("addpart \(device) 1 2048 8192")
        defer { _ = try? place.shell("delpart \(device) 1") }
        try place.shell("mknod part b $(tr : ' ' < /sys/class/block/$(basename \(device))p1/dev)")
        let tags = try DeviceTags(probing: place.file("part"))
        #expect(tags.partitionUUID == DeviceTagsTests.uuid)
        #expect(tags.partitionLabel == "keys")
        #expect(tags.type == "")
    }
}
