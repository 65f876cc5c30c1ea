internal import CLinux
internal import Config
internal import ConfigFiles
internal import HostPrograms
internal import Image
internal import Linux

/// One boot in QEMU: the files that it needs, the boot, and what ssh saw of it.
struct BootTrial {
    private let tree: String
    private let folder: String
    private let image: String
    private let configuration: Configuration
    let key: TrialKey
    /// The volumes that have a stand-in, and the others that the agent opens.
    let standIns: [StandIn]
    let others: [String]

    /// A disk in a volume's place.
    struct StandIn {
        let name: String
        let uuid: String?
        let label: String?
        /// The key slot that crypttab names.
        let keySlot: Int?
    }

    /// - Parameters:
    ///   - tree: the root of the unpacked image.
    ///   - folder: for files of its own.
    ///   - image: the path of the image.
    ///   - means: the private keys that are here.
    /// - Throws: `BootProblem`.
    init(_ tree: String, folder: String, image: String, means: LoginMeans) throws(BootProblem) {
        self.tree = tree
        self.folder = folder
        self.image = image
        configuration = Configuration(file: ImageComparison.settings, beneath: tree)
        // That machine has no TPM.
        guard !configuration.readableHostKeys.isEmpty, !configuration.keys.isEmpty else {
            throw BootProblem(
                configuration.sealedKeys.isEmpty
                    ? "the image has no host key or no authorized key"
                    : "its host key is sealed, and there is no fallback host key", remedy: "see the other findings")
        }
        var standIns: [StandIn] = []
        var others: [String] = []
        for entry in ImageCheck.look(tree, file: ImageComparison.settings).volumes {
            if let standIn = StandIn(entry) { standIns.append(standIn) } else { others.append(entry.name) }
        }
        guard !standIns.isEmpty else {
            throw BootProblem(
                "no volume of it can have a stand-in, which takes UUID= or LABEL=",
                remedy: "name the devices in crypttab by UUID=")
        }
        self.standIns = standIns
        self.others = others
        do throws(SystemError) {
            try Files.makeFolder(folder, mode: 0o700)
            key = try TrialKey(configuration, means, folder: folder)
        } catch {
            throw BootProblem(error.description, remedy: "mend that, and check again")
        }
    }

    /// Where its agent listens, unless the kernel command line says otherwise.
    var port: UInt16 {
        let settings = configuration.settings
        return settings.listenAddresses.compactMap { $0.port }.first ?? settings.ports.first ?? 2222
    }

    // MARK: Its files

    /// Writes what the boot needs besides the image.
    ///
    /// - Parameters:
    ///   - card: what the initrd is to call the network card; its driver says without.
    ///   - hardwareAddress: the card's.
    /// - Throws: `SystemError`.
    func writeFiles(card: String?, hardwareAddress: String) throws(SystemError) {
        var archive = InitrdArchive()
        if let card {
            archive.add(
                "/etc/systemd/network/00-postern-check.link",
                Array(BootTrial.link(card, hardwareAddress).utf8), mode: 0o644)
        }
        if let line = key.added {
            let file = configuration.keys.first?.file ?? configuration.settings.authorizedKeysFiles.first ?? ""
            let old = try Files.readRegular(tree + file, limit: Configuration.largestFile)
            archive.add(file, old + Array(("\n" + line + "\n").utf8), mode: 0o600)
        }
        try Files.replace(folder + "/archive", with: archive.finished(), mode: 0o600)
        var known = ""
        for file in configuration.readableHostKeys {
            let key = unsafe file.content.withUnsafeBytes { unsafe PublicHostKey(privateKey: $0) }
            if let key { known += SSHHost.alias + " " + key.type + " " + key.base64 + "\n" }
        }
        try Files.write(known, to: folder + "/known_hosts", mode: 0o600)
        guard let here = PeerAddress("127.0.0.1") else { return }
        let host = SSHHost(
            name: "machine", address: here, port: 2222, source: nil, identity: key.file,
            knownHosts: folder + "/known_hosts")
        try Files.write(host.text, to: folder + "/config", mode: 0o600)
        try Files.write("", to: folder + "/addresses", mode: 0o600)
        var lines = ""
        for (number, volume) in standIns.enumerated() {
            lines += "disk-\(number) \(volume.keySlot ?? 0) \(volume.uuid ?? "-") \(volume.label ?? "")\n"
        }
        try Files.write(lines, to: folder + "/volumes", mode: 0o600)
    }

    /// A file for systemd.link(5). A bridge or bond that lies on the card has its hardware address, too, and no path.
    static func link(_ card: String, _ hardwareAddress: String) -> String {
        "[Match]\nMACAddress=\(hardwareAddress)\nPath=pci-*\n[Link]\nName=\(card)\n"
    }

    // MARK: The boot

    private static let script =
        Enclosure.network + #"""

