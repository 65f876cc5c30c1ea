internal import CLinux
internal import Config
internal import ConfigFiles
internal import HostPrograms
internal import Linux

/// Whether ssh can log in to the agent of an image: it rehearses in the unpacked image with the image's files, in namespaces
/// of its own, and this machine's ssh goes there.
struct LoginCheck {
    private let tree: String
    private let folder: String
    private let image: String
    private let again: String
    private let means: LoginMeans
    private let interruption: Interruption?
    private let configuration: Configuration
    private(set) var report = CheckReport()

    /// One agent and all logins may take so long, in seconds.
    static let time = 10
    /// So many keys are asked for.
    private static let mostKeys = 8

    /// - Parameters:
    ///   - tree: the root of the unpacked image.
    ///   - folder: a folder for files of its own.
    ///   - image: the image's path, for the findings.
    ///   - again: what to do to have it built again, as a sentence without its end.
    ///   - means: the private keys that are here.
    ///   - seconds: the longest that all may take.
    ///   - interruption: by which it is ended early.
    init(
        _ tree: String, folder: String, image: String, again: String, means: LoginMeans, seconds: Int,
        _ interruption: Interruption? = nil
    ) {
        self.tree = tree
        self.folder = folder + "/login"
        self.image = image
        self.again = again
        self.means = means
        self.interruption = interruption
        configuration = Configuration(file: ImageComparison.settings, beneath: tree)
        // Without these the agent does not listen, and the image has findings already.
        guard !configuration.keys.isEmpty, configuration.hasHostKey else { return }
        // The TPM is not given to that agent.
        guard !configuration.readableHostKeys.isEmpty else {
            leaveOut(
                "its host key is sealed, and there is no fallback host key",
                remedy: "write another FallbackHostKey than none, if you want it tried")
            return
        }
        let trials = chooseTrials()
        guard !trials.isEmpty else { return }
        guard HostProgram.find("ssh") != nil, HostProgram.find("ip") != nil else {
            leaveOut("ssh or ip is not installed", remedy: "install openssh-client and iproute2")
            return
        }
        do throws(SystemError) {
            try writeFiles(trials)
            guard let result = try rehearse(seconds) else {
                leaveOut("unshare is not installed", remedy: "install util-linux")
                return
            }
            report.add(
                LoginVerdict(
                    of: trials, result, folder: self.folder, image: image, again: again, means: means,
                    configuration: configuration
                ).report)
        } catch {
            leaveOut(error.description, remedy: "mend that, and check again")
        }
    }

    private mutating func leaveOut(_ reason: String, remedy: String) {
        report.leaveOutLogin(to: image, reason, remedy: remedy)
    }

    // MARK: What is tried

    /// One login.
    struct Trial {
        let place: LoginPlace
        /// The line that is to let it in; `nil` when none has the key.
        let key: AuthorizedKey?
        /// The path of the private key, or `nil` where the public half has to do.
        let identity: String?
        /// Whether somebody here may sign for it.
        let isLogin: Bool
        let name: String
    }

    private mutating func chooseTrials() -> [Trial] {
        var trials: [Trial] = []
        let now = Clock.date()
        var left: [AuthorizedKey] = []
        for key in configuration.keys where !key.isExpired(at: now) && !left.contains(where: { $0.blob == key.blob }) {
            left.append(key)
        }
        if let identity = means.identity {
            let print = means.fingerprints.first ?? ""
            let lines = configuration.keys.filter { $0.fingerprint == print }
            let line = lines.first { !$0.isExpired(at: now) }
            if line == nil, let old = lines.first {
                report.add(
                    image + ":" + old.file, old.line, "the key \(printable(identity)) has expired",
                    remedy: "name another one with -i, or write a later expiry-time=, and \(again)")
            } else if let place = LoginPlace(configuration.settings, for: line) {
                trials.append(Trial(place: place, key: line, identity: identity, isLogin: true, name: "key"))
                left.removeAll { $0.fingerprint == print }
            }
        }
        let isHere = { [means] (key: AuthorizedKey) in
            means.identity == nil && means.fingerprints.contains(key.fingerprint)
        }
        left = left.filter { isHere($0) } + left.filter { !isHere($0) }
        if left.count > LoginCheck.mostKeys {
            let count = left.count - LoginCheck.mostKeys
            report.addNotice(
                image, 0,
                "its agent was not asked whether it knows \(count) more authorized key\(count == 1 ? "" : "s")",
                remedy: "name one of them with -i, if it matters")
        }
        for key in left.prefix(LoginCheck.mostKeys) {
            guard let place = LoginPlace(configuration.settings, for: key) else {
                report.addNotice(
                    image + ":" + key.file, key.line,
                    "no login with this key was tried: from= admits no address known here",
                    remedy: "log in from an address that it admits, before you need to")
                continue
            }
            trials.append(
                Trial(place: place, key: key, identity: nil, isLogin: isHere(key), name: "key\(trials.count)"))
        }
        // Who has to touch a security key may not be there: what needs nobody comes first.
        return trials.filter { !$0.isLogin } + trials.filter { $0.isLogin }
    }

