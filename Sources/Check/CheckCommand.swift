internal import CLinux
internal import Config
internal import ConfigFiles
internal import HostKeys
internal import HostPrograms
internal import Image
internal import Linux
internal import Terminal

/// `postern check` without `--image`: whether the next boot of this machine can be unlocked from afar.
public enum CheckCommand {
    /// What its arguments ask for.
    private struct Options {
        var isQuick = false
        var isPatient = false
        var json = false
        var logsIn = true
        var boots = false
        var identity: String?
        var asks = false
        var file: String?

        init?(_ arguments: [String]) {
            var rest = arguments[...]
            while let word = rest.popFirst() {
                switch word {
                case "--quick": isQuick = true
                case "--images": isPatient = true
                case "--json": json = true
                case "--no-login": logsIn = false
                case "--boot": boots = true
                case "--passphrase": asks = true
                case "-i":
                    guard let value = rest.popFirst() else { return nil }
                    identity = value
                case "-f":
                    guard let value = rest.popFirst() else { return nil }
                    file = value
                default: return nil
                }
            }
            guard !isQuick || !isPatient && !asks && !boots && identity == nil else { return nil }
            guard logsIn || boots || identity == nil else { return nil }
        }
    }

    /// Keys may be tried so long unless somebody waits for them, in milliseconds: key files, and then a passphrase.
    private static let keyTime: Int64 = 10_000
    /// All together may take so long, in milliseconds.
    private static let time: Int64 = 27_000

    /// - Parameters:
    ///   - arguments: what follows `check`.
    ///   - defaultFile: postern.conf, unless `-f` names another one.
    /// - Returns: the exit status: 0 without a finding, 1 with some, 2 without the passphrase that was asked for; `nil` for
    ///   wrong usage.
    public static func run(_ arguments: [String], file defaultFile: String) -> Int32? {
        guard let options = Options(arguments) else { return nil }
        // Who interrupts this leaves no unpacked image, with the host keys in it, and no worker behind.
        let interruption = Interruption()
        var passphrase: SecretBytes?
        if options.asks {
            do throws(PassphrasePrompt.Failure) { passphrase = try PassphrasePrompt.read(interruption) } catch {
                Log.complain("postern: \(error.description)")
                return 2
            }
        }
        let started = Clock.now()
        // Who names a file may be on another machine than the one that it is for.
        let isElsewhere = options.file != nil
        let looksAtImages =
            options.isPatient || options.boots || !options.isQuick && !isElsewhere && ChildProcess.isRoot
        let machine = CheckedMachine(file: options.file ?? defaultFile)
        let configuration = Configuration(file: machine.file)
        var (report, volumes) = look(machine, configuration)
        let known = report
        let crypttab = configuration.settings.crypttab
        func deadline() -> Int64? { options.isPatient ? nil : Clock.now() + keyTime }
        if !options.isQuick {
            SealedKeysCheck.look(
                configuration,
                opening: isElsewhere || !ChildProcess.isRoot ? nil : { Sealing.problem(openingKey: $0) },
                again: Rebuilding.command(), into: &report)
            HeadersCheck.look(volumes, file: crypttab, into: &report)
            let keys = KeyFilesCheck(&volumes, file: crypttab, until: deadline(), interruption)
            report.add(findings: keys.report.findings, notices: keys.report.notices)
        }
        if let passphrase {
            PassphraseCheck.look(
                passphrase, &volumes, needed: machine.neededVolumes(), file: crypttab, until: deadline(), interruption,
                into: &report)
        }
        passphrase = nil
        let network = isElsewhere ? nil : configuration
        var lookedAtNetwork = network == nil
        if looksAtImages {
            removeLeft(into: &report)
            let logsIn = options.logsIn
            let means = (logsIn || options.boots) && ChildProcess.isRoot ? means(options.identity, into: &report) : nil
            let images = ImagesCheck(
                machine, known: known, network: network, volumes: volumes.map { $0.facts }, login: logsIn ? means : nil,
                until: options.isPatient ? nil : started + time, interruption)
            report.add(images.report)
            lookedAtNetwork = lookedAtNetwork || images.lookedAtNetwork
            if options.boots, let means {
                report.add(BootCheck(machine, means, interruption).report)
                interruption.endIfAsked()
            } else if options.boots, !ChildProcess.isRoot {
                report.add("--boot", 0, "nothing was booted, for that takes root", remedy: "run it as root")
            }
        }
        if let identity = options.identity, !looksAtImages || !ChildProcess.isRoot {
            report.add(
                "-i", 0, "no login with \(printable(identity)) was tried, for that takes root, and the images",
                remedy: isElsewhere ? "run it as root, with --images" : "run it as root")
        }
        if let network, !lookedAtNetwork {
            NetworkCheck.look(machine: machine.root, image: nil, configuration: network, into: &report)
        }
        if options.json {
            print(report.json(volumes))
        } else {
            let showsVolumes = !isElsewhere && !options.isQuick || options.asks
            show(report, showsVolumes ? volumes : [], configuration, machine.file)
        }
        return report.findings.isEmpty ? 0 : 1
    }

