internal import Foundation
public import Linux

/// A folder for one test's files, removed with it.
public final class Workplace: Sendable {
    public let path: String

    public init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "postern-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    public func file(_ name: String) -> String { "\(path)/\(name)" }

    @discardableResult
    public func write(_ name: String, _ bytes: [UInt8]) throws -> String {
        try Data(bytes).write(to: URL(filePath: file(name)))
        return file(name)
    }

    public func bytes(_ name: String) throws -> [UInt8] {
        try [UInt8](Data(contentsOf: URL(filePath: file(name))))
    }

    /// Runs a script with this folder as its working folder, and returns what it printed.
    @discardableResult
    public func shell(_ script: String) throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-ec", "PATH=$PATH:/usr/sbin:/sbin\n" + script]
        process.currentDirectoryURL = URL(filePath: path)
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw ScriptFailure(script: script, output: text) }
        return text
    }

    /// Makes a LUKS image with cryptsetup(8) itself, whose slot 0 opens with `passphrase`. A try takes about 40 ms.
    @discardableResult
    public func format(
        _ name: String, type: String = "luks2", passphrase: String = "1234", options: String = ""
    ) throws -> String {
        try shell(
            """
            truncate -s 20M \(name)
            printf '%s' '\(passphrase)' | cryptsetup luksFormat -q --type \(type) \(cheap) \(options) \(name) -
            """)
        return file(name)
    }
}

/// A script of the test's that should have worked.
public struct ScriptFailure: Error {
    public let script: String
    public let output: String
}

/// Options that make key derivation as quick as cryptsetup(8) lets it be.
public let cheap = "--pbkdf pbkdf2 --pbkdf-force-iterations 1000"

/// Options for argon2id with `memory` KiB and no more work than there must be.
public func argon2(memory: Int) -> String {
    "--pbkdf argon2id --pbkdf-memory \(memory) --pbkdf-parallel 1 --pbkdf-force-iterations 4"
}

public func secret(_ text: String) throws -> SecretBytes {
    try secret(Array(text.utf8))
}

public func secret(_ bytes: [UInt8]) throws -> SecretBytes {
    try bytes.withUnsafeBytes { try SecretBytes(copying: $0) }
}

public func bytes(_ secret: SecretBytes) -> [UInt8] {
    secret.withUnsafeBytes { Array($0) }
}

extension Workplace {
    /// Rewrites both copies of a LUKS2 header with their checksums put right, as a forger would.
    ///
    /// - Parameters:
    ///   - name: the image.
    ///   - change: what becomes of the JSON text.
    /// - Throws: `ScriptFailure`, also when nothing changes.
    public func forge(_ name: String, _ change: (String) -> String) throws {
        let start = try bytes(name).prefix(4 << 20)
        let size = Int(start[8..<16].reduce(0) { $0 << 8 | UInt64($1) })
        for copy in [0, size] {
            var header = Array(start[copy..<copy + size])
            let old = String(decoding: header[4096...].prefix { $0 != 0 }, as: UTF8.self)
            let new = change(old)
            guard new != old, new.utf8.count < size - 4096 else { throw ScriptFailure(script: name, output: new) }
            header.replaceSubrange(4096..., with: Array(new.utf8))
            header += [UInt8](repeating: 0, count: size - header.count)
            header.replaceSubrange(448..<512, with: [UInt8](repeating: 0, count: 64))
            try write("forged", header)
            let sum = Array(try shell("sha256sum forged").utf8.prefix(64))
            let digest = stride(from: 0, to: 64, by: 2).map { at in
                UInt8(String(decoding: sum[at..<at + 2], as: UTF8.self), radix: 16) ?? 0
            }
            header.replaceSubrange(448..<480, with: digest)
            try write("forged", header)
            try shell("dd if=forged of=\(name) bs=4096 seek=\(copy / 4096) conv=notrunc status=none")
        }
    }

    /// Overwrites a part of a file.
    public func patch(_ name: String, at offset: Int, _ text: String) throws {
        try write("patch", Array(text.utf8))
        try shell("dd if=patch of=\(name) bs=1 seek=\(offset) conv=notrunc status=none")
    }
}
