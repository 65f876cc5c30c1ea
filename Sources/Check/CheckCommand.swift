internal import CLinux
internal import Config
internal import ConfigFiles
internal import HostPrograms
internal import Image
internal import Linux
internal import Terminal

/// `postern check` without `--image`: whether the next boot of this machine can be unlocked from afar.
public enum CheckCommand {
    /// - Parameters:
    ///   - arguments: what follows `check`.
    ///   - defaultFile: postern.conf, unless `-f` names another one.
    /// - Returns: the exit status: 0 without a finding, 1 with some; `nil` for wrong usage.
    public static func run(_ arguments: [String], file defaultFile: String) -> Int32? {
        var isQuick = false
        var isPatient = false
        var json = false
        var logsIn = true
        var boots = false
        var identity: String?
        var file: String?
        var rest = arguments[...]
        while let word = rest.popFirst() {
            switch word {
            case "--quick": isQuick = true
            case "--images": isPatient = true
            case "--json": json = true
            case "--no-login": logsIn = false
            case "--boot": boots = true
            case "-i":
                guard let value = rest.popFirst() else { return nil }
                identity = value
            case "-f":
                guard let value = rest.popFirst() else { return nil }
                file = value
            default: return nil
            }
        }
        guard !isQuick || !isPatient && !boots && identity == nil else { return nil }
        guard logsIn || boots || identity == nil else { return nil }
        // Who names a file may be on another machine than the one that it is for.
        let looksAtImages = isPatient || boots || !isQuick && file == nil && ChildProcess.isRoot
        let machine = CheckedMachine(file: file ?? defaultFile)
        let configuration = Configuration(file: machine.file)
        var report = look(machine, configuration)
        let network = file == nil ? configuration : nil
        var lookedAtNetwork = network == nil
        if looksAtImages {
            // Who interrupts this leaves no unpacked image, with the host keys in it, behind.
            let interruption = try? Interruption()
            let means = (logsIn || boots) && ChildProcess.isRoot ? means(identity, into: &report) : nil
            let images = ImagesCheck(
                machine, isPatient: isPatient, known: report, network: network, login: logsIn ? means : nil
            ) {
                endIfAsked(interruption)
            }
            report.add(images.report)
            lookedAtNetwork = lookedAtNetwork || images.lookedAtNetwork
            if boots, let means {
                report.add(BootCheck(machine, means, interruption).report)
                endIfAsked(interruption)
            } else if boots, !ChildProcess.isRoot {
                report.add("--boot", 0, "nothing was booted, for that takes root", remedy: "run it as root")
            }
        }
        if let network, !lookedAtNetwork {
            NetworkCheck.look(machine: machine.root, image: nil, configuration: network, into: &report)
        }
        show(report, configuration, machine.file, json: json)
        return report.findings.isEmpty ? 0 : 1
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

    private static func endIfAsked(_ interruption: Interruption?) {
        if interruption?.isThere ?? false { exit(130) }
    }

    /// Looks at the machine's own files and disks.
    static func look(_ machine: CheckedMachine, _ configuration: Configuration) -> CheckReport {
        var report = CheckReport()
        let identities = Identities(configuration)
        report.add(
            findings: configuration.findings + identities.findings, notices: configuration.notices + identities.notices)
        AccessCheck.look(configuration, beneath: machine.root, now: Clock.date(), into: &report)
        return report
    }

    private static func show(_ report: CheckReport, _ configuration: Configuration, _ file: String, json: Bool) {
        if json {
            print(report.json)
            return
        }
        for notice in report.notices { print("notice: \(notice.description)") }
        for proof in report.proofs { print("proved: \(proof.file): \(proof.text)") }
        for finding in report.findings { print(finding.description) }
        let count = report.findings.count
        guard count == 0 else {
            print("\(file): \(count) finding\(count == 1 ? "" : "s")")
            return
        }
        print(
            "\(file): no findings; \(configuration.crypttab.entries.count) volumes, "
                + "\(configuration.keys.count) authorized keys, \(configuration.hostKeys.count) host keys")
    }
}

extension CheckReport {
    /// One object with the lists `findings` and `notices`, each of objects with file, line, problem and remedy, and the list
    /// `proofs`, of objects with file and text.
    var json: String {
        var text = ""
        for (place, proof) in proofs.enumerated() {
            text += (place > 0 ? "," : "") + "{\"file\":" + Terminal.Report.quoted(proof.file)
            text += ",\"text\":" + Terminal.Report.quoted(proof.text) + "}"
        }
        return "{\"findings\":" + CheckReport.list(findings) + ",\"notices\":" + CheckReport.list(notices)
            + ",\"proofs\":[" + text + "]}"
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
