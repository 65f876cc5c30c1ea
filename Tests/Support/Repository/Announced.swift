import Foundation

/// What the servers of `Tests/Support/announced` say in their folder.
public struct Announced: Sendable {
    public let folder: String

    public init(folder: String) { self.folder = folder }

    public static let script = Repository.path("Tests/Support/announced")

    /// A POST that arrived, or a connection to the mute server.
    public struct Request: Decodable, Sendable {
        public var mute: Bool?
        public var secure: Bool?
        public var path: String?
        public var body: String?
        public var headers: [String: String]?
    }

    private func text(_ name: String) -> String {
        String(decoding: FileManager.default.contents(atPath: "\(folder)/\(name)") ?? Data(), as: UTF8.self)
    }

    /// The ports over TLS, without it, and of the mute server, once they listen.
    public var ports: (https: Int, http: Int, mute: Int)? {
        let numbers = text("ports").split(separator: " ").compactMap { Int($0) }
        return numbers.count == 3 ? (numbers[0], numbers[1], numbers[2]) : nil
    }

    public var authority: String { "\(folder)/ca.pem" }

    /// Has its name server know `late.test` from now on.
    public func nameLate() throws { try Data().write(to: URL(filePath: "\(folder)/late")) }

    /// What has arrived.
    public var requests: [Request] {
        text("requests").split(separator: "\n").compactMap { line in
            try? JSONDecoder().decode(Request.self, from: Data(line.utf8))
        }
    }

    /// The bodies that arrived at a path.
    public func bodies(_ path: String) -> [String] { requests.filter { $0.path == path }.compactMap(\.body) }

    /// The objects of JSON that arrived at a path.
    public func objects(_ path: String) -> [[String: String]] {
        bodies(path).compactMap { try? JSONDecoder().decode([String: String].self, from: Data($0.utf8)) }
    }
}
