/// The algorithms of one kind that Postern's libssh can be told to offer.
///
/// SHA-1, CBC and small groups are left out although libssh has them. So is group exchange: its server reads a moduli
/// file, which a confined session cannot open. mlkem1024 needs a newer OpenSSL than the one linked in.
public struct AlgorithmSet: Sendable {
    /// sshd_config's keyword.
    public let keyword: String
    /// Offered unless the file says otherwise, in order of preference.
    public let defaults: [String]
    /// Everything that may be asked for.
    public let known: [String]

    public static let kex = AlgorithmSet(
        keyword: "KexAlgorithms",
        defaults: [
            "mlkem768x25519-sha256", "sntrup761x25519-sha512", "sntrup761x25519-sha512@openssh.com",
            "curve25519-sha256", "curve25519-sha256@libssh.org", "diffie-hellman-group14-sha256",
        ],
        others: [
            "mlkem768nistp256-sha256", "ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521",
            "diffie-hellman-group18-sha512", "diffie-hellman-group16-sha512",
        ])
    public static let ciphers = AlgorithmSet(
        keyword: "Ciphers",
        defaults: [
            "chacha20-poly1305@openssh.com", "aes256-gcm@openssh.com", "aes128-gcm@openssh.com", "aes256-ctr",
            "aes192-ctr", "aes128-ctr",
        ],
        others: [])
    public static let macs = AlgorithmSet(
        keyword: "MACs",
        defaults: [
            "hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512",
        ],
        others: [])

    private init(keyword: String, defaults: [String], others: [String]) {
        self.keyword = keyword
        self.defaults = defaults
        known = defaults + others
    }

    /// Reads a comma-separated list with sshd_config's meaning: alone it replaces the defaults, `+` appends to them, `-`
    /// removes from them (patterns allowed), `^` puts its names before them.
    ///
    /// - Returns: the names in order, without those that are not known; `nil` when none is left.
    func parse(_ value: String, line: Int, notes: inout Notes) -> [String]? {
        var bytes = Array(value.utf8)[...]
        let sign = bytes.first ?? 0
        let signs = Array("+-^".utf8)
        if signs.contains(sign) { bytes = bytes.dropFirst() }
        var named: [String] = []
        for name in bytes.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
            let matching = sign == UInt8(ascii: "-") ? known.filter { glob(name, matches: $0.utf8) } : exactly(name)
            if matching.isEmpty { reportUnknown(name, line: line, notes: &notes) }
            for found in matching where !named.contains(found) { named.append(found) }
        }
        let list: [String] =
            switch sign {
            case UInt8(ascii: "+"): defaults + named.filter { !defaults.contains($0) }
            case UInt8(ascii: "-"): defaults.filter { !named.contains($0) }
            case UInt8(ascii: "^"): named + defaults.filter { !named.contains($0) }
            default: named
            }
        guard list.isEmpty else { return list }
        notes.add(line, "\(keyword) leaves no algorithm, and the defaults hold", "name one of \(joined(known))")
        return nil
    }

    private func exactly(_ name: ArraySlice<UInt8>) -> [String] {
        known.filter { $0.utf8.elementsEqual(name) }
    }

    private func reportUnknown(_ name: ArraySlice<UInt8>, line: Int, notes: inout Notes) {
        let remedy =
            if let near = nearest(to: name, among: known) { "did you mean \(near)?" } else {
                "use names of \(joined(known))"
            }
        notes.add(line, "\(keyword) has no algorithm \(quoted(name)), and the name is left out", remedy)
    }

    private func joined(_ names: [String]) -> String {
        var text = ""
        for name in names { text += text.isEmpty ? name : ", \(name)" }
        return text
    }
}
