import Foundation
import Image
import TestPeers

@testable import Check

/// A machine that is no more than a folder, with images in its `/boot`.
final class MadeMachine: Sendable {
    let folder: TemporaryFolder
    let machine: CheckedMachine
    private let keys: TemporaryFolder

    static let conf = "/etc/postern/postern.conf"
    static let root = "root UUID=11111111-2222-3333-4444-555555555555 none luks,initramfs\n"

    init() throws {
        folder = try TemporaryFolder()
        keys = try TemporaryFolder()
        machine = CheckedMachine(file: MadeMachine.conf, root: folder.path("machine"))
        try put("Crypttab /etc/crypttab\nHostKey /etc/postern/key\n", at: MadeMachine.conf)
        try put(MadeMachine.root, at: "/etc/crypttab")
        try put(try newKey(), at: "/etc/postern/key")
        try put(try newLine(), at: "/etc/postern/authorized_keys")
        try put("agent", at: "/usr/lib/postern/postern-initrd")
        try put("", at: "/usr/sbin/update-initramfs")
        try build("6.1.0-1")
    }

    /// A private key.
    func newKey() throws -> String {
        try String(contentsOfFile: KeyPair(keys, UUID().uuidString).path, encoding: .utf8)
    }

    /// A line of authorized_keys with a new key.
    func newLine(type: String = "ed25519", bits: Int? = nil) throws -> String {
        try String(
            contentsOfFile: KeyPair(keys, UUID().uuidString, type: type, bits: bits).path + ".pub", encoding: .utf8)
    }

    private func file(_ path: String, _ tree: String) -> URL { URL(filePath: folder.path(tree) + path) }

    func put(_ text: String, at path: String, in tree: String = "machine", mode: Int = 0o600) throws {
        let file = file(path, tree)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file.path)
    }

    func text(_ path: String) throws -> String {
        try String(contentsOf: file(path, "machine"), encoding: .utf8)
    }

    func append(_ text: String, to path: String) throws { try put(try self.text(path) + text, at: path) }

    func remove(_ path: String) throws { try FileManager.default.removeItem(at: file(path, "machine")) }

    /// Makes a LUKS volume, which crypttab then names, and builds the image again.
    ///
    /// - Parameters:
    ///   - options: of cryptsetup(8).
    ///   - more: further options in crypttab.
    /// - Throws: whatever keeps it from being made.
    func format(_ options: String, more: String = "") throws {
        let volume = folder.path("volume")
        let script = "truncate -s 20M $0; printf 1234 | cryptsetup luksFormat -q --type luks2 \(options) $0 -"
        let made = try run("/bin/sh", ["-euc", "PATH=$PATH:/usr/sbin; " + script, volume])
        guard made.status == 0 else { throw PeerError.tool("cryptsetup: \(made)") }
        try put("root \(volume) none luks,initramfs\(more)\n", at: "/etc/crypttab")
        try build("6.1.0-1")
    }

    /// Builds the image of a kernel as the hook of initramfs-tools does, with the machine's files of now.
    ///
    /// - Parameters:
    ///   - version: the kernel's.
    ///   - paths: what is taken out of it again.
    /// - Throws: whatever keeps it from being built.
    func build(_ version: String, without paths: String...) throws {
        try put("", at: "/boot/vmlinuz-\(version)")
        try put("", at: "/boot/initrd.img-\(version)")
        try pack(version, without: paths, into: image(version))
    }

    /// Builds one file of a kernel and its image, as ukify does.
    ///
    /// - Parameters:
    ///   - path: where it comes to lie.
    ///   - version: the kernel's.
    ///   - release: what the system's os-release says.
    ///   - paths: what is taken out of the image again.
    /// - Throws: whatever keeps it from being built.
    func unify(_ path: String, _ version: String, release: String = "ID=made\n", without paths: String...) throws {
        let packed = folder.path("packed-" + UUID().uuidString)
        try pack(version, without: paths, into: packed)
        let initrd = try Data(contentsOf: URL(filePath: packed))
        let sections = [
            (".osrel", Data(release.utf8)), (".uname", Data(version.utf8)), (".initrd", initrd), (".linux", Data([1])),
        ]
        var header = Data("MZ".utf8) + Data(count: 0x3a) + Data([0x40, 0, 0, 0])
        header += Data("PE\0\0".utf8) + Data([0x64, 0x86, UInt8(sections.count), 0]) + Data(count: 16)
        var start = 512
        func number(_ value: Int) -> Data { Data((0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }) }
        for (name, content) in sections {
            // The file has more of it than memory, up to the next block.
            header += Data(name.utf8) + Data(count: 8 - name.utf8.count) + number(content.count) + number(0)
            header += number((content.count + 511) / 512 * 512) + number(start) + Data(count: 16)
            start += (content.count + 511) / 512 * 512
        }
        var file = header + Data(count: 512 - header.count)
        for (_, content) in sections { file += content + Data(count: (512 - content.count % 512) % 512) }
        try put("", at: path)
        try file.write(to: self.file(path, "machine"))
    }

    /// A variable of the firmware with a text in it.
    func putVariable(_ name: String, _ text: String) throws {
        let path = "/sys/firmware/efi/efivars/\(name)-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"
        try put("", at: path)
        try
            (Data([7, 0, 0, 0]) + Data((text + "\0").utf16.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }))
            .write(to: file(path, "machine"))
    }

    /// Packs an image of a kernel.
    func pack(_ version: String, without paths: [String], into archive: String) throws {
        let tree = "tree-" + UUID().uuidString
        let modules = "/usr/lib/modules/\(version)"
        try put("", at: "/scripts/functions", in: tree)
        try put("agent", at: "/usr/sbin/postern", in: tree)
        try put("", at: "\(modules)/kernel/drivers/md/dm-crypt.ko", in: tree)
        try put("", at: "\(modules)/kernel/crypto/xts.ko", in: tree)
        try put("kernel/crypto/aes_generic.ko\n", at: "\(modules)/modules.builtin", in: tree)
        _ = Staging.renew(folder.path(tree), from: machine.root, file: MadeMachine.conf, more: nil, volumes: [])
        for path in paths { try FileManager.default.removeItem(at: file(path, tree)) }
        let packed = try run(
            "/bin/sh",
            ["-euc", "cd \"$0\"; find . | cpio --quiet -o -H newc | gzip -1 >\"$1\"", folder.path(tree), archive])
        guard packed.status == 0 else { throw PeerError.tool("cpio: \(packed)") }
    }

    func image(_ version: String) -> String { machine.root + "/boot/initrd.img-\(version)" }
}
