public import Config
public import Linux
public import Wire

/// What is locked, what is being tried, what is open, and whether the boot may go on.
///
/// It does no I/O and keeps no time: the monitor tells it what happened and when (milliseconds of `Clock`), and asks
/// `next` for what to do until there is nothing more. Every prompt shows `machineState`.
public struct Plan {
    /// Milliseconds after the last change until the plan stops waiting for a key volume and asks for passphrases;
    /// `keyfile-timeout=` of crypttab(5) overrides it. Devices inside a just-opened volume appear sooner.
    public static let keyGrace: Int64 = 5_000
    /// How long a header or key file may take to be read, in milliseconds: beyond it the disk hangs.
    public static let longestReading: Int64 = 60_000
    /// How long a passphrase waits for headers that are being read, in milliseconds.
    static let headerGrace: Int64 = 10_000
    /// How long a key may be derived, in milliseconds: a slow machine without memory takes a minute or two.
    public static let longestDerivation: Int64 = 600_000
    /// How long a volume may be activated before nobody waits for it any more, in milliseconds. The worker itself waits
    /// for udevd for ten seconds, and a volume under reencryption has its keys derived once more.
    public static let longestActivation: Int64 = 180_000
    /// How much longer than it would the boot waits for keys that are being derived, in milliseconds.
    public static let derivationGrace: Int64 = 60_000
    /// How often a worker that reads a header may die, such as by the OOM killer, before the volume counts as failed.
    static let mostDeaths = 3

    /// Whether every volume that the boot needs is open and it has been told so.
    public private(set) var continues = false

    /// Whether the boot was told that the volumes of crypttab are open, while datasets are waited for, and what it does without.
    public internal(set) var isReady = false
    var passedOver: [String] = []

    /// Whether the agent ends before the boot may go on.
    private(set) var isStopped = false

    /// Whether devices are being looked at, so that one that is missing may be known in a moment.
    public var isLooking = false

    /// What every prompt says first, or nothing.
    public var warning = ""

    var volumes: [Volume] = []
    var arrays: [Members] = []
    var sources: [KeySource] = []
    var devices = Devices()
    /// What systemd's openers ask.
    var questions: [NativeQuestion] = []
    var attempts: [Attempt] = []
    var tasks: [Task] = []
    var schedule = Schedule()
    var brake = Brake()
    /// How many passphrases were tried, and what came of them.
    public internal(set) var passphrases = PassphraseCounts()
    var actions: [Action] = []
    /// Since when the boot waits only for volumes that it does not need.
    var satisfiedSince: Int64?
    /// When something last opened or appeared, from which `keyGrace` counts.
    var lastProgress: Int64
    /// When `next` was last asked.
    private(set) var lastNext: Int64
    private var nextJob = 1
    private var nextAttempt = 1

    let rehearsal: Bool
    let system: InitrdSystem?
    let keyFolder: String?
    let host: String
    /// When the agent began to wait.
    public let began: Int64
    let continueTimeout: Int64

    /// Plans for the volumes of `crypttab` under the rules of `settings`.
    ///
    /// - Parameters:
    ///   - settings: postern.conf as it was understood.
    ///   - crypttab: the volumes, as they were understood.
    ///   - host: the machine's name, for the prompts.
    ///   - rehearsal: whether nothing is opened in earnest.
    ///   - keyFolder: in a rehearsal, the folder that stands for every key volume.
    ///   - now: the time.
    public init(
        settings: Settings, crypttab: Crypttab, host: String, rehearsal: Bool, keyFolder: String?,
        now: Int64
    ) {
        self.rehearsal = rehearsal
        system = settings.initrd
        self.keyFolder = keyFolder
        self.host = host
        began = now
        lastProgress = now
        lastNext = now - 1
        continueTimeout = Int64(settings.continueTimeout) * 1000
        for entry in crypttab.entries where !entry.options.noauto {
            let treatment = settings.treatment(of: entry.name)
            let arrays = settings.arrays.filter { $0.holds(entry.name) }
            let source = entry.isWatched(under: treatment, for: system) ? nil : source(of: entry)
            // A rehearsal tries the passphrase that systemd would ask for.
            let isWatched = entry.isWatched(under: treatment, for: system)
            let reason = isWatched ? nil : entry.reasonLeft(under: treatment)
            let volume = Volume(
                entry: entry,
                required: !entry.options.nofail && arrays.allSatisfy { $0.policy == .all },
                source: source, isClaimed: treatment == .take || isWatched,
                state: reason.map { .left(Volume.Left(reason: $0)) } ?? .waiting,
                method: isWatched && !rehearsal ? entry.method : nil,
                headerIsThere: entry.options.header == nil)
            volumes.append(volume)
        }
        if system == .systemd, !rehearsal {
            for name in settings.datasets where !volumes.contains(where: { $0.name == name }) {
                volumes.append(Volume(dataset: name))
            }
        }
        for rule in settings.arrays {
            let members = volumes.indices.filter {
                rule.holds(volumes[$0].name) && volumes[$0].isManaged && !volumes[$0].isDataset
            }
            arrays.append(Members(rule: rule, volumes: members))
        }
    }

