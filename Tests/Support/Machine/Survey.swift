/// What `Tests/Support/qemu/survey` found, in the initrd after the agent or in the new root.
public struct Survey: Sendable, Equatable {
    /// The volume under `/`, in the new root only.
    public let root: String
    /// The names under device-mapper.
    public let open: Set<String>
    /// The open volumes that hold what was put into them, each with whose content it is.
    public let members: [String: String]
    /// Of Postern: process numbers, mounts, sockets, keys in the kernel's keyrings.
    public let left: [String]
    /// The block devices' names under /dev/mapper and /dev/disk/by-id.
    public let links: Set<String>
    /// The files under /run, but udev's.
    public let files: Set<String>

    init(_ text: String, prefix: String) {
        var answers: [Substring: [String]] = [:]
        for line in text.split(separator: "\n") where line.hasPrefix(prefix) {
            let parts = line.dropFirst(prefix.count).split(
                separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            answers[parts[0]] = parts.dropFirst().first?.split(separator: " ").map(String.init)
        }
        root = answers["root"]?.first ?? ""
        open = Set(answers["open"] ?? [])
        members = Dictionary(
            uniqueKeysWithValues: (answers["members"] ?? []).compactMap { pair in
                let parts = pair.split(separator: "=").map(String.init)
                return parts.count == 2 ? (parts[0], parts[1]) : nil
            })
        left = ["processes", "mounts", "sockets", "keys"].flatMap { question in
            (answers[Substring(question)] ?? ["\(question) was not said"]).map { "\(question): \($0)" }
        }
        links = Set(answers["links"] ?? [])
        files = Set(answers["files"] ?? [])
    }

    /// The volumes that the boot goes on without.
    public var skipped: Set<String> {
        Set(files.filter { $0.hasPrefix("/run/postern/skip/") }.map { String($0.dropFirst(18)) })
    }
}
