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
    func newLine() throws -> String {
        try String(contentsOfFile: KeyPair(keys, UUID().uuidString).path + ".pub", encoding: .utf8)
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

    /// Builds the image of a kernel as the hook of initramfs-tools does, with the machine's files of now.
    ///
    /// - Parameters:
    ///   - version: the kernel's.
    ///   - paths: what is taken out of it again.
    /// - Throws: whatever keeps it from being built.
    func build(_ version: String, without paths: String...) throws {
        let tree = "tree-" + UUID().uuidString
        let modules = "/usr/lib/modules/\(version)"
        try put("", at: "/scripts/functions", in: tree)
        try put("agent", at: "/usr/sbin/postern", in: tree)
        try put("", at: "\(modules)/kernel/drivers/md/dm-crypt.ko", in: tree)
        try put("", at: "\(modules)/kernel/crypto/xts.ko", in: tree)
        try put("kernel/crypto/aes_generic.ko\n", at: "\(modules)/modules.builtin", in: tree)
        // Whatever cards this machine has.
        for module in try driversOfNetworkCards() {
            try put("", at: "\(modules)/kernel/drivers/net/\(module).ko", in: tree)
        }
        _ = Staging.renew(folder.path(tree), from: machine.root, file: MadeMachine.conf, more: nil, volumes: [])
        for path in paths { try FileManager.default.removeItem(at: file(path, tree)) }
        try put("", at: "/boot/vmlinuz-\(version)")
        try put("", at: "/boot/initrd.img-\(version)")
        let packed = try run(
            "/bin/sh",
            [
                "-euc", "cd \"$0\"; find . | cpio --quiet -o -H newc | gzip -1 >\"$1\"", folder.path(tree),
                image(version),
            ])
        guard packed.status == 0 else { throw PeerError.tool("cpio: \(packed)") }
    }

    func image(_ version: String) -> String { machine.root + "/boot/initrd.img-\(version)" }
}