            folder=$1 image=$2 seconds=$3
            shift 3
            od -An -tx1 -N16 /dev/urandom | tr -d ' \n' >"$folder/passphrase"
            while read -r disk slot uuid label; do
                [ "$uuid" != - ] || uuid=
                truncate -s 32M "$folder/$disk"
                cryptsetup luksFormat --batch-mode --type luks2 --pbkdf pbkdf2 --pbkdf-force-iterations 1000 --key-slot "$slot" \
                    ${uuid:+--uuid "$uuid"} ${label:+--label "$label"} --key-file "$folder/passphrase" "$folder/$disk"
            done <"$folder/volumes"
            cat "$image" >"$folder/initrd"
            truncate -s %512 "$folder/initrd"
            cat "$folder/archive" >>"$folder/initrd"
            : >"$folder/prepared"
            # Where memory is short after all, the kernel ends this first.
            (echo 1000 >/proc/self/oom_score_adj || true; exec "$@") </dev/null >"$folder/qemu" 2>&1 &
            machine=$!
            end=$(($(date +%s) + seconds))
            while kill -0 "$machine" && left=$((end - $(date +%s))) && [ "$left" -gt 0 ]; do
                status=0
                [ "$left" -lt 120 ] || left=120
                timeout -k 1 "$left" ssh -v -F "$folder/config" machine unlock \
                    <"$folder/passphrase" >"$folder/out" 2>"$folder/log" || status=$?
                if grep -q -e '^Authenticated to ' -e 'Permission denied (' -e '^Host key verification failed' \
                    -e '^Unable to negotiate ' "$folder/log"; then
                    echo "$status" >"$folder/status"
                    # Another disk was not there yet, or has no stand-in.
                    [ "$status" = 4 ] || break
                    late=${late:-$(($(date +%s) + 60))}
                    [ "$late" -gt "$end" ] || end=$late
                fi
                sleep 1
            done
            kill -0 "$machine" || : >"$folder/ended"
            """#

    /// - Parameters:
    ///   - words: QEMU's path and arguments.
    ///   - seconds: the longest that it may take until it is unlocked.
    ///   - interruption: by which it is ended early.
    /// - Returns: how the script ended.
    /// - Throws: `SystemError`.
    func run(_ words: [String], seconds: Int, _ interruption: Interruption?) throws(SystemError) -> HostProgram.Result {
        guard
            let result = try Enclosure.run(
                BootTrial.script, [folder, image, String(seconds)] + words, environment: key.environment,
                seconds: seconds + 180, interruption)
        else { throw SystemError("unshare", code: ENOENT) }
        return result
    }

    // MARK: What became of it

    /// What ssh and the machine said.
    enum Outcome {
        /// It was not started, or ended with these words.
        case notStarted(String)
        /// Its agent was not reached; the last of what the console showed.
        case notReached(String)
        /// QEMU ended before its agent was reached; the last of what the console showed.
        case ended(String)
        case notLoggedIn(SSHLog)
        /// The exit status of `unlock`, and the last line that it printed.
        case answered(Int32, String)
    }

    func outcome(_ result: HostProgram.Result) -> Outcome {
        guard Files.exists(folder + "/prepared") else { return .notStarted(result.failure) }
        let status = Int32(String(decoding: read("status").prefix { $0 != 0x0a }, as: UTF8.self))
        guard let status else {
            let words = last(read("qemu"))
            if Files.exists(folder + "/ended") {
                let shown = last(read("console"), containing: "Kernel panic")
                return shown.isEmpty ? .notStarted(words) : .ended(shown)
            }
            let shown = last(read("console"), containing: "postern: ")
            return shown.isEmpty && !words.isEmpty ? .notStarted(words) : .notReached(shown)
        }
        let ssh = SSHLog(read("log"))
        return ssh.isAuthenticated || status != 255 ? .answered(status, last(read("out"))) : .notLoggedIn(ssh)
    }

    private func read(_ name: String) -> [UInt8] {
        (try? Files.readStart(of: folder + "/" + name, count: 4 << 20)) ?? []
    }

    /// The last line with a text in it, or the last one of all where none has.
    private func last(_ bytes: [UInt8], containing text: String = "") -> String {
        let lines = bytes.split { $0 == 0x0a || $0 == 0x0d }.filter { line in line.contains { $0 > 0x20 } }
        let wanted = Array(text.utf8)
        let line = lines.last { line in line.indices.contains { line[$0...].starts(with: wanted) } } ?? lines.last
        return line.map { printable(Array($0), limit: 300) } ?? ""
    }
}

extension BootTrial.StandIn {
    /// - Returns: `nil` for a volume that is found by its place, or whose header lies elsewhere.
    init?(_ entry: CrypttabEntry) {
        guard entry.options.header == nil else { return nil }
        let byUUID = "/dev/disk/by-uuid/"
        var uuid = entry.identity
        var label: String?
        switch entry.device {
        case .uuid(let value): uuid = value
        case .label(let value): label = value
        case .path(let path) where path.hasPrefix(byUUID):
            uuid = String(decoding: path.utf8.dropFirst(byUUID.utf8.count), as: UTF8.self)
        case .path, .partuuid, .partlabel: return nil
        }
        self.init(name: entry.name, uuid: uuid, label: label, keySlot: entry.options.keySlot)
    }
}
