public import Config
internal import ConfigFiles
internal import LUKS
internal import Linux
internal import Notify

/// `postern check --image`: whether an unpacked initrd can be unlocked from afar.
public struct ImageCheck {
    private let root: String
    private let file: String
    private let configuration: Configuration
    private let headers: Headers
    /// The volumes that the agent opens there.
    public let volumes: [CrypttabEntry]
    public private(set) var findings: [Finding]
    public private(set) var notices: [Finding] = []

    /// Reads everything in the image as the agent would, strictly, and looks for what the agent needs of the kernel.
    ///
    /// - Parameters:
    ///   - root: the unpacked image.
    ///   - file: its postern.conf, as it is called in the image.
    /// - Returns: 0 without a finding, 1 with some, 2 without a folder.
    public static func run(_ root: String, file: String) -> Int32 {
        guard Files.isFolder(root) else {
            Log.complain("postern: \(root) is no folder")
            return 2
        }
        let check = ImageCheck.look(root, file: file)
        for notice in check.notices { print("notice: \(notice.description)") }
        for finding in check.findings { print(finding.description) }
        let count = check.findings.count
        guard count == 0 else {
            print("\(file): \(count) finding\(count == 1 ? "" : "s") in the image")
            return 1
        }
        print(
            "\(file): no findings in the image; \(check.configuration.crypttab.entries.count) volumes, "
                + "\(check.configuration.keys.count) authorized keys, "
                + "\(check.configuration.hostKeys.count + check.configuration.sealedKeys.count) host keys")
        return 0
    }

    /// The same, without a word of it.
    ///
    /// - Parameters:
    ///   - root: the unpacked image, a folder.
    ///   - file: its postern.conf, as it is called in the image.
    ///   - hardware: the machine's.
    ///   - cards: network cards whose drivers somebody else looks for.
    ///   - isStaged: whether `postern image` has put the files there, which records the LUKS UUIDs.
    /// - Returns: what was found.
    public static func look(
        _ root: String, file: String, hardware: Hardware = Hardware(), passingOver cards: [String] = [],
        isStaged: Bool = true
    ) -> ImageCheck {
        var check = ImageCheck(root: root, file: file)
        check.lookAtFiles()
        let identities = Identities(
            check.configuration.crypttab.entries, check.headers, file: check.configuration.settings.crypttab,
            .image(root, recordsIdentities: isStaged))
        check.findings += identities.findings
        check.notices = check.configuration.notices + identities.notices
        check.lookAtModules(KernelModules(beneath: root), hardware, passingOver: cards)
        if check.hasSystemd {
            let systemd = SystemdCheck(root, entries: check.volumes, settings: check.configuration.settings)
            check.findings += systemd.findings
        }
        return check
    }

    init(root: String, file: String) {
        self.root = root
        self.file = file
        configuration = Configuration(file: file, beneath: root)
        findings = configuration.findings
        hasSystemd = SystemdUnits.isThere(beneath: root)
        let entries = configuration.crypttab.entries
        headers = Headers(entries, configuration.settings, beneath: root)
        volumes = headers.ours(entries)
    }

    private let hasSystemd: Bool

    private mutating func lookAtFiles() {
        if ["/usr/sbin/postern", "/usr/bin/postern"].allSatisfy({ !Files.exists(root + $0) }) {
            add("/usr/sbin/postern", 0, "the agent is not in the image", "build the image again")
        }
        lookAtSealedKeys()
        for key in configuration.readableHostKeys {
            guard case .file(let permissions)? = Files.kind(root + key.path), permissions & 0o077 != 0 else { continue }
            add(key.path, 0, "others than root may read the host key", "give it the mode 0600")
        }
        if configuration.settings.notify.contains(where: { $0.address == nil }) {
            for paths in [Errand.programs, Errand.certificates]
            where !paths.contains(where: { Files.exists(root + $0) }) {
                add(paths[0], 0, "the image lacks it for Notify with https://", "install it, and build the image again")
            }
        }
        let crypttab = configuration.settings.crypttab
        for entry in volumes {
            if case .file(let path)? = entry.options.header, isAbsent(path) {
                add(crypttab, entry.line, "the header \(path) of \(entry.name) is not in the image", "correct header=")
            }
        }
    }