    /// The paths that crypttab names: the monitor tells of each whether it is there.
    public var watchedPaths: [String] {
        var paths: [String] = []
        for volume in volumes where volume.isManaged && !volume.isDataset {
            if case .path(let path) = volume.entry.device { paths.append(path) }
            if let header = volume.headerPath { paths.append(header) }
        }
        for source in sources {
            switch source.device {
            case nil: paths.append(source.path)
            case .path(let path)?: paths.append(path)
            default: break
            }
        }
        return paths
    }

    // MARK: What happened

    /// A block device appeared or changed, and carries `tags`.
    public mutating func probed(_ path: String, _ tags: DeviceTags, now: Int64) {
        let isFirst = devices.put(path, tags)
        deviceChanged(path, isFirst: isFirst, now: now)
    }

    /// A block device has gone.
    public mutating func removed(_ path: String, now: Int64) {
        devices.remove(path)
        deviceChanged(path, now: now)
        if path.hasPrefix("/dev/dm-") { lookForNames() }
    }

    /// These are all the block devices there are: what is known of any other is out of date.
    public mutating func present(_ paths: [String], now: Int64) {
        for path in devices.others(than: paths) { removed(path, now: now) }
        lookForNames()
    }

    /// A mapping of that name appeared or changed. Where nobody here made it, such as another agent or a person at a
    /// shell, the volume is looked at again: it may be open.
    public mutating func mapped(_ name: String) {
        // It may have had another name before.
        lookForNames()
        for index in volumes.indices where volumes[index].name == name && !isBeingActivated(index) {
            switch volumes[index].state {
            case .open, .left: continue
            case .waiting, .unread, .reading, .locked, .failed: readAgain(index)
            }
        }
    }

    /// A path that crypttab names is there, or is there no more.
    public mutating func path(_ path: String, isThere: Bool, now: Int64) {
        devices.setPath(path, isThere: isThere)
        deviceChanged(path, now: now)
    }

    /// The worker of `job` found the right key, and asks whether it may activate the volume.
    public mutating func permitActivation(_ job: Int, now: Int64) -> Bool {
        guard let index = tasks.firstIndex(where: { $0.job == job }), let volume = tasks[index].opens,
            case .running(let started) = tasks[index].state
        else { return false }
        guard volumes[volume].isClosed, !isBeingActivated(volume), !continues, !isStopped else {
            tasks[index].state = .refused(started: started)
            return false
        }
        tasks[index].state = .activating(since: now, started: started)
        return true
    }

    /// Whether the worker of `job` may activate a volume. It must not be killed then: it could leave a mapping without a
    /// table, which no opener can use.
    public func isActivating(_ job: Int) -> Bool {
        tasks.contains { $0.job == job && $0.activates }
    }

    /// Whether a worker may activate the volume.
    func isBeingActivated(_ volume: Int) -> Bool {
        tasks.contains { $0.opens == volume && $0.activates }
    }

    /// A worker's job ended.
    public mutating func ended(_ job: Int, _ report: JobReport, now: Int64) {
        guard !continues, let index = tasks.firstIndex(where: { $0.job == job }) else { return }
        let task = tasks.remove(at: index)
        schedule.end(job)
        // An answer that did not get there leaves the question open.
        if task.isNative, case .done(.failed) = report, let volume = task.opens { volumes[volume].answered = "" }
        switch task.kind {
        case .inspect(let volume): inspected(volume, by: job, report, now: now)
        case .readKey(let source): keyRead(source, report)
        case .key(let volume, let source):
            guard let outcome = outcome(of: report, task, volume) else { return }
            keyTried(volume, source, outcome, since: task.started, now: now)
        case .passphrase(let volume, let attempt, let requester), .answer(let volume, let attempt, let requester):
            guard let outcome = outcome(of: report, task, volume) else { return }
            passphraseTried(volume, attempt, outcome, by: requester, since: task.started, now: now)
        case .empty(let volume):
            guard let outcome = outcome(of: report, task, volume) else { return }
            emptyTried(volume, outcome, since: task.started, now: now)
        }
    }

    /// A prompt sends a passphrase.
    public mutating func passphrase(_ secret: SecretBytes, from requester: Requester, now: Int64) {
        attempts.removeAll { $0.requester.prompt == requester.prompt && $0.isAnswered }
        attempts.append(
            Attempt(id: nextAttempt, requester: requester, secret: secret, phase: .waiting(since: now)))
        nextAttempt += 1
    }

    /// A terminal's input has ended: its channel ends with its last passphrase's result.
    public mutating func inputEnded(_ prompt: PromptAddress) {
        for index in attempts.indices where attempts[index].requester.prompt == prompt {
            attempts[index].requester.terminal = false
        }
    }

    /// A prompt is gone. Its running attempts go on; its waiting attempts are dropped.
    public mutating func closed(_ prompt: PromptAddress) {
        forget { $0 == prompt }
    }

