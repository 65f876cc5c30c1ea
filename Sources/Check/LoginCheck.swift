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
        guard !configuration.keys.isEmpty, !configuration.hostKeys.isEmpty else { return }
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
            judge(trials, result)
        } catch {
            leaveOut(error.description, remedy: "mend that, and check again")
        }
    }

    private mutating func leaveOut(_ reason: String, remedy: String) {
        report.addNotice(image, 0, "no login to its agent was tried: \(reason)", remedy: remedy)
    }

    // MARK: What is tried

    /// One login.
    private struct Trial {
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
        for file in configuration.hostKeys {
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

    // MARK: What became of it

    private func read(_ name: String) -> [UInt8] {
        (try? Files.readRegular(folder + "/" + name, limit: 1 << 20)) ?? []
    }

    private mutating func judge(_ trials: [Trial], _ result: HostProgram.Result) {
        guard Files.exists(folder + "/enclosed") else {
            leaveOut(result.failure, remedy: "check on the machine itself and not in a container")
            return
        }
        let log = read("agent").split(separator: UInt8(ascii: "\n"))
        guard result.end != .tookTooLong || log.contains(where: { LoginCheck.has($0, "listening on") }) else {
            leaveOut("its agent had no time to start", remedy: "run: postern check --images")
            return
        }
        let ended = LoginCheck.ownEnd(log)
        guard log.contains(where: { LoginCheck.has($0, "listening on") }) else {
            if let ended {
                leaveOut(ended, remedy: LoginCheck.remedyForEnd)
                return
            }
            let last = log.last.map { printable(Array($0), limit: 300) } ?? result.failure
            if LoginCheck.has(last.utf8, "this is an initrd") {
                leaveOut("this machine unpacks images into memory", remedy: "put /var/tmp on a disk")
            } else {
                report.add(image, 0, "its agent does not start in a rehearsal: \(last)", remedy: again)
            }
            return
        }
        var wouldEnter = 0
        var isProved = false
        var isLeftOut = false
        var hasEnded = false
        let missing = read("missing").split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
        for trial in trials {
            if let address = [trial.place.source, trial.place.address].first(where: { missing.contains($0.description) }
            ) {
                report.addNotice(
                    image + ":" + (trial.key?.file ?? ImageComparison.settings), trial.key?.line ?? 0,
                    "no login with this key was tried: this machine cannot have the address \(address.description)",
                    remedy: "log in from an address that from= admits, before you need to")
                continue
            }
            guard let status = LoginCheck.number(read(trial.name + ".status")) else {
                isLeftOut = true
                continue
            }
            let ssh = SSHLog(read(trial.name + ".log"))
            // timeout(1) ends with 124, or 137 where it had to kill.
            guard ssh.acceptsKey || ssh.isAuthenticated || ![124, 137].contains(status) && !ssh.isTooLate else {
                isLeftOut = true
                continue
            }
            if ssh.acceptsKey || ssh.isAuthenticated {
                wouldEnter += 1
            } else if ended != nil, ssh.obstacle != .refused, ssh.obstacle != .hostKey {
                hasEnded = true
                continue
            }
            if judge(trial, ssh, status) { isProved = true }
        }
        if hasEnded, let ended {
            leaveOut(ended, remedy: LoginCheck.remedyForEnd)
        } else if isLeftOut {
            report.addNotice(
                image, 0, "not every login to its agent was tried, for want of time",
                remedy: "run: postern check --images")
        }
        let hasTrial = trials.contains { $0.isLogin }
        if !isProved, !hasTrial, wouldEnter > 0 {
            report.addNotice(
                image, 0,
                "its agent knows \(wouldEnter) authorized key\(wouldEnter == 1 ? "" : "s"), "
                    + "and no login was made, for "
                    + (configuration.keys.contains { means.fingerprints.contains($0.fingerprint) }
                        ? "that with the key that is here could not be tried" : "their private keys are not here"),
                remedy: "name one with -i, or come here with ssh -A, and \(LoginCheck.checkAgain)")
        }
    }

    /// - Returns: whether it has logged in.
    private mutating func judge(_ trial: Trial, _ ssh: SSHLog, _ status: Int32) -> Bool {
        let name = trial.key.map { LoginCheck.title($0) } ?? printable(trial.identity ?? "")
        let file = trial.key.map { image + ":" + $0.file } ?? image
        let line = trial.key?.line ?? 0
        if ssh.isAuthenticated {
            guard let told = LoginCheck.told(status, isForced: trial.key?.forcedCommand != nil) else {
                let output = read(trial.name + ".out").split(separator: UInt8(ascii: "\n")).last ?? []
                report.add(
                    image, 0,
                    "ssh logged in to its agent with \(name), and status ended with \(status): "
                        + printable(Array(output), limit: 200), remedy: again)
                return true
            }
            report.addProof(
                image,
                "ssh knew the host key of its agent and logged in with \(name)\(told)")
            return true
        }
        // A query ends like this, for nobody can sign.
        if ssh.acceptsKey, !trial.isLogin { return false }
        switch ssh.obstacle {
        case .hostKey:
            report.add(image, 0, "its agent does not prove itself by the host keys in the image", remedy: again)
        case .algorithms(let words):
            report.add(
                image + ":" + ImageComparison.settings, 0,
                "this machine's ssh and its agent share no algorithm: \(words)",
                remedy: "permit one more in KexAlgorithms, Ciphers or MACs, and \(again)")
        case .locked where ssh.acceptsKey:
            report.addNotice(
                image, 0, "its agent knows \(name), and no login was made, for the key wants its passphrase",
                remedy: "give it to ssh-agent with ssh-add, and check again")
        case .unsigned(let words) where ssh.acceptsKey:
            report.addNotice(
                image, 0, "its agent knows \(name), and no login was made: \(words)",
                remedy: "mend that, and check again")
        default:
            if ssh.acceptsKey {
                report.addNotice(
                    image, 0, "its agent knows \(name), and no login was made, for nobody signed in time",
                    remedy: "touch the security key, or name another key with -i")
            } else if trial.key == nil {
                report.add(
                    image, 0, "its agent does not let \(name) in, which is in no line of its authorized_keys",
                    remedy: "add its public half to authorized_keys, and \(again)")
            } else {
                report.add(
                    file, line, "its agent does not let this key in: \(reason(ssh, trial.key))",
                    remedy: "see that the line is right, and \(again)")
            }
        }
        return false
    }

    /// What became of the command behind a login, in a sentence; `nil` where it failed.
    ///
    /// - Parameters:
    ///   - status: as timeout(1) ends: with 124, or 137 where it had to kill, for one that took too long.
    ///   - isForced: whether `command=` says what runs.
    /// - Returns: what follows the sentence of the login, or `nil`.
    static func told(_ status: Int32, isForced: Bool) -> String? {
        if isForced { return "; command= left it no status" }
        switch status {
        case 0: return ", and was told the status"
        case 124, 137: return "; the status did not come in time"
        default: return nil
        }
    }

    /// Why an agent whose volumes need nobody ended by itself, in its own words; `nil` while it waits.
    ///
    /// - Parameter log: the lines of its log.
    /// - Returns: a sentence, or `nil`.
    static func ownEnd(_ log: [ArraySlice<UInt8>]) -> String? {
        let line = log.last { has($0, "the boot goes on") || has($0, "no volume to open") }
        return line.map { "its agent ended by itself: " + printable(Array($0), limit: 300) }
    }

    /// sudo takes the way to ssh-agent away.
    private static var checkAgain: String {
        unsafe getenv("SUDO_USER") == nil
            ? "check again" : "run: sudo --preserve-env=SSH_AUTH_SOCK postern check"
    }

    private static let remedyForEnd = "see that crypttab in the image has what it is to wait for"

    /// What the agent says of a key, or else ssh.
    private func reason(_ ssh: SSHLog, _ key: AuthorizedKey?) -> String {
        if let key {
            let line = read("agent").split(separator: UInt8(ascii: "\n")).last { LoginCheck.has($0, key.fingerprint) }
            if let line { return printable(Array(line), limit: 300) }
        }
        if case .other(let words) = ssh.obstacle, !words.isEmpty { return words }
        return "ssh was refused"
    }

    private static func title(_ key: AuthorizedKey) -> String {
        key.fingerprint + (key.comment.isEmpty ? "" : " (" + printable(key.comment) + ")")
    }

    private static func number(_ bytes: [UInt8]) -> Int32? {
        Int32(String(decoding: bytes.prefix { $0 != 0x0a }, as: UTF8.self))
    }

    private static func has(_ line: some Collection<UInt8>, _ text: String) -> Bool {
        let (line, text) = (Array(line), Array(text.utf8))
        return line.indices.contains { line[$0...].starts(with: text) }
    }
}
