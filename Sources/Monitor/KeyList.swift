internal import Config
internal import Linux
internal import Wire

/// What sessions and signers are told of the authorized keys: made once, so that a stranger's connection costs the monitor
/// as little with a thousand keys as with one.
final class KeyList {
    /// Sealed memory with all keys, which each child gets; -1 where the kernel has none.
    let descriptor: Int32
    /// What the log calls each key.
    let titles: [String]
    private let keys: [UsableKey]
    /// One key for each combination of `from=` and `expiry-time=` that stands in any line.
    private let rules: [AuthorizedKey]

    init(_ authorized: [AuthorizedKey]) {
        var rules: [AuthorizedKey] = []
        titles = authorized.map { $0.comment.isEmpty ? $0.fingerprint : "\($0.fingerprint) (\($0.comment))" }
        var keys: [UsableKey] = []
        for (index, key) in authorized.enumerated() {
            // A session that is told more than it takes would serve nobody.
            guard keys.count < Limits.authorizedKeys, key.blob.count <= Limits.publicKey,
                key.forcedCommand?.utf8.count ?? 0 <= Limits.word
            else { continue }
            var rule: Int?
            if !key.from.isEmpty || key.expiryTime != nil {
                rule = rules.firstIndex { $0.from == key.from && $0.expiryTime == key.expiryTime }
                if rule == nil { rules.append(key) }
                rule = rule ?? rules.count - 1
            }
            keys.append(
                UsableKey(
                    index: UInt16(clamping: index), type: key.type, blob: key.blob, forcedCommand: key.forcedCommand,
                    permitsTerminal: key.permitPty, noTouchRequired: key.noTouchRequired,
                    rule: rule.map { UInt16(clamping: $0) }, title: titles[index]))
        }
        self.keys = keys
        self.rules = rules
        descriptor = KeyList.sealed(keys)
    }

    /// Why each rule refuses a client from this address now, or empty texts.
    func refusals(_ address: PeerAddress, at date: Int64) -> [String] {
        rules.map { rule in
            if rule.isExpired(at: date) { return "its expiry-time= has passed" }
            return rule.admits(address: address) ? "" : "its from= does not allow \(address.description)"
        }
    }

    /// The keys for a setup: none where the sealed ones are read.
    var inline: [UsableKey] { descriptor < 0 ? keys : [] }

    private static func sealed(_ keys: [UsableKey]) -> Int32 {
        do throws(WireError) {
            let bytes = try UsableKey.encoded(keys)
            return (try? SealedBytes.make(bytes).release()) ?? -1
        } catch { return -1 }
    }
}
