public import Config
public import Wire

/// Where something listens for ssh.
public struct Listening: Equatable, Sendable {
    /// `::` or `0.0.0.0` for all of them.
    public let address: PeerAddress
    public let port: UInt16
    /// Whether `::` takes IPv4, too.
    public let isDual: Bool

    public init(_ address: PeerAddress, port: UInt16, isDual: Bool = false) {
        self.address = address
        self.port = port
        self.isDual = isDual
    }

    private var isAll: Bool { address.bytes.allSatisfy { $0 == 0 } }

    func serves(_ candidate: PeerAddress) -> Bool {
        isAll ? isDual || candidate.isIPv4 == address.isIPv4 : candidate == address
    }
}

/// What is known besides the links.
public struct Surroundings: Sendable {
    public var listening: [Listening]
    /// Of `Links.missing`, what has lasted.
    public var missing: [NetworkFact]
    /// Links that could not be brought up, and why.
    public var failures: [(link: Int32, reason: String)]

    public init(
        listening: [Listening], missing: [NetworkFact] = [], failures: [(link: Int32, reason: String)] = []
    ) {
        self.listening = listening
        self.missing = missing
        self.failures = failures
    }
}

extension Links {
    /// Lines of one report: a screen has 24, and the prompt wants some of them.
    public static let mostFacts = 12

    /// Where this machine can be reached; where it cannot from everywhere, also why.
    public func reach(_ surroundings: Surroundings) -> [NetworkFact] {
        guard !surroundings.listening.isEmpty else { return [NetworkFact(.notListening)] }
        let usable = usableAddresses
        var facts = served(usable.filter { !$0.address.isLinkLocal }, .reachable, surroundings)
        if facts.isEmpty {
            let isElsewhere = usable.contains { !$0.address.isLinkLocal }
            if isElsewhere { facts.append(elsewhere(surroundings)) }
            facts += served(usable.filter { $0.address.isLinkLocal }, .nearby, surroundings)
            facts += obstacles(surroundings)
        }
        facts += conflicts
        guard facts.count > Links.mostFacts else { return facts }
        let left = facts.count - Links.mostFacts + 1
        return facts.prefix(Links.mostFacts - 1) + [NetworkFact(.more, number: UInt16(clamping: left))]
    }

    /// The addresses that answer, with their links: by link, and those of IPv4 first.
    private var usableAddresses: [(link: Link, address: Address)] {
        var found: [(link: Link, address: Address)] = []
        for link in links where link.isRunning && !link.isLoopback {
            let own = addresses.filter { $0.link == link.index && !$0.isTaken && !$0.isTentative }
            for address in own.filter({ $0.isIPv4 }) + own.filter({ !$0.isIPv4 }) { found.append((link, address)) }
        }
        return found
    }

    private func served(
        _ addresses: [(link: Link, address: Address)], _ kind: NetworkFact.Kind, _ surroundings: Surroundings
    ) -> [NetworkFact] {
        addresses.compactMap { link, address in
            guard let text = PeerAddress(bytes: address.bytes),
                let listening = surroundings.listening.first(where: { $0.serves(text) })
            else { return nil }
            return NetworkFact(kind, link: link.name, detail: text.description, number: listening.port)
        }
    }

    private func elsewhere(_ surroundings: Surroundings) -> NetworkFact {
        let all = surroundings.listening.prefix(4)
        var text = ""
        for listening in all { text += (text.isEmpty ? "" : ", ") + listening.address.description }
        return NetworkFact(.elsewhere, detail: text)
    }

    private var conflicts: [NetworkFact] {
        addresses.filter { $0.isTaken }.compactMap { address in
            guard let link = links.first(where: { $0.index == address.link }), !link.isLoopback,
                let text = PeerAddress(bytes: address.bytes)
            else { return nil }
            return NetworkFact(.conflict, link: link.name, detail: text.description)
        }
    }

    /// Why there is no address to be reached at from everywhere.
    private func obstacles(_ surroundings: Surroundings) -> [NetworkFact] {
        var facts: [NetworkFact] = []
        for link in links where link.isCard {
            if let failure = surroundings.failures.first(where: { $0.link == link.index }), !link.isUp {
                facts.append(NetworkFact(.cannotStart, link: link.name, detail: failure.reason))
            } else if let kind = obstacle(link) {
                facts.append(NetworkFact(kind, link: link.name))
            }
        }
        return facts + surroundings.missing
    }

    /// What is missing of network cards: the drivers of some, or any card.
    ///
    /// - Parameter driverless: the cards without a driver, such as `PCI 0000:00:03.0 (8086:100e)`.
    /// - Returns: a fact for each.
    public func missing(driverless: [String]) -> [NetworkFact] {
        if driverless.isEmpty { return links.contains { $0.isCard } ? [] : [NetworkFact(.noCard)] }
        return driverless.prefix(4).map { NetworkFact(.noDriver, detail: $0) }
    }

    private func obstacle(_ link: Link) -> NetworkFact.Kind? {
        if !link.isUp { return .down }
        if !link.isRunning { return .noCarrier }
        // A bond or bridge has the address of its parts.
        if link.master != 0 { return nil }
        let isGlobal = addresses.contains { $0.link == link.index && !$0.isLinkLocal && !$0.isTaken }
        // One that is tentative will do in a moment.
        if isGlobal { return nil }
        return link.isManaged ? .managedOnly : .noAddress
    }
}
