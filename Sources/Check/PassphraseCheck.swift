internal import Config
internal import HostPrograms
internal import Image
internal import Linux

/// Which volumes a passphrase opens.
enum PassphraseCheck {
    /// Whom the findings are about that concern no single volume.
    private static let subject = "passphrase"

    /// Tries a passphrase on each volume that Postern opens, first on those that ask for one, and notes the outcome in it.
    ///
    /// - Parameters:
    ///   - passphrase: what was typed.
    ///   - volumes: the machine's.
    ///   - needed: the names of those that the boot needs, or `nil` where that is not known.
    ///   - file: the crypttab, for the findings.
    ///   - deadline: when what has not ended is given up, by `Clock.now()`, or `nil`.
    ///   - interruption: what ends the program meanwhile.
    ///   - report: where the findings go.
    static func look(
        _ passphrase: SecretBytes, _ volumes: inout [CheckedVolume], needed: [String]?, file: String,
        until deadline: Int64?, _ interruption: Interruption, into report: inout CheckReport
    ) {
        var places: [Int] = []
        for isAsking in [true, false] {
            for place in volumes.indices where volumes[place].asks == isAsking {
                let facts = volumes[place].facts
                guard facts.reasonLeft == nil else { continue }
                volumes[place].passphrase = .untried
                if facts.isGood, !facts.keySlots.isEmpty { places.append(place) }
            }
        }
        guard !places.isEmpty else {
            report.add(
                subject, 0, "no volume is here to try it on", remedy: "connect the disks, and check again as root")
            return
        }
        let trials = places.map { KeyTrials.Trial(volume: volumes[$0].facts, key: passphrase) }
        let outcomes = KeyTrials.run(trials, until: deadline, interruption)
        for (place, outcome) in zip(places, outcomes) {
            volumes[place].passphrase = CheckedVolume.Trial(outcome)
            let entry = volumes[place].facts.entry
            let name = printable(entry.name)
            switch outcome {
            case .opens, .opensNot: break
            case .failed(let reason):
                report.addNotice(
                    file, entry.line, "the passphrase was not tried on \(name): \(reason)",
                    remedy: "check again when that is mended")
            case .late:
                report.addNotice(
                    file, entry.line, "the passphrase was not tried on \(name), for want of time",
                    remedy: "run: postern check --images --passphrase")
            }
        }
        guard outcomes.contains(where: { $0 == .opens || $0 == .opensNot }) else {
            report.add(
                subject, 0, "it was tried on no volume",
                remedy: "see the notices, and run: postern check --images --passphrase")
            return
        }
        for volume in volumes where volume.asks && volume.passphrase == .untried && isNeeded(volume, needed) {
            report.add(
                file, volume.facts.entry.line,
                "the passphrase was not tried on \(printable(volume.facts.entry.name)), which the boot needs",
                remedy: "run: postern check --images --passphrase")
        }
        guard outcomes.contains(.opensNot) else { return }
        if outcomes.allSatisfy({ $0 == .opensNot }) {
            report.add(subject, 0, "it opens no volume of this machine", remedy: "try another one")
            return
        }
        for place in places where volumes[place].asks && volumes[place].passphrase == .opensNot {
            let entry = volumes[place].facts.entry
            guard isNeeded(volumes[place], needed) else { continue }
            report.add(
                file, entry.line, "the passphrase does not open \(printable(entry.name)), which the boot needs",
                remedy: "try another one, or add this one with: cryptsetup luksAddKey "
                    + printable(volumes[place].facts.header))
        }
    }

    private static func isNeeded(_ volume: CheckedVolume, _ needed: [String]?) -> Bool {
        (needed ?? []).contains { $0.utf8.elementsEqual(volume.facts.entry.name.utf8) }
    }
}
