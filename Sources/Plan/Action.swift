public import Linux
public import Wire

/// What the monitor is to do next.
public enum Action {
    /// Start a worker on a job. Its end comes back by the job's number.
    case start(job: Int, Job)
    /// End a worker whose job has lost its point.
    case kill(job: Int)
    /// Wipe the key of this source: nobody waits for it any more.
    case forgetKey(source: Int)
    case tried(Channel, [TryResult], retryAfter: UInt16)
    case finish(Channel, ExitCode, reason: String)
    case log(LogLevel, String, [LogField] = [])
    /// The boot goes on, without these volumes, which the native opener must not wait for.
    case goOn(without: [String])
}

/// What a worker does.
public enum Job {
    case inspect(VolumeOrder)
    case readKey(KeyOrder, source: Int)
    case unlockWithPassphrase(VolumeOrder, SecretBytes)
    case unlockWithKey(VolumeOrder, source: Int)
}

/// How a worker's job ended.
public enum JobReport {
    case inspected(HeaderFacts)
    /// The key is in the monitor's hands.
    case keyRead
    case done(JobOutcome)
    /// It ended without a word: an exit status, or 128 and a signal's number.
    case died(Int32)
}

/// One prompt: a channel of a session, or the console.
public struct Channel: Equatable, Sendable {
    /// The monitor's number for the session; the console's is 0.
    public let session: Int
    public let number: UInt8

    public init(session: Int, number: UInt8) {
        self.session = session
        self.number = number
    }
}

/// Who sits at a prompt.
public struct Asker: Sendable {
    public let channel: Channel
    /// Whom the brake holds: the number of an authorized key, or `nil` for the console.
    public let key: Int?
    /// For the log, such as `SHA256:… from 192.0.2.7`.
    public let who: String
    /// The same for the journal.
    public let fields: [LogField]
    /// Whether a person is asked again; else there is one try and an exit code.
    public internal(set) var terminal: Bool

    public init(channel: Channel, key: Int?, who: String, fields: [LogField] = [], terminal: Bool) {
        self.channel = channel
        self.key = key
        self.who = who
        self.fields = fields
        self.terminal = terminal
    }
}