    /// The same on NixOS, where the files of Postern lie in the image alone.
    ///
    /// - Parameters:
    ///   - arguments: what follows `check`.
    ///   - file: postern.conf, as the image has it.
    /// - Returns: the exit status, or `nil` where nothing was looked at.
    public static func runOnNixOS(_ arguments: [String], file: String) -> Int32? {
        guard ChildProcess.isRoot, let options = Options(arguments), options.file == nil, !options.isQuick else {
            return nil
        }
        guard !options.asks, !options.boots else { return nil }
        let interruption = Interruption()
        var report = CheckReport()
        removeLeft(into: &report)
        let images = ImagesCheck(
            CheckedMachine(file: file), known: CheckReport(),
            login: options.logsIn ? means(options.identity, into: &report) : nil,
            until: options.isPatient ? nil : Clock.now() + time, interruption)
        guard images.lookedAtNetwork || !images.report.findings.isEmpty else { return nil }
        report.add(images.report)
        if options.json {
            print(report.json([]))
        } else {
            show(report, file)
            if report.findings.isEmpty { print("\(file): no findings") }
        }
        return report.findings.isEmpty ? 0 : 1
    }

    private static func removeLeft(into report: inout CheckReport) {
        for left in WorkFolder.removeLeft() {
            report.addNotice(
                left.path, 0,
                "a check that was killed left this with an image in it, and it is not removed: \(left.reason)",
                remedy: "remove it")
        }
    }

    private static func means(_ identity: String?, into report: inout CheckReport) -> LoginMeans? {
        do throws(LoginMeans.Problem) {
            return try LoginMeans(identity: identity)
        } catch {
            report.add(
                identity ?? "-i", 0, "no login is tried, for this is no key: \(error.text)",
                remedy: "name the file of a private key")
            return nil
        }
    }

    /// Looks at the machine's own files and disks.
    static func look(
        _ machine: CheckedMachine, _ configuration: Configuration
    ) -> (report: CheckReport, volumes: [CheckedVolume]) {
        var report = CheckReport()
        let identities = Identities(configuration)
        report.add(
            findings: configuration.findings + identities.findings, notices: configuration.notices + identities.notices)
        let keySlots = KeySlotCheck(beneath: machine.root, file: configuration.settings.crypttab)
        for volume in identities.volumes { keySlots.look(at: volume, into: &report) }
        AccessCheck.look(configuration, beneath: machine.root, now: Clock.date(), into: &report)
        return (report, identities.volumes.map { CheckedVolume($0) })
    }

    private static func show(
        _ report: CheckReport, _ volumes: [CheckedVolume], _ configuration: Configuration, _ file: String
    ) {
        for volume in volumes { print(volume.line) }
        show(report, file)
        guard report.findings.isEmpty else { return }
        print(
            "\(file): no findings; \(configuration.crypttab.entries.count) volumes, "
                + "\(configuration.keys.count) authorized keys, \(configuration.hostKeys.count + configuration.sealedKeys.count) host keys"
        )
    }

    /// All but what is said of a file without findings.
    private static func show(_ report: CheckReport, _ file: String) {
        for notice in report.notices { print("notice: \(notice.description)") }
        for proof in report.proofs { print("proved: \(proof.file): \(proof.text)") }
        for finding in report.findings { print(finding.description) }
        let count = report.findings.count
        if count > 0 { print("\(file): \(count) finding\(count == 1 ? "" : "s")") }
    }
}

extension CheckReport {
    /// One object with the lists `findings` and `notices`, each of objects with file, line, problem and remedy, the list
    /// `proofs`, of objects with file and text, and the list `volumes`.
    func json(_ volumes: [CheckedVolume]) -> String {
        var text = "{\"findings\":" + CheckReport.list(findings) + ",\"notices\":" + CheckReport.list(notices)
        text += ",\"proofs\":["
        for (place, proof) in proofs.enumerated() {
            text += (place > 0 ? "," : "") + "{\"file\":" + Terminal.Report.quoted(proof.file)
            text += ",\"text\":" + Terminal.Report.quoted(proof.text) + "}"
        }
        text += "],\"volumes\":["
        for (place, volume) in volumes.enumerated() { text += (place > 0 ? "," : "") + volume.json }
        return text + "]}"
    }

    private static func list(_ findings: [Finding]) -> String {
        var text = "["
        for (place, finding) in findings.enumerated() {
            text += place > 0 ? "," : ""
            text += "{\"file\":" + Terminal.Report.quoted(finding.file) + ",\"line\":" + String(finding.line)
            text += ",\"problem\":" + Terminal.Report.quoted(finding.problem)
            text += ",\"remedy\":" + Terminal.Report.quoted(finding.remedy) + "}"
        }
        return text + "]"
    }
}
