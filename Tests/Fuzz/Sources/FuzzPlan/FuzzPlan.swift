import Config
import Linux
import Plan
import Wire

/// Bytes become a crypttab, a configuration and what happens in a boot. Whatever it is, the plan keeps its promises.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    var boot = Boot(Array(UnsafeBufferPointer(start: start, count: count)))
    while boot.isMore { boot.step() }
    boot.endBoot()
    return 0
}

/// A boot made of bytes, and what must hold at each step of it.
struct Boot {
    private var bytes: [UInt8]
    private var offset = 0
    var plan: Plan
    var now: Int64 = 1000
    let names: [String]
    /// The volumes that the boot must not go on without, each by itself.
    let required: [String]
    var running: [Running] = []
    var started: Set<Int> = []
    /// The prompts that wait for an answer, and those without a terminal that wait for their exit code.
    var waiting: [PromptAddress] = []
    var scripts: [PromptAddress] = []
    /// Terminals that have sent a passphrase, and whose input goes on.
    var terminals: Set<UInt8> = []
    /// The volumes that the passphrase of a session is for, where it is not for all.
    var only: [Int: [String]] = [:]
    /// Volumes that a worker has activated.
    var open: Set<String> = []
    var goneOn = false

    /// A job as the worker sees it.
    struct Running {
        let job: Int
        let volume: String?
        let isInspection: Bool
        var mayActivate = false
        var isRefused = false
    }

    init(_ input: [UInt8]) {
        bytes = input
        let kind = input.first ?? 0
        let lines = [
            "v0 UUID=00 none luks",
            "v1 UUID=01 none luks\(kind & 1 == 0 ? "" : ",nofail,tries=2")",
            "v2 UUID=02 /key:UUID=aa luks\(kind & 2 == 0 ? "" : ",try-empty-password")",
            "v3 UUID=03 /key:UUID=aa luks\(kind & 4 == 0 ? "" : ",keyfile-timeout=30")",
            "v4 /dev/v4 /etc/key luks,header=/etc/header\(kind & 8 == 0 ? "" : ",nofail,timeout=5")",
        ]
        let rules = ["", "Array a any v2 v3 v4", "Array a quorum=2 v1 v2 v3", "Array a all v1 v2\nContinueTimeout 0"]
        var findings: [Finding] = []
        let settings = Settings.parse(Array(rules[Int(kind >> 4 & 3)].utf8), file: "c", into: &findings)
        let crypttab = Crypttab.parse(Array((lines.joined(separator: "\n") + "\n").utf8), file: "t", into: &findings)
        precondition(findings.isEmpty && crypttab.entries.count == lines.count)
        names = crypttab.entries.map { $0.name }
        required = crypttab.entries.filter { entry in
            !entry.options.nofail && settings.arrays.allSatisfy { $0.policy == .all || !$0.holds(entry.name) }
        }.map { $0.name }
        offset = 1
        plan = Plan(
            settings: settings, crypttab: crypttab, host: "h", rehearsal: false, keyFolder: nil, now: now)
        drain()
    }

    var isMore: Bool { offset < bytes.count && !goneOn }

    private mutating func next() -> Int {
        defer { offset += 1 }
        return offset < bytes.count ? Int(bytes[offset]) : 0
    }

    mutating func step() {
        let what = next()
        switch what % 8 {
        case 0: changeDevice(next())
        case 1, 2: endJob(next(), next())
        case 3: type(next())
        case 4:
            let byte = next()
            if byte & 128 == 0 { close(byte) } else { endInput(byte) }
        case 5: pass(Int64(next()) * 100)
        case 6: requestActivation(next())
        default:
            let byte = next()
            if byte == 255 { goOnNow() } else { pass(Int64(byte) * 10_000) }
        }
        drain()
    }

    private mutating func changeDevice(_ byte: Int) {
        let path = "/dev/d\(byte & 15)"
        let uuids = ["00", "01", "02", "03", "aa", "bb"]
        switch byte >> 4 {
        case 0..<8:
            let uuid = uuids[(byte >> 4) % uuids.count]
            let type = uuid == "aa" ? "ext4" : "crypto_LUKS"
            plan.probed(
                path, DeviceTags(type: type, uuid: uuid, label: "", partitionUUID: "", partitionLabel: ""), now: now)
        case 8..<12: plan.removed(path, now: now)
        case 12: plan.path("/dev/v4", isThere: byte & 1 == 0, now: now)
        case 13: plan.path("/etc/header", isThere: byte & 1 == 0, now: now)
        default: plan.present(["/dev/d1", "/dev/d2", "/dev/d3"], now: now)
        }
    }

