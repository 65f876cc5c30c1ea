internal import Config
internal import HostPrograms
internal import Image
internal import Linux
internal import Plan
internal import Wire

/// Keys that are tried on the real key slots, as a rehearsal tries them: each in a worker of its own, some at a time.
/// Nothing is activated, and nothing is written.
struct KeyTrials {
    /// A key, and the volume that it is tried on.
    struct Trial {
        let volume: VolumeFacts
        let key: SecretBytes
    }

    enum Outcome: Equatable {
        case opens
        case opensNot
        /// Nobody knows, because of this.
        case failed(String)
        /// There was no time for it.
        case late
    }

    /// A worker that tries a key.
    private final class Running {
        let trial: Int
        let process: StartedProcess
        let endpoint: Endpoint<WorkerOrder, WorkerReport>

        init(_ trial: Int, _ process: StartedProcess, _ socket: consuming FileDescriptor) {
            self.trial = trial
            self.process = process
            endpoint = Endpoint(
                socket, largestFrame: Limits.frameFromWorker, largestQueue: Limits.frameFromMonitor + 4)
        }
    }

    private let trials: [Trial]
    private let deadline: Int64?
    private let interruption: Interruption
    private var outcomes: [Outcome]
    private var waiting: [Int]
    private var running: [Running] = []
    /// The agent's own: who needs much memory does so alone.
    private var schedule = Schedule()

    /// Tries all of them.
    ///
    /// - Parameters:
    ///   - trials: what is tried.
    ///   - deadline: when those that have not ended are given up, by `Clock.now()`, or `nil`.
    ///   - interruption: what ends the program meanwhile.
    /// - Returns: an outcome for each.
    static func run(_ trials: [Trial], until deadline: Int64?, _ interruption: Interruption) -> [Outcome] {
        var all = KeyTrials(trials, deadline, interruption)
        all.run()
        return all.outcomes
    }

    private init(_ trials: [Trial], _ deadline: Int64?, _ interruption: Interruption) {
        self.trials = trials
        self.deadline = deadline
        self.interruption = interruption
        outcomes = trials.map { _ in .late }
        waiting = Array(trials.indices)
    }

    private mutating func run() {
        var set = PollSet()
        while true {
            startSome()
            guard !running.isEmpty else { return }
            let left = deadline.map { $0 - Clock.now() }
            if let left, left <= 0 { return giveUp() }
            set.removeAll()
            set.add(interruption.number, .readable)
            for one in running { set.add(one.endpoint.number, one.endpoint.wants) }
            set.wait(milliseconds: left)
            interruption.endIfAsked(giveUp)
            for one in running { read(one) }
        }
    }

    private mutating func startSome() {
        while let trial = waiting.first, schedule.admits(trials[trial].volume.memory) {
            let memory = trials[trial].volume.memory
            let free = Machine.freeMemory
            waiting.removeFirst()
            // The booted system would pay for it with programs of its own.
            guard memory == 0 || UInt64(memory) <= free / 8 * 7 else {
                outcomes[trial] = .failed(
                    "a key slot takes \(mebibytes(UInt64(memory))), and \(mebibytes(free)) are free now")
                continue
            }
            do throws(SystemError) {
                let pair = try FileDescriptor.socketPair()
                let process = try ChildProcess.spawn(.worker, descriptors: [pair.second.number])
                let one = Running(trial, process, pair.takeFirst())
                schedule.start(trial, memory: memory, room: Schedule.Room(freeMemory: free, cores: Machine.cores))
                running.append(one)
                one.endpoint.send(.unlock(order(trials[trial].volume), trials[trial].key))
            } catch {
                outcomes[trial] = .failed(error.description)
            }
        }
    }

    private func order(_ volume: VolumeFacts) -> VolumeOrder {
        var order = VolumeOrder(name: volume.entry.name, device: volume.device)
        order.header = volume.header == volume.device ? nil : volume.header
        order.uuid = volume.entry.identity
        order.keySlot = volume.entry.options.keySlot.map { Int32($0) }
        order.rehearsal = true
        return order
    }

    private mutating func read(_ one: Running) {
        one.endpoint.flush()
        while true {
            switch one.endpoint.receive() {
            case .nothing: return
            case .closed, .malformed: return end(one, .failed("its worker ended without an answer"))
            case .message(.done(.opened)): return end(one, .opens)
            case .message(.done(.wrongKey)): return end(one, .opensNot)
            case .message(.done(.failed(let reason))): return end(one, .failed(reason))
            case .message: break
            }
        }
    }

    private mutating func end(_ one: Running, _ outcome: Outcome) {
        outcomes[one.trial] = outcome
        stop(one)
        running.removeAll { $0 === one }
        schedule.end(one.trial)
    }

    /// Nothing but memory is a worker's own here.
    private func stop(_ one: Running) {
        ChildProcess.kill(one.process)
        ChildProcess.wait(for: one.process)
    }

    private func giveUp() {
        for one in running { stop(one) }
    }
}

/// An amount of memory, given in KiB.
func mebibytes(_ kibibytes: UInt64) -> String { "\((kibibytes + 1023) / 1024) MiB" }
