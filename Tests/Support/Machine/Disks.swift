import Foundation
import Repository

/// The disks of the test machine; `Tests/Support/qemu/disks` says which there are.
public struct Disks: Sendable {
    /// The folder of the source tree.
    static let root = Repository.root

    public static func script(_ name: String) -> String { Repository.path("Tests/Support/qemu/\(name)") }

    let folder: String

    /// Makes those of `names` that do not exist yet. Some take ten seconds, `root` half a minute.
    public init(_ names: [String]) async throws {
        let made = try await runProgram([Disks.script("disks")] + names, within: .seconds(3600))
        guard made.status == 0 else { throw MachineError.failed("the disks \(names) were not made: \(made)") }
        folder = made.output.trimmingCharacters(in: .newlines)
    }

    /// Those in a folder that another script made.
    init(folder: String) { self.folder = folder }

    /// The passphrase of the roots and members, and the one of the others.
    public static func passphrases() async throws -> (root: String, other: String) {
        let lines = try await runProgram([Disks.script("disks"), "--passphrases"]).output.split(separator: "\n")
        return (String(lines[0]), String(lines[1]))
    }

    /// The key file of the key volumes and of the root.
    var keyFile: [UInt8] { get throws { try [UInt8](Data(contentsOf: URL(filePath: "\(folder)/keyfile"))) } }

    func image(_ name: String) -> String { "\(folder)/\(name).img" }

    /// Replaces each `{NAME}` by the UUID of that disk, as in `storage-1 UUID={storage-1} none luks`.
    func filled(_ text: String) throws -> String {
        var result = ""
        var rest = text[...]
        while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
            let name = rest[rest.index(after: open)..<close]
            // Both NAME.uuid and, for what lies inside a volume, NAME.inner.
            let file = name.contains(".") ? "\(folder)/\(name)" : "\(folder)/\(name).uuid"
            let uuid = try String(contentsOfFile: file, encoding: .utf8)
            result += rest[..<open] + uuid.trimmingCharacters(in: .newlines)
            rest = rest[rest.index(after: close)...]
        }
        return result + rest
    }
}
