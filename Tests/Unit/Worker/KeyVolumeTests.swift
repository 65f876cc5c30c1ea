import Foundation
import Linux
import TestImages
import Testing
import Wire

/// Whether this machine can make loop devices.
private let canLoop = geteuid() == 0 && FileManager.default.fileExists(atPath: "/dev/loop-control")

private func canMount(_ type: String) -> Bool {
    let known = (try? String(contentsOfFile: "/proc/filesystems", encoding: .utf8)) ?? ""
    return known.split(separator: "\n").contains { $0.hasSuffix("\t\(type)") }
}

/// A key volume on a loop device, and what may be left of it afterwards: nothing.
@Suite(.enabled(if: canLoop, "loop devices need root"), .serialized) struct KeyVolumeTests {
    /// A file system in an image, with the file `key` in its root, on a loop device.
    final class LoopDevice {
        let place: Workplace
        let path: String

        init(_ script: String) throws {
            place = try Workplace()
            path = try place.shell(
                "mkdir files; printf secret > files/key\n(\(script)) >log 2>&1\nlosetup --show -f image"
            )
            .trimmingCharacters(in: .newlines)
            // A loop device keeps the setting of its last use.
            try place.shell("blockdev --setrw \(path)")
        }

        deinit { _ = try? place.shell("losetup -d \(path)") }

        func read(_ name: String = "/key") throws -> WorkerReport? {
            try WorkerUnderTest.run(.readKey(KeyOrder(device: path, folder: nil, path: name, offset: 0, size: nil)))
        }

        /// The failure's sentence, with the device's path left out.
        func failure(_ name: String = "/key") throws -> String? {
            guard case .done(.failed(let reason)) = try read(name) else { return nil }
            return reason.replacing(path, with: "DEVICE")
        }

        func isReadOnly() throws -> Bool { try place.shell("blockdev --getro \(path)") == "1\n" }
    }

    @Test(
        arguments: [
            ("ext4", "truncate -s 20M image; mkfs.ext4 -q -d files image"),
            ("ext4", "truncate -s 20M image; mkfs.ext3 -q -d files image"),
            ("ext4", "truncate -s 20M image; mkfs.ext2 -q -d files image"),
            (
                "xfs",
                """
                truncate -s 300M image
                printf '/\\n0 0\\nd--755 0 0\\nkey ---644 0 0 files/key\\n$\\n' > tree
                mkfs.xfs -q -p tree image
                """
            ),
            ("btrfs", "truncate -s 128M image; mkfs.btrfs -q --rootdir files image"),
            ("vfat", "truncate -s 20M image; mkfs.vfat image; mcopy -i image files/key ::key"),
        ].filter { canMount($0.0) })
    func `each file system is read, and not one byte of it written`(type: String, script: String) throws {
        let loop = try LoopDevice(script)
        let before = try loop.place.shell("sha256sum image")
        let report = try loop.read()
        guard case .key(let key) = report else {
            Issue.record("\(String(describing: report))")
            return
        }
        #expect(bytes(key) == Array("secret".utf8))
        #expect(try loop.place.shell("sha256sum image") == before)
        #expect(try !loop.isReadOnly())
        // O_EXCL fails on a block device that is mounted anywhere.
        let exclusive = open(loop.path, O_RDWR | O_EXCL)
        #expect(exclusive >= 0)
        close(exclusive)
        #expect(try loop.failure("/none") == "key file /none on DEVICE: No such file or directory")
        #expect(try !loop.isReadOnly())
    }

    /// A journal that has not been replayed is what a machine that lost its power leaves.
    @Test func `an unreplayed journal stays as it is`() throws {
        let loop = try LoopDevice(
            """
            truncate -s 20M image; mkfs.ext4 -q -d files image
            debugfs -w -R 'feature needs_recovery' image 2>&1
            """)
        let before = try loop.place.shell("sha256sum image")
        let report = try loop.read()
        guard case .key = report else {
            Issue.record("\(String(describing: report))")
            return
        }
        #expect(try loop.place.shell("sha256sum image") == before)
    }

    @Test func `a device that was read-only stays so`() throws {
        let loop = try LoopDevice("truncate -s 20M image; mkfs.ext4 -q -d files image")
        try loop.place.shell("blockdev --setro \(loop.path)")
        let report = try loop.read()
        guard case .key = report else {
            Issue.record("\(String(describing: report))")
            return
        }
        #expect(try loop.isReadOnly())
    }

    @Test func `many readers at once leave it writable`() throws {
        let loop = try LoopDevice("truncate -s 20M image; mkfs.ext4 -q -d files image")
        let order = KeyOrder(device: loop.path, folder: nil, path: "/key", offset: 0, size: nil)
        let workers = try (0..<6).map { _ in try WorkerUnderTest() }
        for worker in workers { try worker.send(.readKey(order)) }
        for worker in workers {
            guard case .key = try worker.report() else {
                Issue.record("no key")
                continue
            }
            #expect(worker.status() == 0)
        }
        #expect(try !loop.isReadOnly())
    }

    @Test func `a link on it is not followed`() throws {
        let loop = try LoopDevice("ln -s key files/link; truncate -s 20M image; mkfs.ext4 -q -d files image")
        #expect(
            try loop.failure("/link")
                == "key file /link on DEVICE lies behind a symbolic link, which is not followed there")
    }

    @Test(
        arguments: [
            ("truncate -s 20M image", "key volume DEVICE has no file system"),
            (
                "truncate -s 20M image; mkswap -q image",
                "key volume DEVICE has a file system that is not mounted here: swap, not ext4, xfs, btrfs or vfat"
            ),
            (
                "truncate -s 20M image; mkfs.ext4 -q image; truncate -s 1M image",
                "key volume DEVICE does not mount as ext4: Invalid argument"
            ),
        ])
    func `what does not mount is named`(script: String, sentence: String) throws {
        let loop = try LoopDevice(script)
        #expect(try loop.failure() == sentence)
        #expect(try !loop.isReadOnly())
    }

    @Test func `a device that is not there is named`() throws {
        let order = KeyOrder(device: "/dev/nonexistent", folder: nil, path: "/key", offset: 0, size: nil)
        guard case .done(.failed(let reason)) = try WorkerUnderTest.run(.readKey(order)) else {
            Issue.record("no failure")
            return
        }
        #expect(reason == "key volume /dev/nonexistent cannot be read: No such file or directory")
    }
}