    /// A session is gone, with all its channels.
    public mutating func closed(session: Int) {
        forget { $0.session == session }
    }

    private mutating func forget(_ isMeant: (PromptAddress) -> Bool) {
        attempts.removeAll { isMeant($0.requester.prompt) && !$0.isRunning }
        for index in attempts.indices where isMeant(attempts[index].requester.prompt) { attempts[index].isGone = true }
    }

    /// The agent is told to end: nothing more is started or activated.
    public mutating func stop() {
        isStopped = true
        actions.removeAll { if case .start = $0 { true } else { false } }
    }

    // MARK: What to do

    /// The next thing to do, or `nil` when there is nothing until something else happens or `deadline` comes.
    ///
    /// `room` returns free memory and cores; it is called before a derivation if none runs.
    public mutating func next(now: Int64, room: () -> Schedule.Room) -> Action? {
        lastNext = now
        if actions.isEmpty, !continues, !isStopped { advance(now: now, room: room) }
        return actions.isEmpty ? nil : actions.removeFirst()
    }

    private mutating func advance(now: Int64, room: () -> Schedule.Room) {
        giveUp(now: now)
        takeQuestions(now: now)
        for index in volumes.indices { prepare(index, now: now) }
        for index in sources.indices { prepareSource(index, now: now) }
        startAttempts(now: now)
        startTasks(now: now, room: room)
        // Whoever waits for the end of the boot hears of it first.
        decide(now: now)
        answerWaiting(now: now)
    }

    /// Ends what takes too long. What may activate a volume is not cut off.
    private mutating func giveUp(now: Int64) {
        for task in tasks {
            guard let end = task.end, now >= end else { continue }
            if let volume = task.opens, task.activates {
                waitNoLonger(for: volume, task.job, now: now)
                continue
            }
            if !task.isNative { actions.append(.kill(job: task.job)) }
            ended(task.job, .done(.failed("no end after \(task.limit / 1000) seconds")), now: now)
        }
    }

    /// Marks `job` as overdue but lets it go on, and answers the prompts that wait for it, so that they can take another
    /// passphrase.
    private mutating func waitNoLonger(for volume: Int, _ job: Int, now: Int64) {
        for index in tasks.indices where tasks[index].job == job {
            if let started = tasks[index].started { tasks[index].state = .overdue(started: started) }
        }
        schedule.end(job)
        let name = volumes[volume].name
        actions.append(.log(.warning, "\(name): \(Plan.overdue)", event("volume-failed", volume, Plan.overdue)))
        for task in tasks where task.opens == volume && (task.isOverdue || task.isQueued) {
            guard let attempt = task.attempt else { continue }
            if !task.isOverdue { tasks.removeAll { $0.job == task.job } }
            answer(attempt, volume, TryResult(name: name, outcome: .failed, detail: Plan.overdue), now: now)
        }
    }

    /// A new job.
    mutating func newJob(_ kind: Task.Kind, _ state: Task.State = .queued) -> Int {
        let job = nextJob
        nextJob += 1
        tasks.append(Task(job: job, kind: kind, state: state))
        return job
    }

    /// Ends a job whose answer is of no use any more.
    mutating func drop(_ job: Int) {
        tasks.removeAll { $0.job == job }
        schedule.end(job)
        actions.append(.kill(job: job))
    }

    /// Tells the boot to go on.
    mutating func goOn(now: Int64) {
        continues = true
        endTasks()
        let without = isReady ? passedOver : volumes.indices.filter { isPassedOver($0) }.map { volumes[$0].name }
        for index in attempts.indices { finishAttempt(index) }
        attempts.removeAll()
        for source in sources.indices where sources[source].state == .ready {
            actions.append(.forgetKey(source: source))
        }
        actions.append(.goOn(without: without))
    }

    /// Ends all jobs but those that activate a volume, which must not leave it half made.
    mutating func endTasks() {
        for task in tasks where !task.isQueued && !task.activates && !task.isNative {
            actions.append(.kill(job: task.job))
        }
        tasks.removeAll { !$0.activates }
    }

    /// Whether the boot that goes on now does without the volume, and the native opener has to.
    func isPassedOver(_ index: Int) -> Bool {
        let volume = volumes[index]
        return !volume.isOpen && !volume.isDataset && (volume.isManaged || volume.isTwin) && !opensLater(index)
    }

    /// Tells a prompt whose passphrase was being tried how each volume ended.
    mutating func finishAttempt(_ index: Int) {
        let attempt = attempts[index]
        guard case .running(let left) = attempt.phase else { return }
        if attempt.results.contains(where: { $0.outcome == .opened }) { passphrases.count(attempt.results) }
        let late = left.map { volume in
            TryResult(
                name: volumes[volume].name, outcome: volumes[volume].isOpen ? .alreadyOpen : .failed,
                detail: volumes[volume].isOpen ? "" : "the boot went on without it")
        }
        attempts[index].results += late
        guard !attempt.isGone else { return }
        actions.append(.tried(attempt.requester.prompt, attempts[index].results, retryAfter: 0))
    }
}
