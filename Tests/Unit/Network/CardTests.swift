import Foundation
import Linux
import Testing

@Suite struct NetworkCardTests {
    @Test func `cards without driver are found`() throws {
        let root = NSTemporaryDirectory() + "/postern-cards-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: root) }
        func device(_ path: String, _ files: [String: String], driver: Bool = false) throws {
            let folder = "\(root)/bus/\(path)"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            for (name, text) in files {
                try (text + "\n").write(toFile: "\(folder)/\(name)", atomically: false, encoding: .utf8)
            }
            if driver {
                try FileManager.default.createSymbolicLink(atPath: "\(folder)/driver", withDestinationPath: root)
            }
        }
        #expect(NetworkCards.driverless(sysfs: root) == [])
        let ethernet = ["class": "0x020000", "vendor": "0x8086", "device": "0x100e"]
        try device("pci/devices/0000:00:03.0", ethernet)
        try device("pci/devices/0000:00:04.0", ethernet, driver: true)
        try device("pci/devices/0000:00:05.0", ["class": "0x010601", "vendor": "0x8086", "device": "0x2922"])
        try device("pci/devices/0000:00:06.0", [:])
        try device("virtio/devices/virtio0", ["device": "0x0001"])
        try device("virtio/devices/virtio1", ["device": "0x0001"], driver: true)
        try device("virtio/devices/virtio2", ["device": "0x0002"])
        #expect(NetworkCards.driverless(sysfs: root) == ["PCI 0000:00:03.0 (8086:100e)", "virtio0 (virtio-net)"])
    }

    @Test func `udev is at work while it has a queue`() throws {
        let folder = NSTemporaryDirectory() + "/postern-udev-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        #expect(!NetworkCards.isUdevBusy(folder: folder))
        try "".write(toFile: "\(folder)/queue", atomically: false, encoding: .utf8)
        #expect(NetworkCards.isUdevBusy(folder: folder))
    }
}
