import Foundation
import Repository
import TestPeers
import Testing

/// What `eval.nix` says of the module with a configuration.
struct Evaluated: Decodable {
    struct Scripted: Decodable {
        let extraUtilsCommands: String
        let extraUtilsCommandsTest: String
        let postCommands: String
        let preOpenCommands: [String: String]
    }

    /// The assertions that do not hold.
    let failed: [String]
    let warnings: [String]
    /// Files of /etc/systemd/system, by their names.
    let units: [String: String]
    let links: [String]
    /// Files of the initrd, by their paths.
    let contents: [String: String]
    let secrets: [String: String]
    let storePaths: [String]
    /// Programs in its /bin.
    let programs: [String: String]
    /// What the services of the booted system start.
    let booted: [String: String]
    /// Settings of systemd itself, as a file.
    let manager: String
    let packageName: String
    let network: Bool
    let availableKernelModules: [String]
    let scripted: Scripted
}

/// A configuration of NixOS, and the folder in which it lies.
final class Configuration {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    static let nixos = Repository.root.appending(path: "initrd/nixos")
    /// The agent that `initrd/build` makes, or the one that POSTERN_BINARY names.
    static let agent = FakeMonitor.binary

    let work: TemporaryFolder
    private let modules: [String]

    /// - Parameters:
    ///   - base: modules of `configurations`, by their names.
    ///   - more: the text of a module besides.
    /// - Throws: when the folder cannot be written.
    init(_ base: [String] = ["nas"], with more: String = "{ }") throws {
        work = try TemporaryFolder()
        try work.write(more, to: "more.nix")
        modules =
            base.map { Configuration.folder.appending(path: "configurations/\($0).nix").path }
            + [work.path("more.nix")]
    }

    /// nixpkgs' own `lib` in place of ours, where POSTERN_NIX_LIB names its folder.
    static let library =
        ProcessInfo.processInfo.environment["POSTERN_NIX_LIB"] ?? folder.appending(path: "lib.nix").path

    /// Versions of NixOS whose options `stubs.nix` declares; of the last one its release notes are all that there is.
    static let versions = ["24.05", "25.11", "26.05", "26.11"]
    /// A checkout of nixpkgs whose options are taken beside these, where POSTERN_NIXPKGS names its folder.
    static let nixpkgs = ProcessInfo.processInfo.environment["POSTERN_NIXPKGS"]

    /// Evaluates it; packages lie in the folder's `store`.
    /// `version` is one of `versions`, or the path of a checkout of nixpkgs; `more` are further arguments of `eval.nix`.
    func evaluated(_ version: String = "26.05", _ more: [String] = []) throws -> Evaluated {
        let end = try nix(
            "\(Configuration.folder.path)/eval.nix",
            [
                "--argstr", "of", modules.joined(separator: ":"), "--argstr", "store", work.path("store/"), "--arg",
                "library", Configuration.library, "--argstr", version.hasPrefix("/") ? "nixpkgs" : "version", version,
            ] + more, timeout: version.hasPrefix("/") ? 600 : 60)
        guard end.status == 0 else { throw PeerError.tool("\(end)") }
        return try JSONDecoder().decode(Evaluated.self, from: Data(end.out.utf8))
    }

    /// Writes a file below the folder.
    func write(_ text: String, to path: String, mode: Int = 0o644) throws {
        let file = URL(filePath: work.path(path))
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file.path)
    }
}

/// Evaluates a file, or an expression with `-E`, without a store and without what the caller's environment has of Nix.
func nix(_ file: String, _ arguments: [String] = [], timeout: Double = 60) throws -> Finished {
    let home = try TemporaryFolder()
    return try run(
        "nix-instantiate",
        ["--eval", "--strict", "--json", "--store", "dummy://", "--option", "restrict-eval", "false"] + arguments
            + (file.hasPrefix("/") ? [file] : ["-E", file]),
        environment: ["HOME": home.path(""), "NIX_PATH": ""], timeout: timeout)
}

/// The value of an expression that is a string.
func string(_ expression: String) throws -> String {
    let end = try nix("(\(expression))")
    guard end.status == 0 else { throw PeerError.tool("\(end)") }
    return try JSONDecoder().decode(String.self, from: Data(end.out.utf8))
}

/// The settings of a unit's text: the words behind each name, in the order of the alphabet. `wantedBy` and the like of a
/// unit file are among them.
func settings(_ unit: String) -> [String: [String]] {
    var found: [String: [String]] = [:]
    for line in unit.split(separator: "\n") where !line.hasPrefix("#") && !line.hasPrefix("[") {
        let parts = line.split(separator: "=", maxSplits: 1).map(String.init)
        found[parts[0], default: []] += parts.count > 1 ? parts[1].split(separator: " ").map(String.init) : []
    }
    return found.mapValues { $0.sorted() }
}