    /// What opens a sealed key there, and that the key itself does not lie beside it.
    private mutating func lookAtSealedKeys() {
        for key in configuration.sealedKeys {
            let own = SealedKey.source(of: key.path)
            guard Files.exists(root + own) else { continue }
            add(own, 0, "the key lies in the image that is sealed there, too", "remove it from what builds the image")
        }
        guard !configuration.sealedKeys.isEmpty else { return }
        for file in SealingFiles.all where file.paths.allSatisfy({ !Files.exists(root + $0) }) {
            add(
                file.paths[0], 0, "the image lacks it for a sealed HostKey",
                "\(SealingFiles.remedy), and build the image again")
        }
    }

    /// Whether a file is not in the image. Devices appear at boot.
    private func isAbsent(_ path: String) -> Bool {
        !path.hasPrefix("/dev/") && !Files.exists(root + path)
    }

    private mutating func lookAtModules(
        _ modules: KernelModules, _ hardware: Hardware, passingOver cards: [String]
    ) {
        guard !modules.versions.isEmpty else {
            add("/lib/modules", 0, "the image has no kernel modules", "build it for an installed kernel")
            return
        }
        let folder = "/lib/modules/\(modules.versions[0])"
        func want(_ names: [String], _ purpose: String, _ remedy: String) {
            guard !modules.hasAny(of: names) else { return }
            add(folder, 0, "the module \(names[0]) is not in the image, which \(purpose)", remedy)
        }
        let listing =
            (hasSystemd ? "name it in add_drivers of dracut.conf(5)" : "list it in /etc/initramfs-tools/modules")
            + ", and build the image again"
        want(["dm_crypt"], "opens every volume", listing)
        lookAtCiphers(modules, folder, listing)
        for card in hardware.networkCards where !cards.contains(card.name) {
            for module in card.modules { want([module], "the network card \(card.name) needs", listing) }
        }
        var seen: [String] = []
        for entry in volumes {
            guard case .fileOn(_, let device) = entry.key, !seen.contains(device.description) else { continue }
            seen.append(device.description)
            guard let type = hardware.fileSystem(on: device) else { continue }
            guard ["ext2", "ext3", "ext4", "xfs", "btrfs", "vfat"].contains(type) else {
                add(
                    configuration.settings.crypttab, entry.line,
                    "the key volume \(device) has \(type) on it, which Postern does not mount",
                    "put the key on ext4, xfs, btrfs or vfat")
                continue
            }
            want(type.hasPrefix("ext") ? ["ext4"] : [type], "the key volume \(device) needs", listing)
        }
    }

    /// What the headers ask for that can be seen now; of the others, what cryptsetup takes unless it is told otherwise.
    private mutating func lookAtCiphers(_ modules: KernelModules, _ folder: String, _ listing: String) {
        var done: [String] = []
        for entry in volumes {
            let seen = headers[entry]?.encryptions ?? []
            let needed = CipherModules.names(seen.isEmpty ? [Encryption(cipher: "xts-aes", integrity: "")] : seen)
            for name in needed where !done.contains(name) {
                done.append(name)
                if modules.hasCrypto(name) || CipherModules.isImplied(name) && !modules.couldHaveCrypto(name) {
                    continue
                }
                let what = seen.isEmpty ? "LUKS volumes are" : "\(entry.name) is"
                add(folder, 0, "the module \(name) is not in the image, which \(what) encrypted with", listing)
            }
        }
    }

    private mutating func add(_ file: String, _ line: Int, _ problem: String, _ remedy: String) {
        findings.append(Finding(file: file, line: line, problem: problem, remedy: remedy))
    }
}
