internal import Config
internal import HostPrograms
internal import Image
internal import Linux
internal import Worker

/// Whether the key files that can be read now open their volumes.
struct KeyFilesCheck {
    private let file: String
    private let mounted = MountedVolumes()
    private(set) var report = CheckReport()
    /// What was not tried, by the reason; the names of the volumes are the second.
    private var untried: [(reason: String, remedy: String, line: Int, names: [String])] = []

    /// Tries the key file of each volume that Postern opens with one, and notes the outcome in it.
    ///
    /// - Parameters:
    ///   - volumes: the machine's.
    ///   - file: its crypttab, for the findings.
    ///   - deadline: when what has not ended is given up, by `Clock.now()`, or `nil`.
    ///   - interruption: what ends the program meanwhile.
    init(_ volumes: inout [CheckedVolume], file: String, until deadline: Int64?, _ interruption: Interruption) {
        self.file = file
        var places: [Int] = []
        var trials: [KeyTrials.Trial] = []
        for place in volumes.indices where volumes[place].facts.reasonLeft == nil {
            let facts = volumes[place].facts
            guard hasKeyFile(facts) else { continue }
            volumes[place].keyFile = .untried
            // Why there is none to try it on is said elsewhere.
            guard facts.isGood, !facts.keySlots.isEmpty, let key = key(of: facts) else { continue }
            places.append(place)
            trials.append(KeyTrials.Trial(volume: facts, key: key))
        }
        let outcomes = KeyTrials.run(trials, until: deadline, interruption)
        for (place, outcome) in zip(places, outcomes) {
            volumes[place].keyFile = CheckedVolume.Trial(outcome)
            add(outcome, volumes[place].facts)
        }
        for one in untried {
            report.addNotice(
                file, one.names.count == 1 ? one.line : 0, "\(one.reason): \(NetworkCheck.list(one.names))",
                remedy: one.remedy)
        }
    }

    private func hasKeyFile(_ facts: VolumeFacts) -> Bool {
        switch facts.entry.key {
        case .file, .fileOn: true
        case .ask, .other: false
        }
    }

    private mutating func key(of facts: VolumeFacts) -> SecretBytes? {
        let options = facts.entry.options
        var problem = ""
        switch facts.entry.key {
        case .ask, .other: return nil
        case .file(let path):
            // Why it cannot be read is said by `Identities`.
            return KeyFile.key(
                path, in: nil, offset: options.keyfileOffset, size: options.keyfileSize, problem: &problem)
        case .fileOn(let path, let device):
            guard let folder = mounted.place(of: device) else {
                leaveOut(
                    facts, "the key file was not tried, for its key volume \(device) is not mounted now",
                    remedy: "mount it read-only, and check again")
                return nil
            }
            let key = KeyFile.key(
                path, in: folder, offset: options.keyfileOffset, size: options.keyfileSize, problem: &problem)
            guard key == nil else { return key }
            guard ChildProcess.isRoot else {
                leaveOut(facts, "the key file was not tried, for \(problem)", remedy: "check as root")
                return nil
            }
            report.add(
                file, facts.entry.line, "\(problem), so it does not open \(printable(facts.entry.name))",
                remedy: "put the key file back on \(device), or correct the line")
            return nil
        }
    }

    private mutating func add(_ outcome: KeyTrials.Outcome, _ facts: VolumeFacts) {
        let name = printable(facts.entry.name)
        switch outcome {
        case .opens: break
        case .opensNot:
            let slot = facts.entry.options.keySlot.map { "the key slot \($0)" } ?? "no key slot"
            report.add(
                file, facts.entry.line,
                facts.entry.options.keySlot == nil
                    ? "the key file \(words(facts.entry.key)) opens \(slot) of \(name)"
                    : "the key file \(words(facts.entry.key)) does not open \(slot) of \(name)",
                remedy:
                    "restore the file, or add it to the volume with: cryptsetup luksAddKey \(printable(facts.header)) FILE"
            )
        case .failed(let reason):
            report.addNotice(
                file, facts.entry.line, "the key file of \(name) was not tried: \(reason)",
                remedy: "check again when that is mended")
        case .late:
            leaveOut(facts, "the key file was not tried, for want of time", remedy: "run: postern check --images")
        }
    }

    private mutating func leaveOut(_ facts: VolumeFacts, _ reason: String, remedy: String) {
        let name = facts.entry.name
        if let place = untried.firstIndex(where: { $0.reason == reason }) {
            untried[place].names.append(name)
        } else {
            untried.append((reason, remedy, facts.entry.line, [name]))
        }
    }

    private func words(_ key: KeySpec) -> String {
        switch key {
        case .file(let path): printable(path)
        case .fileOn(let path, let device): printable("\(path) on \(device)")
        case .ask, .other: ""
        }
    }
}
