public import Linux
public import Wire

/// What the monitor is to do next.
public enum Action {
    /// Start a worker on a job. Its end comes back by the job's number.
    case start(job: Int, Job)
    /// End a worker whose job has lost its point.
    case kill(job: Int)
    /// Answer that question of systemd's opener. How that ended comes back as the end of the job, or by what happens next.
    case answer(job: Int, question: String, SecretBytes)
    /// Wipe the key of this source: nobody waits for it any more.
    case forgetKey(source: Int)
    case tried(PromptAddress, [TryResult], retryAfter: UInt16)
    case finish(PromptAddress, ExitCode, reason: String)
    case log(LogLevel, String, [LogField] = [])
    /// The boot imports its pools now, without these volumes, and the agent stays until the root is mounted.
    case ready(without: [String])
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

/// Where a prompt stands: a channel of a session, or the console.
public struct PromptAddress: Equatable, Sendable {
    /// The monitor's number for the session; the console's is 0.
    public let session: Int
    public let channel: UInt8

    public init(session: Int, channel: UInt8) {
        self.session = session
        self.channel = channel
    }
}

/// Who entered a passphrase, at a prompt or as a script, and what for.
public struct Requester: Sendable {
    public let prompt: PromptAddress
    /// Whom the brake holds: the number of an authorized key, or `nil` for the console.
    public let key: Int?
    /// For the log, such as `SHA256:… from 192.0.2.7`.
    public let who: String
    /// The same for the journal.
    public let fields: [LogField]
    /// Whether a person is asked again; else there is one try and an exit code.
    public internal(set) var terminal: Bool
    /// The volumes that the passphrase is for, or none where it is for all that ask.
    public let only: [String]

    public init(
        prompt: PromptAddress, key: Int?, who: String, fields: [LogField] = [], terminal: Bool, only: [String] = []
    ) {
        self.only = only
        self.prompt = prompt
        self.key = key
        self.who = who
        self.fields = fields
        self.terminal = terminal
    }
}

extension Requester {
    /// Whether the passphrase is to be tried on the volume of that name.
    func isFor(_ name: String) -> Bool { only.isEmpty || only.contains(name) }
}
