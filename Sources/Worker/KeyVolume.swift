internal import LUKS
internal import Linux
internal import Wire

/// A file system that holds key files. The kernel is kept from writing to it, which a mount alone does not do.
enum KeyVolume {
    /// Mounts the key volume where no other process sees it, reads the key, and unmounts it.
    static func read(_ device: String, _ order: KeyOrder) throws(KeyError) -> SecretBytes {
        let readOnly: ReadOnlyDevice
        do throws(SystemError) { readOnly = try ReadOnlyDevice(device) } catch {
            throw .volume(device, code: error.code)
        }
        let result = Result { () throws(KeyError) in try readMounted(device, order) }
        // Only now: it is unmounted.
        readOnly.restore()
        return try result.get()
    }

    private static func readMounted(_ device: String, _ order: KeyOrder) throws(KeyError) -> SecretBytes {
        let type: String
        do throws(SystemError) { type = try DeviceTags(probing: device).type } catch {
            throw .volume(device, code: error.code)
        }
        guard !type.isEmpty else { throw .noFilesystem(device) }
        guard let driver = Driver(filesystem: type) else { throw .filesystem(device, type: type) }
        let root: Folder
        do throws(SystemError) {
            root = try Folder(mounting: device, type: driver.name, option: driver.withoutReplay)
        } catch { throw .mount(device, type: driver.name, code: error.code) }
        return try KeyFile.read(order, beneath: root)
    }

    /// The kernel's driver for a file system, and how it is told not to replay the journal.
    struct Driver: Equatable {
        let name: String
        let withoutReplay: String?

        /// The driver for a type as libblkid names it, or `nil` where there is no telling how to leave it untouched.
        init?(filesystem type: String) {
            switch type {
            // One driver mounts all three, and many kernels have no other. Without a journal, noload changes nothing.
            case "ext2", "ext3", "ext4": self.init(name: "ext4", withoutReplay: "noload")
            case "xfs": self.init(name: "xfs", withoutReplay: "norecovery")
            case "btrfs": self.init(name: "btrfs", withoutReplay: "rescue=nologreplay")
            case "vfat": self.init(name: "vfat", withoutReplay: nil)
            default: return nil
            }
        }

        private init(name: String, withoutReplay: String?) {
            self.name = name
            self.withoutReplay = withoutReplay
        }
    }
}
