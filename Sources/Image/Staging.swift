internal import Config
public import ConfigFiles
internal import Linux

/// `postern image`: puts the agent's files of this machine into the tree of an initrd.
public struct Staging {
    private let folder: String
    /// Prefix of the machine's own paths: empty but for tests.
    private let host: String
    private let file: String
    private let configuration: Configuration
    private let chosen: ChosenVolumes
    private let added: AddedVolumes
    private let headers: Headers

    /// The names of the volumes that Clevis opens beside the agent, for the script that calls it.
    private static let pinned = "/etc/postern/clevis"

    /// The largest detached header, in bytes: LUKS2 with the largest key slots area takes 128 MiB and a little more.
    private static let largestHeader = 136 << 20

    /// Stages what the agent needs. What is unusable is named on standard error and left out.
    ///
    /// - Parameters:
    ///   - folder: the root of the initrd's tree, in which cryptsetup-initramfs has been already.
    ///   - file: the host's postern.conf.
    ///   - more: a file with more lines for crypttab, or `nil`.
    ///   - volumes: the names of the volumes that the root needs.
    /// - Returns: 0 when the image can be unlocked from afar; 1 when not, and nothing was written; 2 without a folder.
    public static func run(into folder: String, file: String, more: String?, volumes: [String]) -> Int32 {
        guard Files.isFolder(folder) else {
            Log.complain("postern: \(folder) is no folder")
            return 2
        }
        let staging = Staging(folder: folder, file: file, more: more, volumes: volumes)
        staging.report()
        guard let reason = staging.obstacle else {
            guard staging.write() else { return 1 }
            for module in staging.modules { print(module) }
            return 0
        }
        Log.complain("postern: this machine cannot be unlocked from afar: \(reason)")
        return 1
    }

    /// Puts into an unpacked image what `run` would put there today, and says nothing of it.
    ///
    /// - Parameters:
    ///   - folder: the root of the unpacked image.
    ///   - host: a prefix of the machine's own paths: empty but for tests.
    ///   - file: the host's postern.conf.
    ///   - more: a file with more lines for crypttab, or `nil`.
    ///   - volumes: the names of the volumes that the root needs.
    /// - Returns: the host's configuration and, where nothing was written, the reason.
    public static func renew(
        _ folder: String, from host: String, file: String, more: String?, volumes: [String]
    ) -> (configuration: Configuration, obstacle: String?) {
        let staging = Staging(folder: folder, file: file, more: more, volumes: volumes, host: host)
        let obstacle = staging.obstacle ?? (staging.write() ? nil : "its files could not be read or written")
        return (staging.configuration, obstacle)
    }

    private init(folder: String, file: String, more: String?, volumes: [String], host: String = "") {
        self.folder = folder
        self.host = host
        self.file = file
        configuration = Configuration(file: file, beneath: host, into: folder)
        added = AddedVolumes(file: more, besides: configuration.crypttab, for: configuration.settings.initrd ?? .script)
        chosen = ChosenVolumes(
            configuration.crypttab, settings: configuration.settings, asked: volumes + added.present)
        headers = Headers(chosen.entries + added.entries, configuration.settings, beneath: "")
    }

    /// What modprobe(8) is to look for, for the ciphers of the headers that can be seen now.
    private var modules: [String] {
        let seen = headers.ours(chosen.entries + added.entries).flatMap { headers[$0]?.encryptions ?? [] }
        return CipherModules.names(seen).map { $0 == CipherModules.integrity ? $0 : "crypto-\($0)" }
    }

    private var crypttab: String { configuration.settings.crypttab }
    private var system: InitrdSystem { configuration.settings.initrd ?? .script }

    /// Why the image would be of no use, or `nil`.
    private var obstacle: String? {
        guard case .file = Files.kind(host + file) else { return "there is no \(file)" }
        if configuration.keys.isEmpty {
            return "no key may log in; put one into \(configuration.settings.authorizedKeysFiles.first ?? file)"
        }
        if !configuration.hasHostKey { return "there is no host key; \(HostKey.another)" }
        if hasDatasets { return nil }
        if chosen.entries.isEmpty, added.entries.isEmpty {
            return "\(crypttab) has no volume for the initrd; give the root's line the option "
                + (system == .systemd ? "x-initrd.attach" : "initramfs")
        }
        let all = chosen.entries + added.entries
        guard !headers.ours(all).isEmpty || all.contains(where: { !$0.options.noauto && headers.isWatched($0) }) else {
            return "every volume of the initrd is left to the native opener"
        }
        return nil
    }

    /// Whether there is something to ask for though crypttab has no volume.
    private var hasDatasets: Bool { system == .systemd && !configuration.settings.datasets.isEmpty }

    private func reasonLeft(_ entry: CrypttabEntry) -> String? { headers.reasonLeft(entry) }

    // MARK: What is said

