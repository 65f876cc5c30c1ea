internal import Config
internal import ConfigFiles
internal import Image
internal import Linux

/// How an unpacked image differs from the one that would be built today.
struct ImageComparison {
    private let machine: CheckedMachine
    private let tree: String
    /// `/boot/initrd.img-VERSION:`, which stands before the image's own paths.
    private let prefix: String
    private let again: String
    private(set) var report = CheckReport()

    /// The largest agent, in bytes.
    private static let largestAgent = 64 << 20
    /// The agent's settings in the image, wherever the machine has them.
    static let settings = "/etc/postern/postern.conf"

    /// Compares the files of Postern. The image's are replaced by new ones meanwhile.
    ///
    /// - Parameters:
    ///   - tree: the root of the unpacked image.
    ///   - folder: a folder for a file of its own.
    ///   - machine: whose image it is.
    ///   - image: the image's path.
    ///   - again: what to do to have it built again, as a sentence without its end.
    init(_ tree: String, folder: String, of machine: CheckedMachine, image: String, again: String) {
        self.machine = machine
        self.tree = tree
        self.again = again
        prefix = image + ":"
        compareAgent()
        let old = Configuration(file: ImageComparison.settings, beneath: tree)
        var more: String?
        let added = linesOfBuilder()
        if !added.isEmpty {
            more = folder + "/crypttab"
            do throws(SystemError) {
                try Files.replace(folder + "/crypttab", with: added, mode: 0o600)
            } catch { more = nil }
        }
        // What the image has was asked for: that is known here though its builder's reasons are not.
        let needed = machine.neededVolumes() ?? []
        let asked = needed + old.crypttab.entries.map { $0.name }
        let (host, obstacle) = Staging.renew(
            tree, from: machine.root, file: machine.file, more: more, volumes: asked)
        if let obstacle {
            report.add(
                machine.file, 0, "an image built now could not be unlocked from afar: \(obstacle)",
                remedy: "correct that before the next update builds one")
            return
        }
        let new = Configuration(file: ImageComparison.settings, beneath: tree)
        compareSettings(old, new)
        compareVolumes(old.crypttab, new.crypttab, host.crypttab)
        for name in needed
        where !(new.crypttab.entries + host.crypttab.entries).contains(where: { $0.name.utf8.elementsEqual(name.utf8) })
        {
            report.add(
                host.settings.crypttab, 0, "the boot needs the volume \(printable(name)), which has no line here",
                remedy: "add its line, and " + again)
        }
        compareKeys(old.keys, new.keys)
        compareHostKeys(old.readableHostKeys, new.readableHostKeys)
        compareSealedKeys(old.sealedKeys, new.sealedKeys)
    }

    private mutating func add(_ file: String, _ line: Int = 0, _ problem: String) {
        report.add(prefix + file, line, problem, remedy: again)
    }

    private mutating func compareAgent() {
        let paths = ["/usr/sbin/postern", "/usr/bin/postern"]
        guard let path = paths.first(where: { Files.exists(tree + $0) }), let agent = machine.agent else { return }
        do throws(SystemError) {
            let old = try Files.readRegular(tree + path, limit: ImageComparison.largestAgent)
            let new = try Files.readRegular(machine.root + agent, limit: ImageComparison.largestAgent)
            guard old != new, AgentBinary(old) != AgentBinary(new) else { return }
            add(
                path, 0,
                "the agent in the image is another version than \(agent)")
        } catch {
            add(path, 0, "the agent cannot be compared: \(error.description)")
        }
    }

    /// What the image's crypttab has that is not from the machine's, but from the kernel command line.
    private func linesOfBuilder() -> [UInt8] {
        let path = tree + Copies.crypttab
        guard let bytes = try? Files.readRegular(path, limit: Configuration.largestFile) else { return [] }
        var isFound = false
        var lines: [UInt8] = []
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
            if isFound { lines += Array(line) + [UInt8(ascii: "\n")] }
            if line.elementsEqual(Copies.title(from: Copies.builder).utf8) { isFound = true }
        }
        return lines
    }

    private mutating func compareSettings(_ old: Configuration, _ new: Configuration) {
        var (one, two) = (old.settings, new.settings)
        one.imageTime = nil
        two.imageTime = nil
        guard one != two else { return }
        add(ImageComparison.settings, 0, "the image was built before \(machine.file) was changed")
    }

    /// Without what depends on the moment of the build: which disks were there, and what the root was known to need.
    private static func plain(_ entry: CrypttabEntry) -> CrypttabEntry {
        var entry = entry
        entry.line = 0
        entry.options.uuid = nil
        entry.options.noauto = false
        entry.options.nofail = false
        return entry
    }

    private mutating func compareVolumes(_ old: Crypttab, _ new: Crypttab, _ host: Crypttab) {
        for entry in new.entries {
            guard let other = old.entries.first(where: { $0.name.utf8.elementsEqual(entry.name.utf8) }) else {
                add(Copies.crypttab, 0, "the image does not know the volume \(printable(entry.name))")
                continue
            }
            if ImageComparison.plain(entry) != ImageComparison.plain(other) {
                add(
                    Copies.crypttab, other.line,
                    "the line of \(printable(entry.name)) is not what the machine's crypttab says now")
            }
        }
        for entry in old.entries
        where !(new.entries + host.entries).contains(where: { $0.name.utf8.elementsEqual(entry.name.utf8) }) {
            add(
                Copies.crypttab, entry.line, "the machine's crypttab has no volume \(printable(entry.name)) any more")
        }
    }

    private mutating func compareKeys(_ old: [AuthorizedKey], _ new: [AuthorizedKey]) {
        func plain(_ key: AuthorizedKey) -> AuthorizedKey {
            var key = key
            key.line = 0
            return key
        }
        let (before, now) = (old.map { plain($0) }, new.map { plain($0) })
        for key in new where !before.contains(plain(key)) {
            let isKnown = old.contains { $0.blob == key.blob }
            report.add(
                key.file, key.line,
                isKnown
                    ? "the image has this key with other options or another comment, or from another file"
                    : "the image does not know this key",
                remedy: again)
        }
        for key in old where !now.contains(plain(key)) && !new.contains(where: { $0.blob == key.blob }) {
            add(
                key.file, key.line,
                "the image admits a key that the machine does not admit any more: \(key.fingerprint)")
        }
    }

    private mutating func compareHostKeys(
        _ old: [Configuration.HostKeyFile], _ new: [Configuration.HostKeyFile]
    ) {
        for key in new {
            guard let other = old.first(where: { $0.path == key.path }) else {
                report.add(key.path, 0, "the image does not have this host key", remedy: again)
                continue
            }
            if !other.content.isSame(as: key.content) {
                report.add(
                    key.path, 0, "the image has another host key of this name, by which clients would know it",
                    remedy: again)
            }
        }
        for key in old where !new.contains(where: { $0.path == key.path }) {
            add(key.path, 0, "the image has a host key that the machine does not have any more")
        }
    }

    /// Keys that the image had before are gone from it with the settings that named them, of which there is a finding.
    private mutating func compareSealedKeys(
        _ old: [Configuration.SealedKeyFile], _ new: [Configuration.SealedKeyFile]
    ) {
        for key in new where !old.contains(where: { $0.path == key.path && $0.content == key.content }) {
            report.add(key.path, 0, "the image does not have this sealed host key as it is now", remedy: again)
        }
    }
}
