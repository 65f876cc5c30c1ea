internal import CLinux
public import Config
public import Linux
internal import Wire

/// All that the agent reads before it starts, and what was found wrong with it.
public struct Configuration {
    public var settings = Settings()
    public var crypttab = Crypttab()
    public var keys: [AuthorizedKey] = []
    /// The host keys that could be read, with their paths.
    public var hostKeys: [HostKeyFile] = []
    /// The host keys that the TPM is to open; then there are no `hostKeys`.
    public private(set) var sealedKeys: [SealedKeyFile] = []
    /// The host keys that are used when it opens none of them.
    public private(set) var fallbackKeys: [HostKeyFile] = []
    public var findings: [Finding] = []
    /// What is as somebody chose it, and yet worth a second thought.
    public private(set) var notices: [Finding] = []

    public struct HostKeyFile {
        public let path: String
        public let content: SecretBytes
        /// Whether it is an RSA key that is too short to be offered beside another one.
        let isWeak: Bool
    }

    /// A host key as it lies in its file, encrypted.
    public struct SealedKeyFile {
        public let path: String
        public let content: [UInt8]
    }

    /// Whether ssh can be served, perhaps.
    public var hasHostKey: Bool { !hostKeys.isEmpty || !sealedKeys.isEmpty || !fallbackKeys.isEmpty }

    /// The host keys that whoever can read the files has.
    public var readableHostKeys: [HostKeyFile] { hostKeys + fallbackKeys }

    /// Whether the host keys are sealed to the TPM.
    public var sealsHostKeys: Bool { settings.hostKeys.contains { SealedKey.isName($0) } }

    /// The largest configuration file, in bytes.
    public static let largestFile = 1 << 20
    /// The largest host key file, in bytes: an RSA key of 16384 bits takes some 13,000.
    public static let largestHostKey = 32 << 10
    /// The most that all authorized keys may take together, in bytes: every session is handed them.
    static let largestKeys = 512 << 10

    /// Prefix of every path read, left out of messages; `nil` for the agent itself. With a prefix only regular files
    /// are read: a pipe would block the image build.
    private let root: String?

    /// Reads postern.conf and the files it names. Skips what it cannot parse, with a finding; for a file that it cannot
    /// read it uses defaults.
    ///
    /// - Parameters:
    ///   - file: the path of postern.conf.
    ///   - root: the tree of an initrd in which all files lie, or empty for this machine's to be put into one.
    ///   - image: the tree of the initrd into which they are put.
    public init(file: String, beneath root: String? = nil, into image: String? = nil) {
        self.root = root
        let tree = image ?? root ?? (Machine.isInitrd ? "" : nil)
        if let bytes = read(file, remedy: "make the file, or name another one with -f") {
            settings = Settings.parse(bytes, file: file, into: &findings)
        }
        let found = tree.map { InitrdSystem.found(beneath: $0) } ?? InitrdSystem.ofThisMachine
        if let found, let given = settings.initrd, found != given, given != .script {
            add(file, "Initrd is \(given.name), and this looks like \(found.name)", "remove the line")
        }
        let system = settings.initrd ?? found ?? .script
        settings.initrd = system
        if let bytes = read(settings.crypttab, remedy: "make the file, or name another one with Crypttab in \(file)") {
            let left = settings.volumes.filter { $0.treatment == .leave }.map { $0.name }
            crypttab = Crypttab.parse(bytes, file: settings.crypttab, leaving: left, for: system, into: &findings)
        }
        if system == .systemd { findKeys(beneath: tree ?? "") }
        for path in settings.authorizedKeysFiles {
            guard let bytes = read(path, remedy: "put the public key of each owner into it, one a line") else {
                continue
            }
            keys += AuthorizedKeys.parse(bytes, file: path, into: &findings).keys
        }
        limitKeys()
        for path in settings.hostKeys { readHostKey(path) }
        leaveOutWeakKeys()
        if sealsHostKeys { readFallbackKey(file) }
        checkArrays(file)
        checkVolumes(file, isImage: tree != nil && image == nil)
    }

