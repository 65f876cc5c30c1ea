internal import Admission
internal import ConfigFiles
internal import Linux
internal import Network
internal import Plan
internal import Wire

/// The root process: it owns the plan, the listening sockets and every decision. It parses nothing from the network
/// and derives no key; its loop waits for sockets, signals, timers and the kernel's events, and never blocks on one.
final class Monitor {
    let configuration: Configuration
    let options: AgentOptions
    let log: Log
    /// What becomes of the lines beside the log.
    var records = RecordKeeper()
    var plan: Plan
    var listeners: [Listener] = []
    var sessions: [SessionRecord] = []
    var signers: [SignerRecord] = []
    var workers: [WorkerRecord] = []
    var shells: [ShellRecord] = []
    /// Who asks for the boot loader's entries, in the order in which they did.
    var asks: [EntriesAsk] = []
    /// Limits the log lines about clients that have not logged in.
    var strangerLog = StrangerLog()
    /// Limits the log lines of each authorized key.
    var loginLog = LoginLog()
    var nextSession = SessionRecord.console + 1
    /// The authorized keys, as children are told of them.
    let keyList: KeyList
    /// Key files in memory, by their source's number in the plan.
    var keys: [SecretBytes?] = []
    /// Devices that wait to be probed.
    var probes: [String] = []
    /// The state that the prompts were last shown, without what changes by itself.
    private var shown: MachineState?
    private var shownHolds: [Hold] = []
    var ending: Ending?
    var consoleStarts = 0
    /// Where the console's prompt stands or stood.
    var terminals: [String] = []
    var missingDevices = MissingDevices()
    /// The folder that sessions are shut into, made at the start and removed at the end.
    var emptyFolder: String?
    /// The sealed host keys while the TPM has not opened them, and then what it has.
    var unsealing: Unsealing?
    var unsealed: UnsealedKeys?
    /// Whether they stayed shut, and the key is used that lies readable in the initrd.
    var usesFallbackKey = false
    /// Where the listeners listen, and who follows how they can be reached.
    var listening: [Listening] = []
    var network: NetworkWatch?
    /// Whether systemd runs this initrd.
    let isUnderSystemd: Bool
    let serviceManager = ServiceManager()
    var question = StandingQuestion()
    /// What systemd's openers ask, while a volume is watched.
    var nativeQuestions: NativeQuestions?
    /// What is mounted, while datasets are waited for.
    var mounts: MountWatch?
    /// The status that systemd was last told.
    var shownStatus = ""
    /// Who is told what happens; nobody in a rehearsal.
    let notifications: Notifications

    init(configuration: Configuration, options: AgentOptions) {
        self.configuration = configuration
        self.options = options
        keyList = KeyList(configuration.keys)
        notifications = Notifications(configuration, options)
        isUnderSystemd = !options.rehearsal && Machine.isInitrd && ServiceManager.isSystemd
        log = Log(toKernel: !options.rehearsal && Machine.isInitrd)
        plan = Plan(
            settings: configuration.settings, crypttab: configuration.crypttab, host: Machine.hostName,
            rehearsal: options.rehearsal, keyFolder: options.keyFolder,
            now: Clock.now())
    }

    /// Runs until the boot may go on or the agent is told to end.
    ///
    /// - Returns: the exit status.
    func run(_ signals: Int32, _ uevents: borrowing Uevents?, _ paths: inout PathWatch) -> Int32 {
        var set = PollSet()
        while true {
            applyChanges()
            if let ending, isOver(ending, now: Clock.now()) { return shutDownAgent(signals) }
            set.removeAll()
            let signal = set.add(signals, .readable)
            let path = set.add(paths.number, .readable)
            let uevent: PollSet.Token
            switch uevents {
            case .some(let uevents): uevent = set.add(uevents.number, .readable)
            case .none: uevent = set.add(-1, [])
            }
            let link = set.add(network?.number ?? -1, .readable)
            let mount = set.add(mounts?.number ?? -1, .urgent)
            let asking = (nativeQuestions?.numbers ?? []).map { set.add($0, .readable) }
            // Handlers may change the lists, so this turn uses what it waited for. Nobody is accepted while it is not known with
            // which host key.
            let listening = (unsealing == nil ? listeners : []).map { ($0, set.add($0.number, .readable)) }
            let speaking = sessions.filter { !$0.isClosed }.map { ($0, set.add($0.endpoint.number, $0.endpoint.wants)) }
            let working = workers.filter { !$0.isClosed }.map { ($0, set.add($0.endpoint.number, $0.endpoint.wants)) }
            // Only to flush a large setup: `login` reads what a signer sends.
            let signing = signers.filter { $0.endpoint.wantsToWrite }.map {
                ($0, set.add($0.endpoint.number, .writable))
            }
            set.wait(milliseconds: timeout())
            if !set.events(of: signal).isEmpty { readSignals(signals) }
            let isDeviceNew = !set.events(of: uevent).isEmpty
            if isDeviceNew { readUevents(uevents) }
            if isDeviceNew || !set.events(of: path).isEmpty { readPaths(&paths) }
            if asking.contains(where: { !set.events(of: $0).isEmpty }) { readQuestions() }
            if !set.events(of: mount).isEmpty { readMounts() }
            if !set.events(of: link).isEmpty { network?.receive(now: Clock.now()) }
            for (session, token) in speaking { readFrames(from: session, set.events(of: token)) }
            for (worker, token) in working { readFrames(from: worker, set.events(of: token)) }
            for (signer, token) in signing where !set.events(of: token).isEmpty && !signer.endpoint.flush() {
                ChildProcess.kill(signer.process)
            }
            for (listener, token) in listening where !set.events(of: token).isEmpty { accept(listener) }
        }
    }

