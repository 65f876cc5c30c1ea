internal import Config
internal import Linux
internal import Wire

/// A question of systemd's opener about a volume of crypttab, or of ZFS's scripts about a dataset.
public struct NativeQuestion: Equatable, Sendable {
    /// What tells it from every other one.
    public let id: String
    /// The path by which the opener was told the device, or the dataset's name.
    public let path: String
    /// The device's own path, whatever link or name that is, or `nil` where it is not there.
    public let device: String?

    public init(id: String, path: String, device: String?) {
        self.id = id
        self.path = path
        self.device = device
    }
}

/// Volumes that systemd opens: Postern watches them, and answers when systemd asks for a passphrase.
extension Plan {
    /// How long a volume's disk may be absent once something else is open, in milliseconds, before the boot goes on and systemd
    /// waits for it: as long as systemd itself waits for a device.
    static let longestAbsence: Int64 = 90_000

    /// Whether a volume is watched that is not open yet, so that the monitor is to look for questions.
    public var watches: Bool { !continues && !isStopped && volumes.contains { $0.isWatched && $0.isClosed } }

    /// Whether systemd opens the volume of that name.
    public func isWatched(_ name: String) -> Bool { volumes.contains { $0.name == name && $0.isWatched } }

    /// These are all the questions there are now.
    public mutating func asked(_ questions: [NativeQuestion]) {
        self.questions = questions
    }

    /// The process that asked a question has ended.
    public mutating func askerEnded(_ id: String) {
        questions.removeAll { $0.id == id }
        for index in volumes.indices where volumes[index].isWatched && volumes[index].question == id {
            // The one who asks for a dataset ends with each answer.
            guard volumes[index].isClosed, !volumes[index].isDataset else { continue }
            volumes[index].isAbandoned = true
            readAgain(index)
        }
    }

    /// The question about a watched volume that waits for an answer, or `nil`.
    func question(of index: Int) -> NativeQuestion? {
        let volume = volumes[index]
        guard volume.isWatched, volume.isClosed else { return nil }
        return questions.first { $0.id != volume.answered && Plan.is($0, about: volume) }
    }

    private static func `is`(_ question: NativeQuestion, about volume: Volume) -> Bool {
        // ZFS's scripts name the dataset that is mounted, whose key may be that of one above it.
        if volume.isDataset { return question.path == volume.name || question.path.hasPrefix("\(volume.name)/") }
        if case .path(let path) = volume.entry.device, path == question.path { return true }
        guard let device = question.device else { return false }
        return volume.facts?.device == device || volume.device == device
    }

    /// Notes new questions, each of which says that the answer before it was wrong; and gives up disks that do not come.
    mutating func takeQuestions(now: Int64) {
        for index in volumes.indices where volumes[index].isWatched {
            if let question = question(of: index), question.id != volumes[index].question {
                volumes[index].question = question.id
                for task in tasks where task.isNative && task.opens == index && !task.isQueued {
                    ended(task.job, .done(.wrongKey), now: now)
                }
                if volumes[index].isDataset { openedOthers(than: index, now: now) }
                let text = "\(volumes[index].name): \(volumes[index].asker) asks for a passphrase"
                actions.append(.log(.notice, text, event("passphrase-asked", index)))
            }
            giveUpAbsent(index, now: now)
        }
    }

    /// systemd does not wait for a disk without limit either, and Postern could do no more if it came.
    private mutating func giveUpAbsent(_ index: Int, now: Int64) {
        guard volumes[index].isClosed, volumes[index].place == .missing, volumes.contains(where: { $0.isOpen }),
            now >= lastProgress + Plan.longestAbsence
        else { return }
        leaveToNativeOpener(index, .warning, "its device has not appeared")
    }

    /// Has the monitor answer the question, where one stands. Without one, the passphrase waits for the next.
    mutating func answerQuestion(of volume: Int, _ job: Int, _ attempt: Int, now: Int64) {
        guard let question = question(of: volume), let index = tasks.firstIndex(where: { $0.job == job }),
            let secret = attempts.first(where: { $0.id == attempt })?.secret
        else { return }
        volumes[volume].answered = question.id
        tasks[index].state = .running(since: now)
        actions.append(.answer(job: job, question: question.id, secret))
    }

    /// The mapping of a watched volume is there: by the passphrase that systemd was last given, or without one.
    mutating func openedNatively(_ index: Int, now: Int64) {
        let task = tasks.first { $0.isNative && $0.opens == index && !$0.isQueued }
        guard let task, case .answer(_, let attempt, let requester) = task.kind else {
            return opened(index, by: volumes[index].asker, now: now)
        }
        tasks.removeAll { $0.job == task.job }
        passphraseTried(index, attempt, .opened, by: requester, since: task.started, now: now)
    }

    /// systemd's opener has ended and left the volume locked: from here on it is Postern's.
    mutating func takeOver(_ index: Int, now: Int64) {
        volumes[index].method = nil
        volumes[index].isAbandoned = false
        let reason = "systemd has given it up; Postern opens it"
        for task in tasks where task.isNative && task.opens == index {
            ended(task.job, .done(.failed("systemd has given it up")), now: now)
        }
        actions.append(.log(.warning, "\(volumes[index].name): \(reason)", event("volume-taken", index, reason)))
    }

    /// Whether the booted system opens it without anybody being asked, so that it is not passed over there.
    func opensLater(_ index: Int) -> Bool { volumes[index].isWatched && volumes[index].question.isEmpty }
}

extension CrypttabEntry {
    /// What systemd opens the volume by, such as `tpm2-device=`.
    var method: String {
        if let unattended = options.unattended { return unattended }
        return switch key {
        case .ask: "its token"
        case .file, .fileOn, .other: "its key"
        }
    }
}
