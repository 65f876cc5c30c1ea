internal import Config
internal import Linux
internal import Plan
internal import Wire

/// The monitor's end of one session, or of the console, whose number is 0.
final class SessionRecord {
    let number: Int
    let process: StartedProcess
    let endpoint: SessionsEndpoint
    /// The client's address and port for the log, or `the console`.
    let peer: String
    /// The client's address; the console has none.
    var address: PeerAddress?
    /// The value of SSH_CONNECTION for what the client runs here.
    var connection = ""
    /// Where the client comes from, as `PeerAddress.source` has it.
    let source: [UInt8]
    let begun = Clock.now()
    /// Its place among the connections, and so its user.
    let slot: UInt32
    var permits: PermitTable
    /// Who logged in: the place of the key among the authorized ones.
    var key: Int?
    var isAuthenticated = false
    /// The channels that are shown the state.
    var watching: [Watching] = []
    /// The channels that are shown the lines of the log as they come.
    var following: [Following] = []
    /// For the log, once somebody logged in.
    var who: String
    /// The same for the journal.
    var fields: [LogField] = []
    /// The monitor no longer reads or writes it, and awaits its exit.
    var isClosed = false
    /// Since when somebody is logged in and has no channel that shows the state.
    var unusedSince: Int64?
    /// Whether it has the processor only when nobody else wants it.
    var givesWay = false
    /// When its process is killed if it has not ended by then.
    var killAt: Int64?

    init(
        number: Int, process: StartedProcess, socket: consuming FileDescriptor, peer: String, source: [UInt8] = [],
        slot: UInt32 = 0
    ) {
        self.slot = slot
        self.number = number
        self.process = process
        endpoint = SessionsEndpoint(
            socket, largestFrame: Limits.frameFromSession, largestQueue: Limits.queueToSession)
        self.peer = peer
        self.source = source
        who = peer
        permits = PermitTable(isConsole: number == SessionRecord.console)
    }

    /// The console's number.
    static let console = 0
}

/// A channel that is shown the state.
struct Watching {
    let channel: UInt8
    var terminal: Bool
    /// The volumes that its passphrases are for, or none where they are for all that ask.
    var only: [String] = []
}

/// A channel that is shown the lines of the log, and the number of the next one for it.
struct Following {
    let channel: UInt8
    var next: Int
}

/// A worker and the job it has.
final class WorkerRecord {
    let process: StartedProcess
    let endpoint: Endpoint<WorkerOrder, WorkerReport>
    let kind: Kind
    let started = Clock.now()
    /// Whether it has given its answer, so that its end is no news.
    var isDone = false
    /// The monitor no longer reads or writes it, and awaits its exit.
    var isClosed = false

    enum Kind {
        case job(Int, source: Int?)
        case probe(String)
        /// It closes the volumes, and nothing else is left to do.
        case closing
        case entries(EntriesAsk)
    }

    /// The device that it looks at, if it does.
    var probes: String? {
        if case .probe(let path) = kind { path } else { nil }
    }

    init(process: StartedProcess, socket: consuming FileDescriptor, kind: Kind) {
        self.process = process
        endpoint = Endpoint(
            socket, largestFrame: Limits.frameFromWorker, largestQueue: Limits.frameFromMonitor + 64)
        self.kind = kind
    }
}