    private func writeFiles(_ trials: [Trial]) throws(SystemError) {
        try Files.makeFolder(folder, mode: 0o700)
        var known = ""
        for file in configuration.readableHostKeys {
            let key = unsafe file.content.withUnsafeBytes { unsafe PublicHostKey(privateKey: $0) }
            if let key { known += SSHHost.alias + " " + key.type + " " + key.base64 + "\n" }
        }
        try Files.write(known, to: folder + "/known_hosts", mode: 0o600)
        var (config, hosts) = ("", "")
        var addresses: [PeerAddress] = []
        for trial in trials {
            let file = folder + "/" + trial.name + ".pub"
            if let key = trial.key { try Files.write(key.publicLine + "\n", to: file, mode: 0o600) }
            config +=
                SSHHost(
                    name: trial.name, address: trial.place.address, port: trial.place.port, source: trial.place.source,
                    identity: trial.identity ?? file, knownHosts: folder + "/known_hosts"
                ).text
            hosts += trial.name + " status\n"
            for address in [trial.place.source, trial.place.address] where !addresses.contains(address) {
                addresses.append(address)
            }
        }
        var lines = ""
        for address in addresses { lines += address.description + "\n" }
        try Files.write(config, to: folder + "/config", mode: 0o600)
        try Files.write(hosts, to: folder + "/hosts", mode: 0o600)
        try Files.write(lines, to: folder + "/addresses", mode: 0o600)
    }

    // MARK: The rehearsal

    /// The agent gets no disk: nothing of this machine can be tried or changed. A folder that may not have programs may
    /// here.
    private static let script =
        Enclosure.network + #"""

            tree=$2
            mount --bind "$tree" "$tree"
            mount -o remount,bind,exec,dev,suid "$tree"
            mkdir -p "$tree/proc" "$tree/dev" "$tree/run"
            mount -t proc proc "$tree/proc"
            mount -t tmpfs -o mode=755 tmpfs "$tree/dev"
            for node in null zero full random urandom; do
                : >"$tree/dev/$node"
                mount --bind "/dev/$node" "$tree/dev/$node"
            done
            mount -t tmpfs -o mode=755 tmpfs "$tree/run"
            : >"$1/enclosed"
            chroot "$tree" "$3" agent --rehearse -f "$4" </dev/null >"$1/agent" 2>&1 &
            until grep -q 'listening on' "$1/agent"; do
                kill -0 $!
                sleep 0.1
            done

            """# + Enclosure.logins

    private func rehearse(_ seconds: Int) throws(SystemError) -> HostProgram.Result? {
        // By this file the agent would know an initrd, where it rehearses nothing.
        let release = tree + "/etc/initrd-release"
        let aside = release + ".aside"
        let isMoved = unsafe rename(release, aside) == 0
        defer { if isMoved { _ = unsafe rename(aside, release) } }
        let agent = ["/usr/sbin/postern", "/usr/bin/postern"].first { Files.exists(tree + $0) } ?? ""
        return try Enclosure.run(
            LoginCheck.script, [folder, tree, agent, ImageComparison.settings],
            environment: means.environment + ["SECONDS_FOR_LOGIN=" + String(max(seconds - 2, 1))], seconds: seconds,
            interruption)
    }
}
