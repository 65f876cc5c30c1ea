import Config
import Foundation
import Testing

@testable import Image

/// What sysfs and an image's folders tell, read from folders made for the test.
@Suite final class HardwareTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)

    init() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: folder)
    }

    private func make(_ path: String) throws {
        try FileManager.default.createDirectory(at: folder.appending(path: path), withIntermediateDirectories: true)
    }

    private func link(_ path: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(
            at: folder.appending(path: path), withDestinationURL: folder.appending(path: target))
    }

    private func put(_ path: String, _ text: String = "") throws {
        try make((path as NSString).deletingLastPathComponent)
        try Data(text.utf8).write(to: folder.appending(path: path))
    }

    @Test func `a card needs its driver and those of its buses`() throws {
        let card = "devices/pci0/0000:00:03.0/virtio1"
        for path in ["\(card)/net/eth0", "module/virtio_net", "module/virtio_pci", "drivers/a", "drivers/b"] {
            try make(path)
        }
        try make("class/net")
        try make("devices/virtual/net/lo")
        try link("class/net/eth0", to: "\(card)/net/eth0")
        try link("class/net/lo", to: "devices/virtual/net/lo")
        try link("\(card)/net/eth0/device", to: card)
        try link("\(card)/driver", to: "drivers/a")
        try link("devices/pci0/0000:00:03.0/driver", to: "drivers/b")
        try link("drivers/a/module", to: "module/virtio_net")
        try link("drivers/b/module", to: "module/virtio_pci")
        let cards = Hardware(sysfs: folder.path).networkCards
        #expect(cards.map(\.name) == ["eth0"])
        #expect(cards.first?.modules == ["virtio_net", "virtio_pci"])
    }

    @Test(
        arguments: [
            ("kernel/drivers/md/dm-crypt.ko", "dm_crypt"), ("kernel/drivers/md/dm_crypt.ko.xz", "dm-crypt"),
            ("updates/dkms/zfs.ko.zst", "zfs"), ("kernel/fs/nls/nls_iso8859-1.ko.gz", "nls_iso8859_1"),
        ])
    func `a module is found whatever its file is called`(file: String, name: String) throws {
        try put("lib/modules/6.1.0-1/\(file)")
        let modules = KernelModules(beneath: folder.path)
        #expect(modules.versions == ["6.1.0-1"])
        #expect(modules.hasAny(of: ["nothing", name]))
        #expect(!modules.hasAny(of: ["nothing", "dm"]))
    }

    @Test func `what the kernel has built in counts`() throws {
        try put("lib/modules/6.1.0-1/modules.builtin", "kernel/crypto/aes_generic.ko\nkernel/drivers/md/dm-mod.ko\n")
        let modules = KernelModules(beneath: folder.path)
        #expect(modules.hasAny(of: ["aes-generic"]))
        #expect(modules.hasAny(of: ["dm_mod"]))
        #expect(!modules.hasAny(of: ["dm_crypt"]))
    }

    @Test func `the crypto API is answered by what the kernel's lists say`() throws {
        let kernel = "lib/modules/6.1.0-1"
        for file in ["serpent_generic.ko.xz", "twofish-x86_64.ko", "lrw.ko.zst", "xts.ko"] {
            try put("\(kernel)/kernel/crypto/\(file)")
        }
        try put(
            "\(kernel)/modules.alias",
            """
            # Aliases extracted from modules themselves.
            alias pci:v0000* serpent_generic
            alias crypto-serpent serpent_generic
            alias crypto-serpent-generic serpent_generic
            alias crypto-twofish twofish_x86_64
            alias crypto-lrw lrw
            alias crypto-adiantum adiantum

            """)
        try put(
            "\(kernel)/modules.dep",
            """
            kernel/crypto/serpent_generic.ko.xz:
            kernel/crypto/lrw.ko.zst: kernel/crypto/gf128mul.ko.zst
            kernel/arch/x86/crypto/twofish-x86_64.ko: kernel/crypto/xts.ko

            """)
        try put("\(kernel)/modules.builtin", "kernel/crypto/aes_generic.ko\n")
        try put(
            "\(kernel)/modules.builtin.modinfo", "cbc.alias=crypto-cbc\0cbc.license=GPL\0sha2.alias=crypto-sha256-lib\0"
        )
        let modules = KernelModules(beneath: folder.path)
        for name in ["serpent", "serpent-generic", "twofish", "cbc", "sha256-lib", "aes", "xts"] {
            #expect(modules.hasCrypto(name), "\(name)")
        }
        // The file is missing, or what it depends on, or the kernel knows of no such thing.
        for name in ["adiantum", "lrw", "twofish-generic", "sha256", "license", "serp", ""] {
            #expect(!modules.hasCrypto(name), "\(name)")
        }
        #expect(!modules.hasAny(of: ["lrw"]))
        // Nobody has this kernel.
        #expect(!modules.couldHaveCrypto("serpent"))
    }

    @Test func `one device has many names`() throws {
        try put("sda3")
        try put("sda4")
        try link("by-id", to: "sda3")
        let uuid = DeviceSpec.uuid("11111111-2222-3333-4444-555555555555")
        func path(_ name: String) -> DeviceSpec { .path(folder.appending(path: name).path) }
        #expect(Hardware.areSame(uuid, .path("/dev/disk/by-uuid/11111111-2222-3333-4444-555555555555")))
        #expect(Hardware.areSame(path("sda3"), path("by-id")))
        #expect(!Hardware.areSame(path("sda4"), path("by-id")))
        #expect(!Hardware.areSame(uuid, path("sda3")))
        #expect(!Hardware.areSame(path("no"), path("none")))
    }

    @Test func `a loop of links ends`() throws {
        try make("lib/modules/6.1.0-1/kernel")
        try link("lib/modules/6.1.0-1/kernel/again", to: "lib/modules/6.1.0-1/kernel")
        #expect(!KernelModules(beneath: folder.path).hasAny(of: ["dm_crypt"]))
    }
}
