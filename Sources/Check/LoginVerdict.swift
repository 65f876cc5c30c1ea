internal import CLinux
internal import Config
internal import ConfigFiles
internal import HostPrograms
internal import Linux

/// What became of the logins to the agent of an image, as the files say that ssh and the agent have written.
struct LoginVerdict {
    private let folder: String
    private let image: String
    private let again: String
    private let means: LoginMeans
    private let configuration: Configuration
    private(set) var report = CheckReport()

    /// - Parameters:
    ///   - trials: what was tried.
    ///   - result: how the rehearsal ended.
    ///   - folder: the folder with its files.
    ///   - image: the image's path, for the findings.
    ///   - again: what to do to have it built again, as a sentence without its end.
    ///   - means: the private keys that are here.
    ///   - configuration: the image's.
    init(
        of trials: [LoginCheck.Trial], _ result: HostProgram.Result, folder: String, image: String, again: String,
        means: LoginMeans, configuration: Configuration
    ) {
        self.folder = folder
        self.image = image
        self.again = again
        self.means = means
        self.configuration = configuration
        judge(trials, result)
    }

    private mutating func leaveOut(_ reason: String, remedy: String) {
        report.leaveOutLogin(to: image, reason, remedy: remedy)
    }

    private func read(_ name: String) -> [UInt8] {
        (try? Files.readRegular(folder + "/" + name, limit: 1 << 20)) ?? []
    }

    private mutating func judge(_ trials: [LoginCheck.Trial], _ result: HostProgram.Result) {
        guard Files.exists(folder + "/enclosed") else {
            leaveOut(result.failure, remedy: "check on the machine itself and not in a container")
            return
        }
        let log = read("agent").split(separator: UInt8(ascii: "\n"))
        guard result.end != .tookTooLong || log.contains(where: { LoginVerdict.has($0, "listening on") }) else {
            leaveOut("its agent had no time to start", remedy: "run: postern check --images")
            return
        }
        let ended = LoginVerdict.ownEnd(log)
        guard log.contains(where: { LoginVerdict.has($0, "listening on") }) else {
            if let ended {
                leaveOut(ended, remedy: LoginVerdict.remedyForEnd)
                return
            }
            let last = log.last.map { printable(Array($0), limit: 300) } ?? result.failure
            if LoginVerdict.has(last.utf8, "this is an initrd") {
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
            guard let status = LoginVerdict.number(read(trial.name + ".status")) else {
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
            leaveOut(ended, remedy: LoginVerdict.remedyForEnd)
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
                remedy: "name one with -i, or come here with ssh -A, and \(LoginVerdict.checkAgain)")
        }
    }

    /// - Returns: whether it has logged in.
    private mutating func judge(_ trial: LoginCheck.Trial, _ ssh: SSHLog, _ status: Int32) -> Bool {
        let name = trial.key.map { LoginVerdict.title($0) } ?? printable(trial.identity ?? "")
        let file = trial.key.map { image + ":" + $0.file } ?? image
        let line = trial.key?.line ?? 0
        if ssh.isAuthenticated {
            guard let told = LoginVerdict.told(status, isForced: trial.key?.forcedCommand != nil) else {
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
            let line = read("agent").split(separator: UInt8(ascii: "\n")).last { LoginVerdict.has($0, key.fingerprint) }
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

extension CheckReport {
    /// Says why no login to the agent of an image was tried.
    mutating func leaveOutLogin(to image: String, _ reason: String, remedy: String) {
        addNotice(image, 0, "no login to its agent was tried: \(reason)", remedy: remedy)
    }
}
