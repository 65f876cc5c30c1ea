public import Config

extension PeerAddress {
    /// Where a client comes from, as far as it cannot choose: all of an IPv4 address, and the first 64 bits of an IPv6
    /// one, for every host of such a network may take as many addresses as it likes.
    public var source: [UInt8] { isIPv4 ? bytes : Array(bytes[..<8]) }
}

extension MaxStartups {
    /// Which connection without a login makes room for the newest, or `nil` when all may stay.
    ///
    /// sshd refuses the newest. Then whoever keeps `full` connections half open has shut the door for everybody, and a
    /// limit for each source shuts it for all who share the stranger's address: the owner behind the same router. Here
    /// the newest always gets in, and the one that goes is the oldest of the source that has most of them:
    ///
    /// - From another address the owner is safe whatever one source does: its own connections go first. Many sources
    ///   with one connection each push the owner out only with `full` newer ones.
    /// - From the flooder's own address the owner has the time in which the flooder opens up to `full` further
    ///   connections. A login takes well under a second; half-open ones, which take no part in it, are older, and go.
    /// - What nothing helps against is one who opens connections at such a rate that a login does not fit in: then the
    ///   line or the processor is exhausted too.
    ///
    /// Only connections without a login count, so a flood closes no prompt that is open already. `start` and `rate` mean what
    /// they mean to sshd, except which connection is closed: with them fewer processes run while the flood is weak.
    ///
    /// - Parameters:
    ///   - sources: of all connections without a login, the oldest first, with the newest as the last.
    ///   - percent: a number from 0 to 99, by chance.
    /// - Returns: its place in `sources`, never the last one.
    public func placeToClose(among sources: [[UInt8]], percent: Int) -> Int? {
        let others = sources.count - 1
        guard others >= start else { return nil }
        if others < full {
            let share = rate + (100 - rate) * (others - start) / max(full - start, 1)
            guard percent < share else { return nil }
        }
        return oldestOfMost(sources)
    }
}

/// The place of the first one of those that are most; of groups of equal size the one that begins first.
public func oldestOfMost(_ groups: [[UInt8]]) -> Int? {
    var best: (place: Int, size: Int)?
    for (place, group) in groups.enumerated() where !groups[..<place].contains(group) {
        let size = groups[place...].count { $0 == group }
        if size > best?.size ?? 0 { best = (place, size) }
    }
    return best?.place
}