    private func report() {
        for finding in added.findings { Log.complain(finding.description) }
        for finding in configuration.findings
        where chosen.concerns(finding, crypttab: configuration.crypttab, file: crypttab)
            && (added.entries.isEmpty || finding.problem != Configuration.noVolume)
        {
            Log.complain(finding.description)
        }
        for name in chosen.unknown {
            say(crypttab, 0, "the root needs the volume \(printable(name)), which is not in it", "add its line")
        }
        for entry in chosen.entries {
            if headers.isPinned(entry) {
                Log.complain(
                    Files.exists(folder + "/usr/bin/clevis")
                        ? "postern: Clevis opens \(entry.name), and Postern asks for its passphrase meanwhile"
                        : "postern: \(entry.name) has a clevis binding, and Clevis is not in the image: "
                            + "Postern asks for its passphrase; to have Clevis open it, install clevis-initramfs")
            } else if let reason = reasonLeft(entry) {
                Log.complain(
                    headers.isWatched(entry)
                        ? "postern: systemd opens \(entry.name), and Postern asks when that asks: \(reason)"
                        : "postern: \(entry.name) is left to the native opener: \(reason)")
            } else if case .file = entry.key, key(of: entry) == .ask, case .file(let path) = entry.key {
                say(
                    crypttab, entry.line,
                    "the key file \(path) of \(entry.name) is not in the image: it will be asked for",
                    "let cryptsetup-initramfs copy it (KEYFILE_PATTERN), or write PATH:DEVICE")
            }
        }
        let identities = Identities(chosen.entries + added.entries, headers, file: crypttab, .building)
        for finding in configuration.notices + identities.findings + identities.notices {
            Log.complain(finding.description)
        }
        reportFallback()
        for key in configuration.readableHostKeys where HostKeys.isSystems(key) {
            say(
                key.path, 0, "THIS IS THE SYSTEM'S OWN HOST KEY, and whoever can read the initrd has it",
                "\(HostKey.another) in \(file)")
        }
    }

    /// initramfs-tools' own opener knows no `PATH:DEVICE`.
    private func reportFallback() {
        guard Files.isFolder(folder + "/scripts") else { return }
        var names = ""
        for entry in chosen.entries where reasonLeft(entry) == nil {
            guard case .fileOn = entry.key else { continue }
            names += names.isEmpty ? entry.name : ", \(entry.name)"
        }
        guard !names.isEmpty else { return }
        Log.complain(
            "postern: without Postern these would stay locked, for initramfs-tools' own opener reads no key from "
                + "another volume: \(names)")
    }

    private func say(_ file: String, _ line: Int, _ problem: String, _ remedy: String) {
        Log.complain(Finding(file: file, line: line, problem: problem, remedy: remedy).description)
    }

    // MARK: What is written

    /// The key that a volume has in the image, or `nil` where crypttab's holds.
    private func key(of entry: CrypttabEntry) -> KeySpec? {
        // dracut copies key files after this.
        guard system != .systemd, case .file(let path) = entry.key, !entry.options.isNative, !path.hasPrefix("/dev/")
        else { return nil }
        if case .file = Files.kind(folder + path), ImageTree.isPlain(path) { return nil }
        let native = "/cryptroot/keyfiles/\(entry.name).key"
        if case .file = Files.kind(folder + native) { return .file(path: native) }
        return .ask
    }

    /// A part of the image's crypttab with the LUKS UUIDs that stand in the headers now, where crypttab says none: a
    /// comment, and a line for each of `entries`.
    private func recorded(_ copy: [UInt8], _ entries: [CrypttabEntry]) -> [UInt8] {
        var copy = copy
        for (index, entry) in entries.enumerated() where reasonLeft(entry) == nil && entry.identity == nil {
            guard let header = headers[entry], !header.uuid.isEmpty else { continue }
            copy = Copies.adding(VolumeOptions.identity + header.uuid, to: copy, lines: [index + 2])
        }
        return copy
    }

    /// postern.conf comes last: without it the agent knows of no volume, and the native prompt has the boot.
    private func write() -> Bool {
        let tree = ImageTree(folder)
        do throws(SystemError) {
            // A machine whose volumes all come from elsewhere may have none.
            let table =
                chosen.entries.isEmpty ? [] : try Files.readRegular(host + crypttab, limit: Configuration.largestFile)
            var lines = Copies.crypttab(table, from: crypttab, entries: chosen.entries, key: { key(of: $0) })
            for (index, entry) in chosen.entries.enumerated() {
                for (line, option) in chosen.added where line == entry.line {
                    lines = Copies.adding(option, to: lines, lines: [index + 2])
                }
            }
            try tree.put(
                Copies.crypttab, recorded(lines, chosen.entries) + recorded(added.lines, added.entries))
            for path in configuration.settings.authorizedKeysFiles {
                guard let bytes = try? Files.readRegular(host + path, limit: Configuration.largestFile) else {
                    continue
                }
                try tree.put(path, bytes)
            }
            for key in configuration.readableHostKeys {
                try tree.put(key.path, unsafe key.content.withUnsafeBytes { unsafe Array($0) })
            }
            for key in configuration.sealedKeys { try tree.put(key.path, key.content) }
            for entry in chosen.entries where reasonLeft(entry) == nil { try putHeader(of: entry, tree) }
            if SystemdUnits.isThere(beneath: folder) { try putUnits(tree, host: table) }
            let name = Copies.hostName((try? Files.readRegular(host + "/etc/hostname", limit: 4096)) ?? [])
            if !name.isEmpty { try tree.put(Machine.hostNameFile, name) }
            let settings = try Files.readRegular(host + file, limit: Configuration.largestFile)
            let time = Clock.sourceDate ?? Clock.date()
            var rules: [VolumeRule] = []
            for entry in chosen.entries + added.entries {
                guard let treatment = headers.treatmentInImage(entry) else { continue }
                rules.append(VolumeRule(name: entry.name, treatment: treatment))
            }
            try tree.put(
                "/etc/postern/postern.conf", Copies.settings(settings, for: system, time: time, rules: rules))
            let pinned = (chosen.entries + added.entries).filter { headers.isPinned($0) }
            if !pinned.isEmpty { try tree.put(Staging.pinned, pinned.flatMap { Array("\($0.name)\n".utf8) }) }
            return true
        } catch {
            Log.complain("postern: this machine cannot be unlocked from afar: \(error.description)")
            return false
        }
    }