    private mutating func requestActivation(_ byte: Int) {
        guard !running.isEmpty else { return }
        let index = byte % running.count
        // A worker asks once.
        guard let volume = running[index].volume, !running[index].mayActivate, !running[index].isRefused else { return }
        guard plan.permitActivation(running[index].job, now: now) else {
            running[index].isRefused = true
            return
        }
        precondition(!running.contains { $0.volume == volume && $0.mayActivate }, "two jobs may activate")
        precondition(!open.contains(volume), "permission for an open volume")
        running[index].mayActivate = true
    }

    mutating func endJob(_ byte: Int, _ how: Int) {
        guard !running.isEmpty else { return }
        let job = running.remove(at: byte % running.count)
        let report: JobReport
        switch how % 8 {
        case 0: report = .died(137)
        case 1: report = .done(.failed("f"))
        case 2 where job.volume != nil: report = .done(.wrongKey)
        case 3 where job.volume != nil:
            // Also one that was not refused may say that it was.
            let isNotPermitted = job.isRefused || how & 0x40 != 0
            report = .done(isNotPermitted ? .notPermitted : .alreadyOpen)
            if let volume = job.volume, !isNotPermitted, !isBeingActivated(volume) { open.insert(volume) }
        default:
            if let volume = job.volume {
                report = job.mayActivate ? .done(.opened(slot: 0)) : .done(.wrongKey)
                if job.mayActivate { open.insert(volume) }
            } else if job.isInspection {
                report = .inspected(
                    HeaderFacts(
                        version: 2, uuid: "", device: how & 0x18 == 0x10 ? "/dev/d1" : "",
                        memory: UInt32(how >> 4) << 16,
                        tokens: how == 255 ? ["clevis"] : [], active: false,
                        taken: how == 254 ? "the name is taken" : ""))
            } else {
                report = .keyRead
            }
        }
        plan.ended(job.job, report, now: now)
    }

    private func isBeingActivated(_ volume: String) -> Bool {
        running.contains { $0.volume == volume && $0.mayActivate }
    }

    private mutating func type(_ byte: Int) {
        let isConsole = byte & 7 == 0
        let channel = PromptAddress(session: byte & 7, channel: 1)
        guard !waiting.contains(channel), !scripts.contains(channel), let secret = try? SecretBytes(capacity: 1) else {
            return
        }
        let isTerminal = isConsole || byte & 8 != 0
        waiting.append(channel)
        if isTerminal {
            terminals.insert(UInt8(byte & 7))
        } else {
            scripts.append(channel)
            terminals.remove(UInt8(byte & 7))
        }
        // The console has no names.
        let named = isConsole ? [] : [[], [], [], ["v0"], ["v1"], ["v2", "v3"], ["v4"], ["none"]][byte >> 4 & 7]
        only[channel.session] = named
        let requester = Requester(
            prompt: channel, key: isConsole ? nil : byte & 3, who: "w", terminal: isTerminal, only: named)
        plan.passphrase(secret, from: requester, now: now)
    }

    private mutating func close(_ byte: Int) {
        let channel = PromptAddress(session: byte & 7, channel: 1)
        waiting.removeAll { $0 == channel }
        scripts.removeAll { $0 == channel }
        terminals.remove(UInt8(byte & 7))
        if byte & 8 == 0 { plan.closed(channel) } else { plan.closed(session: byte & 7) }
    }

    /// A login has the boot go on: that is refused while a needed volume is locked, and done at once otherwise.
    private mutating func goOnNow() {
        let reason = plan.goOnNow(now: now)
        precondition(reason == nil || !goneOn && !plan.continues, "it goes on, and says why not")
        guard reason == nil else { return }
        drain()
        precondition(goneOn, "it does not go on, and does not say why")
    }

    /// From now on the terminal is answered as a script is.
    private mutating func endInput(_ byte: Int) {
        guard terminals.remove(UInt8(byte & 7)) != nil else { return }
        let channel = PromptAddress(session: byte & 7, channel: 1)
        scripts.append(channel)
        plan.inputEnded(channel)
    }

