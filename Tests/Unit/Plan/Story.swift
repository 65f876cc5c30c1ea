import Config
import Linux
import Plan
import Testing
import Wire

/// A boot as the plan sees it: what happens goes in, and what the plan wants done comes out as short sentences.
///
/// Jobs are called by what they do: `inspect root`, `read /key`, `unlock root`, `key root`.
final class Story {
    private(set) var plan: Plan
    private(set) var now: Int64 = 1_000_000
    /// What there is for key derivations.
    var room = Schedule.Room(freeMemory: 8 << 20, cores: 4)
    /// What the headers' derivations take, in KiB.
    var memory: [String: UInt32] = [:]
    /// The types of the tokens in the headers.
    var tokens: [String: [String]] = [:]
    /// The devices that the headers were read from, where that is not a device for each.
    var devices: [String: String] = [:]
    private(set) var logs: [String] = []
    /// The fields of those log lines that are events: `event=volume-open volume=root seconds=3.2`.
    private(set) var events: [String] = []
    /// The jobs that run, by what they do, and the passphrases they were given.
    private(set) var jobs: [(name: String, job: Int)] = []
    private(set) var secrets: [String: WeakSecret] = [:]
    /// The UUID that workers are told to ask of a volume's header.
    private(set) var wanted: [String: String] = [:]

    /// Whether the monitor looks at devices.
    var isLooking: Bool {
        get { plan.isLooking }
        set { plan.isLooking = newValue }
    }

    init(
        _ crypttab: String, _ configuration: String = "", rehearsal: Bool = false, keyFolder: String? = nil
    ) {
        var findings: [Finding] = []
        let settings = Settings.parse(Array(configuration.utf8), file: "postern.conf", into: &findings)
        let volumes = Crypttab.parse(Array((crypttab + "\n").utf8), file: "crypttab", into: &findings)
        #expect(findings.isEmpty, "\(findings.map(\.description))")
        plan = Plan(
            settings: settings, crypttab: volumes, host: "nas", rehearsal: rehearsal, keyFolder: keyFolder,
            now: now)
    }

    /// A device with a LUKS header appears, and its header is read.
    func appear(_ names: String...) -> [String] {
        var told: [String] = []
        for name in names { told += plug("/dev/\(name)", uuid: Story.uuid(name)) + readHeader(name) }
        return told
    }

    /// A device appears or changes.
    func plug(_ path: String, uuid: String, type: String = "crypto_LUKS") -> [String] {
        let tags = DeviceTags(type: type, uuid: uuid, label: "", partitionUUID: "", partitionLabel: "")
        plan.probed(path, tags, now: now)
        return go()
    }

    func unplug(_ path: String) -> [String] {
        plan.removed(path, now: now)
        return go()
    }

    func path(_ path: String, isThere: Bool) -> [String] {
        plan.path(path, isThere: isThere, now: now)
        return go()
    }

    func present(_ paths: [String]) -> [String] {
        plan.present(paths, now: now)
        return go()
    }

    func stop() { plan.stop() }

    /// systemd asks for the device, and nothing else.
    func ask(_ id: String, _ path: String, device: String?) -> [String] {
        plan.asked([NativeQuestion(id: id, path: path, device: device)])
        return go()
    }

    /// systemd asks nothing.
    func ask() -> [String] {
        plan.asked([])
        return go()
    }

    func askerEnded(_ id: String) -> [String] {
        plan.askerEnded(id)
        return go()
    }

    /// A job has ended without a word, for there is none.
    func forget(_ name: String) { jobs.removeAll { $0.name == name } }

    func mountRoot() -> [String] {
        plan.rootMounted(now: now)
        return go()
    }

    /// Somebody has the boot go on.
    func goOnNow() -> String { plan.goOnNow(now: now) ?? go().joined(separator: ", ") }

    func mapped(_ name: String) -> [String] {
        plan.mapped(name)
        return go()
    }

    /// The worker that reads a header has read it.
    func readHeader(_ name: String, active: Bool = false, taken: String = "") -> [String] {
        end(
            "inspect \(name)",
            .inspected(
                HeaderFacts(
                    version: 2, uuid: Story.uuid(name), device: devices[name] ?? "/dev/\(name)",
                    memory: memory[name] ?? 1024, tokens: tokens[name] ?? [], active: active,
                    taken: taken)))
    }

    /// A job ends. The oldest of that name is meant.
    func end(_ name: String, _ report: JobReport) -> [String] {
        guard let index = jobs.firstIndex(where: { $0.name == name }) else {
            Issue.record("no job: \(name), only \(jobs.map(\.name))")
            return []
        }
        plan.ended(jobs.remove(at: index).job, report, now: now)
        return go()
    }

    func end(_ name: String, _ outcome: JobOutcome) -> [String] { end(name, .done(outcome)) }

    /// The key is right: the volume is activated, when the plan permits it.
    func open(_ name: String) -> [String] {
        guard requestActivation(name) else {
            Issue.record("not permitted: \(name)")
            return []
        }
        return end(name, .opened(slot: 0))
    }

    /// Asks to activate a volume, on behalf of the oldest job of that name.
    func requestActivation(_ name: String) -> Bool { requestActivation(job(name)) }

    func requestActivation(_ job: Int) -> Bool { plan.permitActivation(job, now: now) }

    /// The number of the oldest job of that name, or -1.
    func job(_ name: String) -> Int { jobs.first { $0.name == name }?.job ?? -1 }

