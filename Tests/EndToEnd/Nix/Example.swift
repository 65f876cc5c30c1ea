import Foundation
import TestPeers
import Testing

/// What `example.nix` says of the example.
struct Example: Decodable {
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
    let tmpfiles: [String]
    let flags: [String]

    /// Evaluates the example, changed by a module, for a version of NixOS.
    static func evaluate(with module: String? = nil, version: String = "26.05") throws -> Finished {
        let file = "\(Configuration.folder.path)/example.nix"
        let version = ["--argstr", "version", version]
        guard let module else { return try nix(file, version) }
        let folder = try TemporaryFolder()
        try folder.write(module, to: "more.nix")
        return try nix(file, version + ["--argstr", "more", folder.path("more.nix")])
    }

    /// The same, where it has to succeed.
    static func evaluated(with module: String? = nil, version: String = "26.05") throws -> Example {
        let end = try evaluate(with: module, version: version)
        try #require(end.status == 0, "\(end)")
        return try JSONDecoder().decode(Example.self, from: Data(end.out.utf8))
    }
}
