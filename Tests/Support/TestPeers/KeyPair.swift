import Foundation
public import Wire

/// A key pair made by ssh-keygen(1).
public struct KeyPair: Sendable {
    /// Where the private key lies; the public one lies beside it.
    public let path: String
    public let type: String
    public let blob: [UInt8]

    public init(_ folder: TemporaryFolder, _ name: String, type: String = "ed25519", bits: Int? = nil) throws {
        path = folder.path(name)
        let size = bits.map { ["-b", String($0)] } ?? []
        let made = try run("ssh-keygen", ["-q", "-t", type, "-N", "", "-C", name, "-f", path] + size)
        guard made.status == 0 else { throw PeerError.tool("ssh-keygen: \(made)") }
        let words = try String(contentsOfFile: path + ".pub", encoding: .utf8).split(separator: " ")
        self.type = String(words[0])
        blob = Array(Data(base64Encoded: String(words[1])) ?? Data())
    }

    /// The key as the monitor would list it.
    public func usable(
        index: UInt16 = 0, forcedCommand: String? = nil, permitsTerminal: Bool = true, noTouchRequired: Bool = false,
        rule: UInt16? = nil
    ) -> UsableKey {
        UsableKey(
            index: index, type: type, blob: blob, forcedCommand: forcedCommand, permitsTerminal: permitsTerminal,
            noTouchRequired: noTouchRequired, rule: rule, title: "test \(index)")
    }
}

public enum PeerError: Error {
    case tool(String)
}