    func endJob(_ job: Int, _ report: JobReport) -> [String] {
        jobs.removeAll { $0.job == job }
        plan.ended(job, report, now: now)
        return go()
    }

    /// Somebody types.
    func type(_ text: String, _ requester: Requester) -> [String] {
        guard let secret = try? SecretBytes(capacity: 64) else { return ["no memory"] }
        for byte in text.utf8 { _ = secret.append(byte) }
        secrets[text] = WeakSecret(secret: secret)
        plan.passphrase(secret, from: requester, now: now)
        return go()
    }

    func endInput(_ requester: Requester) -> [String] {
        plan.inputEnded(requester.prompt)
        return go()
    }

    /// The seconds that a prompt of this key shows the brake to hold a passphrase.
    func held(_ key: Int) -> UInt32 { Hold.seconds(plan.held(now: now), for: key, now: now) }

    func close(_ requester: Requester) -> [String] {
        plan.closed(requester.prompt)
        return go()
    }

    func leaveSession(_ requester: Requester) -> [String] {
        plan.closed(session: requester.prompt.session)
        return go()
    }

    /// Time passes, and the plan is asked only when it wants to be.
    func wait(_ seconds: Double) -> [String] {
        let end = now + Int64(seconds * 1000)
        var told: [String] = []
        while let deadline = plan.deadline(now: now), deadline <= end {
            #expect(deadline > now)
            now = deadline
            told += go()
        }
        now = end
        return told
    }

    /// Asks the plan what is to be done.
    func go() -> [String] {
        var told: [String] = []
        for _ in 0..<10_000 {
            guard let action = plan.next(now: now, room: { [room] in room }) else { return told }
            if let text = perform(action) { told.append(text) }
        }
        Issue.record("the plan does not come to an end")
        return told
    }

    private func perform(_ action: Action) -> String? {
        switch action {
        case .start(let job, let work):
            let name =
                switch work {
                case .inspect(let order): "inspect \(order.name)"
                case .readKey(let order, _): "read \(order.folder ?? order.device ?? "")\(order.path)"
                case .unlockWithPassphrase(let order, _): "unlock \(order.name)"
                case .unlockWithKey(let order, _): "key \(order.name)"
                }
            switch work {
            case .inspect(let order), .unlockWithPassphrase(let order, _), .unlockWithKey(let order, _):
                wanted[name] = order.uuid
            case .readKey: break
            }
            jobs.append((name, job))
            return name
        case .kill(let job):
            guard let index = jobs.firstIndex(where: { $0.job == job }) else { return "kill of no job" }
            return "kill \(jobs.remove(at: index).name)"
        case .answer(let job, let question, _):
            jobs.append(("answer \(question)", job))
            return "answer \(question)"
        case .forgetKey(let source): return "forget \(source)"
        case .tried(let prompt, let results, let retry):
            let each = results.map { "\($0.name) \($0.outcome)" }.joined(separator: ", ")
            return "tried \(prompt.session).\(prompt.channel): \(each)\(retry == 0 ? "" : ", wait \(retry)")"
        case .finish(let prompt, let code, let reason):
            return "finish \(prompt.session).\(prompt.channel): \(code.rawValue) \(reason)"
        case .log(_, let text, let fields):
            logs.append(text)
            if !fields.isEmpty { events.append(fields.map(Story.words).joined(separator: " ")) }
            return nil
        case .ready(let without): return without.isEmpty ? "ready" : "ready without \(without.joined(separator: " "))"
        case .goOn(let without): return without.isEmpty ? "go on" : "go on without \(without.joined(separator: " "))"
        }
    }

    private static func words(_ field: LogField) -> String {
        "\(field.name.dropFirst("POSTERN_".count).lowercased())=\(field.values.joined(separator: ","))"
    }

    /// The volumes' states as `name state`, with a question mark where a passphrase is asked for.
    var states: [String] {
        plan.machineState(now: now).volumes.map { "\($0.name) \($0.state.word)\($0.asks ? "?" : "")" }
    }

    func detail(_ name: String) -> String {
        plan.machineState(now: now).volumes.first { $0.name == name }?.detail ?? ""
    }

    var notices: [String] { plan.machineState(now: now).notices }

    /// A UUID for a name, made of its bytes.
    static func uuid(_ name: String) -> String {
        name.utf8.map { [String($0 >> 4, radix: 16), String($0 & 15, radix: 16)].joined() }.joined()
    }

    /// A line of crypttab for each name, with the same key and options.
    static func crypttab(_ names: [String], _ rest: String = "none luks") -> String {
        names.map { "\($0) UUID=\(uuid($0)) \(rest)" }.joined(separator: "\n")
    }
}

/// Whether a passphrase is still held by anybody.
struct WeakSecret {
    weak var secret: SecretBytes?
}

extension Requester {
    static let console = Requester(
        prompt: PromptAddress(session: 0, channel: 1), key: nil, who: "the console", terminal: true)

    /// Somebody at a terminal, with authorized key number `key`.
    static func person(_ session: Int, key: Int, channel: UInt8 = 1) -> Requester {
        Requester(
            prompt: PromptAddress(session: session, channel: channel), key: key, who: "key \(key)", terminal: true)
    }

    static func script(_ session: Int, key: Int) -> Requester {
        Requester(prompt: PromptAddress(session: session, channel: 1), key: key, who: "key \(key)", terminal: false)
    }
}