    /// Lets systemd's units of our volumes wait, and ask where Postern failed.
    private func putUnits(_ tree: ImageTree, host: [UInt8]) throws(SystemError) {
        let ours = (chosen.entries + added.entries).filter { reasonLeft($0) == nil && !$0.options.noauto }
        for entry in ours {
            try tree.put(SystemdUnits.dropIn(for: entry.name), SystemdUnits.text(for: entry.name))
        }
        if !configuration.settings.datasets.isEmpty {
            try tree.put(SystemdUnits.dropInForDatasets, SystemdUnits.textForDatasets)
        }
        // What dracut has chosen, or else what we have: without a line there is no unit to ask.
        let table = "/etc/crypttab"
        var findings: [Finding] = []
        var bytes = (try? Files.readRegular(folder + table, limit: Configuration.largestFile)) ?? []
        if Crypttab.parse(bytes, file: table, for: .systemd, into: &findings).entries.isEmpty {
            bytes = Copies.crypttab(host, from: crypttab, entries: chosen.entries, key: { _ in nil }) + added.lines
        }
        let arrays = configuration.settings.arrays
        let watched = (chosen.entries + added.entries).filter { headers.isWatched($0) }.map { $0.name }
        let changed = SystemdTable(
            bytes, isManaged: { name in ours.contains { $0.name.utf8.elementsEqual(name.utf8) } },
            isSpare: { name in arrays.contains { $0.holds(name) && $0.policy != .all } },
            isWatched: { name in watched.contains { $0.utf8.elementsEqual(name.utf8) } })
        // A path that is too long for a file has no such unit either.
        for dropIn in changed.dropIns { try? tree.put(dropIn.path, dropIn.text) }
        try tree.put(table, changed.bytes)
    }

    private func putHeader(of entry: CrypttabEntry, _ tree: ImageTree) throws(SystemError) {
        guard case .file(let path)? = entry.options.header, !path.hasPrefix("/dev/") else { return }
        do throws(SystemError) {
            try tree.put(path, try Files.readRegular(host + path, limit: Staging.largestHeader))
        } catch {
            say(
                crypttab, entry.line, "the header of \(entry.name) is not in the image: \(error.description)",
                "correct header=")
        }
    }
}

/// The tree of the image.
struct ImageTree {
    private let root: String

    init(_ root: String) {
        self.root = root
    }

    /// Whether a path names what it seems to, without `..`.
    static func isPlain(_ path: String) -> Bool {
        path.hasPrefix("/") && !names(in: path).contains { $0 == ".." }
    }

    private static func names(in path: String) -> [String] {
        path.utf8.split(separator: UInt8(ascii: "/")).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Puts a file where the host has it, readable by root alone.
    ///
    /// - Throws: `SystemError`; `EINVAL` for a path with `..`, which could lead out of the image.
    func put(_ path: String, _ bytes: [UInt8]) throws(SystemError) {
        guard ImageTree.isPlain(path) else { throw SystemError("the path \(path) has ..", code: 22) }
        var folder = root
        for name in ImageTree.names(in: path).dropLast() {
            folder += "/\(name)"
            try Files.makeFolder(folder, mode: 0o755)
        }
        try Files.replace(root + path, with: bytes, mode: 0o600)
    }
}

public enum HostKeys {
    /// Whether a host key is one that the machine's own sshd has. A prefix of the paths is for tests.
    public static func isSystems(_ key: Configuration.HostKeyFile, beneath root: String = "") -> Bool {
        let folder = root + "/etc/ssh"
        if let path = Files.resolved(root + key.path), path.hasPrefix("\(folder)/") { return true }
        return Files.names(in: folder).contains { name in
            guard name.hasPrefix("ssh_host_"), name.hasSuffix("_key"),
                let other = try? Files.readSecret("\(folder)/\(name)", limit: Configuration.largestHostKey)
            else { return false }
            return other.isSame(as: key.content)
        }
    }
}
