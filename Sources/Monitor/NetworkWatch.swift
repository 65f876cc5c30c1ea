internal import Linux
internal import Network
internal import Terminal
internal import Wire

/// Follows the machine's links and addresses, brings sleeping cards up, and says when there is news of how the agent can
/// be reached.
final class NetworkWatch {
    /// Dumps in a row that changes may interrupt, before one is taken as it is.
    private static let mostInterruptions = 3

    /// What was reported last, for a console that starts later.
    private(set) var reported: [NetworkFact] = []
    /// For `poll`, or -1.
    var number: Int32 { socket?.number ?? -1 }

    private let listening: [Listening]
    private var socket: RouteSocket?
    private var links = Links()
    /// What is to be listed yet before the links are known; the first of them was asked for.
    private var awaited: [RouteSocket.Listing] = []
    private var isInterrupted = false
    private var interruptions = 0
    private var pace = Pace()
    /// Missing cards or drivers, and the number of links at that time: a new driver adds a link.
    private var missing: (facts: [NetworkFact], links: Int) = ([], -1)
    private var lasting = Lasting()
    private var facts: [NetworkFact] = []
    private var sleepers = Sleepers()
    private var failures: [(link: Int32, reason: String)] = []

    /// - Throws: `SystemError` when the kernel tells nothing.
    init(listening: [Listening]) throws(SystemError) {
        self.listening = listening
        try openSocket()
    }

    private func openSocket() throws(SystemError) {
        links = Links()
        awaited = []
        isInterrupted = false
        socket = nil
        let socket = try RouteSocket()
        try socket.ask(for: .links)
        awaited = [.links, .addresses]
        self.socket = socket
    }

    private func reopenSocket() {
        do throws(SystemError) { try openSocket() } catch { socket = nil }
    }

    /// When `report` is to be called although nothing has come, or `nil`.
    var deadline: Int64? {
        [pace.due, hasListed ? lasting.due : nil, sleepers.due].compactMap { $0 }.min()
    }

    /// Datagrams taken in one turn: the loop has others to serve.
    private static let mostDatagrams = 32

    /// Takes what the kernel has told.
    func receive(now: Int64) {
        for _ in 0..<NetworkWatch.mostDatagrams {
            guard let socket else { return }
            switch socket.receive() {
            case .nothing: return look(now: now)
            case .lost: return reopenSocket()
            case .datagram(let datagram):
                for message in RouteMessage.parse(datagram) { apply(message, socket) }
            }
        }
        look(now: now)
    }

    private func apply(_ message: RouteMessage, _ socket: RouteSocket) {
        switch message {
        case .interrupted: isInterrupted = true
        case .end:
            guard !awaited.isEmpty else { return }
            awaited.removeFirst()
            if let next = awaited.first {
                do throws(SystemError) { try socket.ask(for: next) } catch { reopenSocket() }
            } else if isInterrupted, interruptions < NetworkWatch.mostInterruptions {
                interruptions += 1
                reopenSocket()
            } else {
                interruptions = 0
            }
        default: links.apply(message)
        }
    }

    /// Whether the links and addresses are known.
    private var hasListed: Bool { awaited.isEmpty && socket != nil }

    /// Compares what is with what was reported.
    private func look(now: Int64) {
        guard hasListed else { return }
        let down = links.sleepers
        failures.removeAll { failure in !down.contains { $0.index == failure.link } }
        // Without ssh nobody would use them; one that could not be brought up is not tried again while it stays down.
        let waking = down.filter { link in !listening.isEmpty && !failures.contains { $0.link == link.index } }
        sleepers.look(waking.map { $0.index }, now: now)
        if missing.links != links.links.count || !missing.facts.isEmpty {
            missing = (links.missing(driverless: NetworkCards.driverless()), links.links.count)
        }
        let lost = lasting.look(missing.facts, isUdevBusy: NetworkCards.isUdevBusy(), now: now)
        facts = links.reach(Surroundings(listening: listening, missing: lost, failures: failures))
        if facts == reported { return pace.settled() }
        pace.changed(isGood: facts.contains { $0.kind == .reachable }, now: now)
    }

    /// Does what is due, and returns the report when there is one to make.
    func report(now: Int64) -> [NetworkFact]? {
        wake(now: now)
        if let due = lasting.due, now >= due { look(now: now) }
        guard pace.mayReport(now: now) else { return nil }
        reported = facts
        return facts
    }

    private func wake(now: Int64) {
        guard let due = sleepers.due, due <= now else { return }
        let woken = sleepers.wake(isUdevBusy: NetworkCards.isUdevBusy(), now: now) { NetworkCards.awaitsUdev($0) }
        guard !woken.isEmpty else { return }
        for link in woken {
            do throws(SystemError) { try RouteSocket.bringUp(link) } catch {
                failures.append((link, error.description))
            }
        }
        look(now: now)
    }
}

extension Monitor {
    /// Begins to follow the network, but in a rehearsal, which has its owner at hand and touches nothing.
    func watchNetwork() {
        guard !options.rehearsal else { return }
        do throws(SystemError) {
            network = try NetworkWatch(listening: listening)
        } catch {
            record(.warning, "no news of the network: \(error.description)")
        }
    }

    /// Says on the consoles and in the log what has changed, when it is time to.
    func reportNetwork() {
        guard ending == nil, let facts = network?.report(now: Clock.now()) else { return }
        for fact in facts { record(.notice, NetworkText.line(fact)) }
        for session in sessions where session.number == SessionRecord.console { showNetwork(session) }
    }

    /// Shows a console what was said last.
    func showNetwork(_ console: SessionRecord) {
        guard let facts = network?.reported, !facts.isEmpty else { return }
        send(.network(facts), to: console, channel: 0)
    }
}
