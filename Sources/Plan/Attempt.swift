internal import Config
internal import Linux
internal import Wire

/// One passphrase on its way through the volumes that wait for one.
///
/// It outlives its channel: a lost connection does not cancel a running try.
struct Attempt {
    let id: Int
    var requester: Requester
    /// Held until the last job has ended, then let go and wiped.
    var secret: SecretBytes?
    var phase: Phase
    var results: [TryResult] = []
    /// Whether its channel closed: no result is sent, for its number may be in use again.
    var isGone = false

    enum Phase {
        /// It waits for its turn, since this time.
        case waiting(since: Int64)
        /// It is being tried on these volumes.
        case running(left: [Int])
        /// Its result is sent. Without a terminal it is kept until its exit code is known, with one until the next
        /// passphrase, as the input may end.
        case answered(since: Int64)
    }

    var isRunning: Bool {
        if case .running = phase { return true }
        return false
    }

    var isAnswered: Bool {
        if case .answered = phase { return true }
        return false
    }

    var isWaiting: Bool {
        if case .waiting = phase { return true }
        return false
    }
}

/// A job that a worker has, or that waits for room.
struct Task {
    let job: Int
    let kind: Kind
    var state: State
    /// What its key derivation takes, in KiB, once it runs.
    var memory: UInt32 = 0

    enum State {
        /// It waits until the machine has memory and processors for its key derivation.
        case queued
        /// A worker reads, or derives a key.
        case running(since: Int64)
        /// Its worker has the right key, and may not activate the volume: another one may. It is about to say so and end.
        case refused(started: Int64)
        /// Its worker may activate the volume, and must not be killed any more.
        case activating(since: Int64, started: Int64)
        /// It has been activating for so long that nobody waits for it any more.
        case overdue(started: Int64)
    }

    enum Kind {
        case inspect(volume: Int)
        case readKey(source: Int)
        case key(volume: Int, source: Int)
        /// The passphrase of an attempt, which may have been answered when the job ends, and who typed it.
        case passphrase(volume: Int, attempt: Int, by: Requester)
        /// The same, for systemd's opener to try.
        case answer(volume: Int, attempt: Int, by: Requester)
        /// The empty passphrase of `try-empty-password`.
        case empty(volume: Int)
    }

    /// What came of a key or passphrase on its volume, once it is certain.
    enum Outcome {
        case opened
        case alreadyOpen
        case wrongKey
        /// One lower-case sentence with the subject first.
        case failed(String)
    }

    /// The volume that it opens, if it does.
    var opens: Int? {
        switch kind {
        case .inspect, .readKey: nil
        case .key(let volume, _), .passphrase(let volume, _, _), .answer(let volume, _, _), .empty(let volume): volume
        }
    }

    /// The attempt whose passphrase it tries.
    var attempt: Int? {
        switch kind {
        case .passphrase(_, let attempt, _), .answer(_, let attempt, _): attempt
        case .inspect, .readKey, .key, .empty: nil
        }
    }

    /// Whether it tries the key file on `index`.
    func triesKey(on index: Int) -> Bool {
        if case .key(index, _) = kind { true } else { false }
    }

    /// Since when a worker has it, or `nil` while it waits for room.
    var started: Int64? {
        switch state {
        case .queued: nil
        case .running(let since): since
        case .refused(let started): started
        case .activating(_, let started), .overdue(let started): started
        }
    }

    var isQueued: Bool {
        if case .queued = state { true } else { false }
    }

    var isOverdue: Bool {
        if case .overdue = state { true } else { false }
    }

    /// Whether systemd does it, and no worker.
    var isNative: Bool {
        if case .answer = kind { true } else { false }
    }

    /// Whether its worker may activate the volume, also when it is overdue at it.
    var activates: Bool {
        switch state {
        case .queued, .running, .refused: false
        case .activating, .overdue: true
        }
    }

    /// The longest that it may take, or that its activation may, before it is given up, in milliseconds.
    var limit: Int64 {
        if activates { return Plan.longestActivation }
        return opens == nil ? Plan.longestReading : Plan.longestDerivation
    }

    /// When it is given up, or `nil` before that is known, and when it is overdue already.
    var end: Int64? {
        switch state {
        case .queued, .overdue: nil
        case .running(let since), .refused(let since), .activating(let since, _): since + limit
        }
    }
}

/// A key file that volumes of crypttab name.
struct KeySource {
    let path: String
    /// The key volume, or `nil` when the file lies in the initrd.
    let device: DeviceSpec?
    let offset: UInt64
    let size: UInt32?
    /// How long to wait for the key volume before passphrases are asked for, in milliseconds.
    let grace: Int64
    var place = Devices.Place.missing
    var state = State.missing
    /// Whether its device has changed since it began to be read.
    var isChanged = false

    /// The device that it is read from each time it appears, or `nil` for a file of the initrd, which is read at once.
    var medium: DeviceSpec? {
        if let device { return device }
        return path.hasPrefix("/dev/") ? .path(path) : nil
    }

    enum State: Equatable {
        case missing
        /// Two devices answer to its name.
        case ambiguous([String])
        case reading(job: Int)
        case ready
        /// One sentence.
        case problem(String)
    }
}