    /// Time passes, and the plan is asked when it wants to be.
    mutating func pass(_ milliseconds: Int64) {
        let end = now + milliseconds
        for _ in 0..<10_000 {
            guard let deadline = plan.deadline(now: now), deadline <= end else { break }
            precondition(deadline > now, "a deadline that has passed")
            now = deadline
            drain()
        }
        now = max(now, end)
    }

    mutating func drain() {
        for _ in 0..<1000 {
            guard let action = plan.next(now: now, room: { Schedule.Room(freeMemory: 1 << 21, cores: 2) }) else {
                check()
                return
            }
            perform(action)
        }
        fatalError("next does not come to an end")
    }

    private mutating func perform(_ action: Action) {
        switch action {
        case .start(let job, let work):
            precondition(started.insert(job).inserted, "a job started twice")
            switch work {
            case .inspect: running.append(Running(job: job, volume: nil, isInspection: true))
            case .readKey: running.append(Running(job: job, volume: nil, isInspection: false))
            case .unlockWithPassphrase(let order, _), .unlockWithKey(let order, _):
                precondition(!open.contains(order.name), "a try on an open volume")
                running.append(Running(job: job, volume: order.name, isInspection: false))
            }
        case .kill(let job):
            guard let index = running.firstIndex(where: { $0.job == job }) else { fatalError("kill of no job") }
            precondition(!running[index].mayActivate || goneOn, "a worker that may activate is killed")
            running.remove(at: index)
        case .tried(let channel, let results, _):
            guard let index = waiting.firstIndex(of: channel) else { fatalError("an answer to nobody") }
            waiting.remove(at: index)
            precondition(Set(results.map { $0.name }).count == results.count, "a volume answered for twice")
            if let only = only[channel.session], !only.isEmpty {
                precondition(results.allSatisfy { only.contains($0.name) }, "tried on a volume that it is not for")
            }
        case .finish(let channel, _, _):
            guard let index = scripts.firstIndex(of: channel) else { fatalError("an end of nobody") }
            scripts.remove(at: index)
            waiting.removeAll { $0 == channel }
        case .ready: precondition(!plan.continues)
        case .goOn(let without):
            goneOn = true
            let left = plan.machineState(now: now).volumes.filter {
                $0.detail.contains("clevis") || $0.detail.contains("which holds")
            }.map { $0.name }
            for name in required where !open.contains(name) {
                precondition(left.contains(name), "the boot goes on without \(name)")
            }
            precondition(without.allSatisfy { !open.contains($0) })
            // One that may activate is let finish.
            precondition(running.allSatisfy { $0.mayActivate }, "a worker is left behind")
        case .answer: fatalError("a question that nobody asked")
        case .forgetKey, .log: break
        }
    }

    /// What holds whenever the plan has nothing to do.
    private func check() {
        if let deadline = plan.deadline(now: now) { precondition(deadline > now) }
        precondition(plan.continues == goneOn)
        let holds = plan.held(now: now)
        for key in 0..<4 {
            let seconds = Hold.seconds(holds, for: key, now: now)
            precondition(holds.isEmpty == (seconds == 0) && seconds <= 30, "a hold of \(seconds) seconds")
        }
        for volume in plan.machineState(now: now).volumes {
            if volume.state == .open { precondition(open.contains(volume.name), "\(volume.name) is not open") }
            if volume.state == .trying {
                precondition(running.contains { $0.volume == volume.name }, "nobody tries \(volume.name)")
            }
        }
    }
}

extension Boot {
    /// With much time gone nobody waits for an answer any more but at a prompt that waits, too: first while the workers
    /// that activate a volume hang, then with every worker ended.
    mutating func endBoot() {
        for hang in [true, false] {
            for _ in 0..<1000 where !goneOn {
                while !goneOn, let index = running.firstIndex(where: { !hang || !$0.mayActivate }) { endJob(index, 2) }
                drain()
                if waiting.isEmpty, scripts.isEmpty { break }
                if !goneOn { pass(3_600_000) }
            }
            // When the boot goes on, the monitor tells every prompt that is left.
            precondition(goneOn || (waiting.isEmpty && scripts.isEmpty), "somebody waits for ever")
        }
    }
}