    private func timeout() -> Int64? {
        let now = Clock.now()
        if let ending { return max(nextLook(ending, now: now) - now, 0) }
        let deadlines = [
            plan.deadline(now: now), probeDeadline(now: now), network?.deadline, strangerLog.deadline,
            loginLog.deadline,
            sessionDeadline, asks.first?.deadline, notifications.deadline, unsealing?.deadline,
        ].compactMap { $0 }
        return deadlines.min().map { max($0 - now, 0) }
    }

    /// Does all that is to do now, and shows every prompt what has changed.
    private func applyChanges() {
        plan.isLooking = isLooking
        while let action = plan.next(now: Clock.now(), room: { Machine.room }) { carryOut(action) }
        startProbes()
        unseal()
        limitSessions(now: Clock.now())
        logStrangers()
        endAsks(now: Clock.now())
        sendState()
        endServed()
        writeMissingDevices()
        writeMetrics()
        informSystemd()
        reportNetwork()
        notify()
        sendNewLines()
    }

    /// Sends the state of the machine to every prompt, when it has changed.
    func sendState() {
        let now = Clock.now()
        var state = plan.machineState(now: now)
        let current = state
        let holds = plan.held(now: now)
        state.waiting = 0
        for index in state.volumes.indices { state.volumes[index].seconds = 0 }
        guard state != shown || holds != shownHolds else { return }
        shown = state
        shownHolds = holds
        for session in sessions where !session.watching.isEmpty {
            let own = self.state(current, for: session, holds, now)
            for watching in session.watching {
                send(.state(own.asking(only: watching.only)), to: session, channel: watching.channel)
            }
        }
    }

    /// The state as a session's prompts show it. The console stands outside the brake.
    func state(_ state: MachineState, for session: SessionRecord, _ holds: [Hold], _ now: Int64) -> MachineState {
        var state = state
        if session.number == SessionRecord.console, terminals.isEmpty {
            // systemd's own agents ask there what systemd asks.
            for index in state.volumes.indices where plan.isWatched(state.volumes[index].name) {
                state.volumes[index].asks = false
            }
        }
        if let key = session.key { state.wait = Hold.seconds(holds, for: key, now: now) }
        return state
    }

    private func carryOut(_ action: Action) {
        switch action {
        case .start(let job, let work): startJob(job, work)
        case .kill(let job): killWorker(of: job)
        case .answer(let job, let question, let secret): answerQuestion(question, of: job, with: secret)
        case .forgetKey(let source): if source < keys.count { keys[source] = nil }
        case .tried(let prompt, let results, let retryAfter):
            guard let session = sessions.first(where: { $0.number == prompt.session }) else { return }
            session.permits.answered(prompt.channel)
            // The state first: it shows what opened, and then the prompt comes once.
            sendState()
            send(.tried(results, retryAfter: retryAfter), to: session, channel: prompt.channel)
        case .finish(let prompt, let code, let reason):
            guard let session = sessions.first(where: { $0.number == prompt.session }) else { return }
            endChannel(prompt.channel, of: session, code, reason)
        case .log(let level, let text, let fields): record(level, text, fields)
        case .ready(let without): makeReady(without: without)
        case .goOn(let without): goOn(without: without)
        }
    }

    /// Ends a channel.
    func endChannel(_ channel: UInt8, of session: SessionRecord, _ code: ExitCode, _ reason: String) {
        session.watching.removeAll { $0.channel == channel }
        session.following.removeAll { $0.channel == channel }
        send(.finish(code, reason: reason), to: session, channel: channel)
    }

    /// Sends to a session; one that does not read what it is sent is ended.
    func send(
        _ message: MonitorMessage, to session: SessionRecord, channel: UInt8, _ descriptors: PassedDescriptors? = nil
    ) {
        guard !session.isClosed else { return }
        switch session.endpoint.send(MonitorFrame(message, channel: channel), descriptors) {
        case .sent: break
        case .notQueued: endSession(session, why: "it does not read")
        // Its exit says how it ended.
        case .gone: closeSession(session)
        }
    }

    private func readSignals(_ descriptor: Int32) {
        var isAsked = false
        Signals.drain(descriptor, isAskedToEnd: &isAsked)
        while let exited = ChildProcess.nextExited() { handleExit(of: exited) }
        guard isAsked, ending == nil else { return }
        // The native prompt may accept these.
        let failed = plan.failed
        let also = failed.isEmpty ? "" : ", also for what failed here: \(failed)"
        record(.warning, "told to end; the boot's own prompt takes over\(also)", [.event("told-to-end")])
        endAgent(.internalError, reason: "The agent was told to end.")
    }

    private func readPaths(_ paths: inout PathWatch) {
        for (path, isThere) in paths.changes() { plan.path(path, isThere: isThere, now: Clock.now()) }
    }

    private func readUevents(_ uevents: borrowing Uevents?) {
        var isLost = false
        switch uevents {
        case .none: break
        case .some(let uevents):
            while let event = uevents.next(lost: &isLost) {
                switch event {
                case .changed(let path):
                    if !probes.contains(path) { probes.append(path) }
                    if let name = BlockDevices.mapping(path) { plan.mapped(name) }
                case .removed(let path):
                    forgetProbe(of: path)
                    plan.removed(path, now: Clock.now())
                }
            }
        }
        if isLost {
            probes = BlockDevices.all
            plan.present(probes, now: Clock.now())
        }
    }
}
