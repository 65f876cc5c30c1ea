internal import HostPrograms
internal import Linux

/// Where the files of the machine that is looked at lie.
public struct CheckedMachine: Sendable {
    /// Prefix of all its paths: empty but for tests.
    public var root = ""
    /// Its postern.conf.
    public var file: String

    public init(file: String, root: String = "") {
        self.file = file
        self.root = root
    }

    /// The agent that an image built now would get; a machine with one program alone has the second.
    var agent: String? {
        ["/usr/lib/postern/postern-initrd", "/usr/sbin/postern"].first { Files.exists(root + $0) }
    }

    /// Which volumes the root, /usr and a hibernated system lie on, as the hooks of the image's builders ask; `nil` where that
    /// cannot be told.
    func neededVolumes() -> [String]? {
        let program = root + "/usr/share/postern/volumes-needed"
        guard Files.exists(program), let result = try? HostProgram.run([program], seconds: 10), result.succeeded else {
            return nil
        }
        return result.output.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
    }
}