    /// Gives volumes without a key the one that systemd would find for them.
    private mutating func findKeys(beneath tree: String) {
        for (index, entry) in crypttab.entries.enumerated() where entry.key == .ask {
            guard let path = InitrdSystem.keyFiles(of: entry.name).first(where: { Files.exists(tree + $0) }) else {
                continue
            }
            guard Files.kind(tree + path) != .other else {
                // Behind a socket there is a program that systemd asks for the key.
                crypttab.entries[index].key = .other(path)
                continue
            }
            crypttab.entries[index].key = .file(path: path)
            // They are of a key file that crypttab names.
            crypttab.entries[index].options.keyfileOffset = 0
            crypttab.entries[index].options.keyfileSize = nil
        }
    }

    private mutating func read(_ path: String, remedy: String) -> [UInt8]? {
        do throws(SystemError) {
            guard let root else { return try Files.read(path, limit: Configuration.largestFile) }
            return try Files.readRegular(root + path, limit: Configuration.largestFile)
        } catch {
            add(path, error.description, remedy)
            return nil
        }
    }

    /// Leaves out the keys that a session could not be handed.
    private mutating func limitKeys() {
        var size = 0
        var kept: [AuthorizedKey] = []
        for key in keys {
            size += key.blob.count + key.comment.utf8.count + 256
            guard size <= Configuration.largestKeys, kept.count < Limits.authorizedKeys else {
                findings.append(
                    Finding(
                        file: key.file, line: key.line, problem: "there are too many authorized keys from here on",
                        remedy: "keep the keys of those who unlock this machine"))
                break
            }
            guard key.blob.count <= Limits.publicKey else {
                findings.append(
                    Finding(
                        file: key.file, line: key.line,
                        problem: "the key has \(key.blob.count) bytes, and \(Limits.publicKey) are taken at most",
                        remedy: "make a smaller one, such as with: ssh-keygen -t ed25519"))
                continue
            }
            kept.append(key)
        }
        keys = kept
    }

    private mutating func readSealedKey(_ path: String) {
        do throws(SystemError) {
            let file = (root ?? "") + path
            let content =
                root == nil
                ? try Files.read(file, limit: SealedKey.largestFile)
                : try Files.readRegular(file, limit: SealedKey.largestFile)
            guard let problem = SealedKey.problem(content) else {
                sealedKeys.append(SealedKeyFile(path: path, content: content))
                return
            }
            add(path, problem, SealedKey.remedy)
        } catch { add(path, error.description, SealedKey.remedy) }
    }

    /// Reads the key that is used when the TPM opens none. Without it the keys beside the sealed ones have to do, which are not
    /// used else: who can read the initrd has them.
    private mutating func readFallbackKey(_ file: String) {
        let others = hostKeys
        hostKeys = []
        for key in others {
            add(key.path, "it is not sealed as another HostKey is, and is not used", "remove its line from \(file)")
        }
        guard let path = settings.fallbackHostKey else { return }
        readHostKey(path)
        fallbackKeys = hostKeys.isEmpty ? others : hostKeys
        hostKeys = []
    }

    private mutating func readHostKey(_ path: String) {
        if SealedKey.isName(path) { return readSealedKey(path) }
        do throws(SystemError) {
            let content = try Files.readSecret(
                (root ?? "") + path, limit: Configuration.largestHostKey, onlyRegular: root != nil)
            let (start, end) = unsafe content.withUnsafeBytes { bytes in
                (unsafe Array(bytes.prefix(HostKey.startLength)), unsafe Array(bytes.suffix(HostKey.endLength)))
            }
            guard let problem = HostKey.problem(start: start, end: end) else {
                let bits = HostKey.bitsOfRSA(start: start) ?? HostKey.longEnoughRSA
                hostKeys.append(HostKeyFile(path: path, content: content, isWeak: bits < HostKey.longEnoughRSA))
                return
            }
            add(path, problem, HostKey.remedy(start: start, path: path))
        } catch {
            // Of the two default ones either serves; that there is none at all is found below.
            if error.code == ENOENT, settings.hostKeysAreDefault { return }
            let isMissing = error.code == ENOENT
            add(
                path, error.description,
                isMissing
                    ? "make one with: ssh-keygen -t ed25519 -N '' -f \(path)" : "make it a file that root can read")
        }
    }

    /// Drops short RSA keys unless there is no other host key.
    private mutating func leaveOutWeakKeys() {
        let isNeeded = hostKeys.allSatisfy { $0.isWeak }
        for key in hostKeys where key.isWeak {
            add(
                key.path,
                "the rsa key has fewer than \(HostKey.longEnoughRSA) bits"
                    + (isNeeded ? ", and is used for want of another one" : ", and is not used"),
                HostKey.another)
        }
        if !isNeeded { hostKeys.removeAll { $0.isWeak } }
    }

