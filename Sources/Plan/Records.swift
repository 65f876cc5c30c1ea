internal import Config
internal import Linux
internal import Wire

/// How many passphrases came, each counted once whatever the number of volumes that it was tried on.
public struct PassphraseCounts: Equatable, Sendable {
    /// Those that opened a volume.
    public private(set) var right = 0
    /// Those that were wrong for each volume that they could be tried on.
    public private(set) var wrong = 0
    /// Those that could not be tried, such as for want of memory.
    public private(set) var failed = 0

    /// Counts a passphrase. One that was overtaken by another, which opened all its volumes, is none of the three.
    mutating func count(_ results: [TryResult]) {
        let outcomes = results.map { $0.outcome }
        if outcomes.contains(.opened) {
            right += 1
        } else if outcomes.contains(.wrong) {
            wrong += 1
        } else if outcomes.contains(.failed) {
            failed += 1
        }
    }
}

/// What the records of a boot say beside the state that prompts show.
extension Plan {
    /// The arrays by name, and how many of each one's members are not open.
    public var membersMissing: [(array: String, count: Int)] {
        arrays.map { (array: $0.rule.name, count: managed($0).count - openCount($0)) }
    }

    /// The fields of an event that is about one volume.
    func event(_ name: String, _ index: Int, _ reason: String? = nil) -> [LogField] {
        var fields = [LogField.event(name), LogField("POSTERN_VOLUME", volumes[index].name)]
        if let reason { fields.append(LogField("POSTERN_REASON", reason)) }
        return fields
    }
}
