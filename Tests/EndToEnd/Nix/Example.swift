import Foundation
import TestPeers
import Testing

/// What `example.nix` says of the example.
struct Example: Decodable {
    struct Backup: Decodable {
        let paths: [String]
        let pruneOpts: [String]
        let checkOpts: [String]
        let passwordFile: String
    }

    struct Container: Decodable {
        let ports: [String]
        let environment: [String]
        let environmentFiles: [String]
    }

    let failed: [String]
    let warnings: [String]
    let files: [String: String]
    let secrets: [String: String]
    let after: [String: [String]]
    let smb: String
    let exports: String
    let fstab: String
    let ports: [Int]
    let members: [String: [String]]
    let mounts: [String: [String]]
    let requiredBy: [String: [String]]
    let before: [String: [String]]
    let script: [String: String]
    let zed: String
    let scrub: Bool
    let exporters: [String]
    let backups: [String: Backup]
    let containers: [String: Container]

    static let photos = ["/mnt/media/photos-original", "/mnt/media/photos-import", "/data/photoprism"]

    /// Evaluates the example, changed by a module.
    static func evaluate(with module: String? = nil) throws -> Finished {
        let file = "\(Configuration.folder.path)/example.nix"
        // Without any argument it would not be called.
        guard let module else { return try nix(file, ["--arg", "more", "null"]) }
        let folder = try TemporaryFolder()
        try folder.write(module, to: "more.nix")
        return try nix(file, ["--argstr", "more", folder.path("more.nix")])
    }

    /// The same, where it has to succeed.
    static func evaluated(with module: String? = nil) throws -> Example {
        let end = try evaluate(with: module)
        try #require(end.status == 0, "\(end)")
        return try JSONDecoder().decode(Example.self, from: Data(end.out.utf8))
    }
}