    /// What postern.conf says of volumes must fit crypttab.
    private mutating func checkArrays(_ file: String) {
        let names = crypttab.entries.map { $0.name }
        for rule in settings.arrays {
            let members = names.count { rule.holds($0) }
            if members == 0 {
                add(file, "the array \(rule.name) has no member in \(settings.crypttab)", "correct its members")
            } else if case .quorum(let quorum) = rule.policy, quorum > members {
                add(
                    file, "the array \(rule.name) has \(members) members, and its quorum is \(quorum)",
                    "lower the quorum, or add the members to \(settings.crypttab)")
            }
        }
        if keys.isEmpty {
            add(
                settings.authorizedKeysFiles.first ?? file, "there is no key that may log in",
                "add the public key of each owner, one a line")
        }
        noticeShell(file)
        if !hasHostKey {
            add(file, "there is no host key, so there will be no ssh", HostKey.another)
        }
    }

    /// A shell is no fault, but it widens what a stolen key may do.
    private mutating func noticeShell(_ file: String) {
        guard settings.permitShell else { return }
        let count = keys.count { $0.forcedCommand == nil || $0.forcedCommand == "shell" }
        guard count > 0 else { return }
        notices.append(
            Finding(
                file: file, line: 0,
                problem: "PermitShell yes gives root in the initrd to whoever has, or steals, "
                    + (count == 1 ? "the authorized key" : "one of the \(count) authorized keys")
                    + " that command= does not limit",
                remedy: "write command=\"unlock\" before each key that needs no shell"))
    }

    /// What is wrong with a crypttab without a volume, unless others are added to it.
    public static let noVolume = "there is no volume to open"

    /// What postern.conf says of single volumes, and whether one is left to be opened.
    private mutating func checkVolumes(_ file: String, isImage: Bool) {
        for rule in settings.volumes {
            guard let entry = crypttab.entries.first(where: { $0.name.utf8.elementsEqual(rule.name.utf8) }) else {
                add(file, "there is no volume \(rule.name) in \(settings.crypttab)", "correct the name")
                continue
            }
            let reason =
                entry.reasonLeft(under: .take) ?? (isImage && entry.options.noauto ? "its line has noauto" : nil)
            if rule.treatment == .fallback {
                guard !entry.isWatched(under: .fallback, for: settings.initrd) else { continue }
                let obstacle =
                    settings.initrd != .systemd
                    ? "no systemd runs this initrd"
                    : entry.options.headless ? "its line has headless" : reason ?? "its header lies on another volume"
                add(file, "Volume \(rule.name) fallback is without effect: \(obstacle)", "remove the line")
                continue
            }
            guard rule.treatment == .take, let reason else { continue }
            add(file, "Volume \(rule.name) take is without effect: \(reason)", "remove the line")
        }
        checkDatasets(file)
        if settings.initrd == .systemd, !settings.datasets.isEmpty { return }
        if crypttab.entries.isEmpty {
            add(settings.crypttab, Configuration.noVolume, "add a line: NAME UUID=… none luks")
        } else if !crypttab.entries.contains(where: {
            // On the host: the image build may yet undo `noauto`.
            let treatment = settings.treatment(of: $0.name)
            let isServed =
                $0.reasonLeft(under: treatment) == nil || $0.isWatched(under: treatment, for: settings.initrd)
            return isServed && !(isImage && $0.options.noauto)
        }) {
            add(
                settings.crypttab, "Postern has nothing to open: every volume is left to the native opener",
                "write Volume NAME take in \(file) for one that a passphrase opens")
        }
    }

    private mutating func checkDatasets(_ file: String) {
        for name in settings.datasets {
            if settings.initrd != .systemd {
                add(file, "Dataset \(name) is without effect: no systemd runs this initrd", "remove the line")
            } else if crypttab.entries.contains(where: { $0.name.utf8.elementsEqual(name.utf8) }) {
                add(file, "Dataset \(name) is without effect: a volume has this name", "give the volume another name")
            }
        }
    }

    private mutating func add(_ file: String, _ problem: String, _ remedy: String) {
        findings.append(Finding(file: file, line: 0, problem: problem, remedy: remedy))
    }
}
