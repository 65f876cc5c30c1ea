internal import Config

/// The file resolv.conf(5) of an initrd whose network has named servers, and where nobody wrote it.
public enum Resolver {
    /// The first line of one that is made here.
    static let mark = "# Postern made this of what the initrd's network was told.\n"

    /// Makes the file of what is known.
    ///
    /// - Parameters:
    ///   - present: what is in the present one; empty where there is none.
    ///   - told: what those wrote who configured the network: ipconfig's `IPV4DNS0='192.0.2.1'`, networkd's
    ///     `DNS=192.0.2.1 2001:db8::1`, and the kernel's `nameserver 192.0.2.1`.
    /// - Returns: the file that is to be there, or `nil` where the present one stays.
    public static func file(_ present: [UInt8], told: [UInt8]) -> [UInt8]? {
        guard present.starts(with: mark.utf8) || servers(in: present).isEmpty else { return nil }
        var text = mark
        // As many as the resolver asks.
        for server in servers(in: told).prefix(3) {
            text += "nameserver "
            text += server
            text += "\n"
        }
        let made = Array(text.utf8)
        return made == present || made.count == mark.utf8.count ? nil : made
    }

    /// The numeric addresses behind the names of those fields, each once.
    private static func servers(in text: [UInt8]) -> [String] {
        var found: [String] = []
        var isWanted = false
        for word in text.split(whereSeparator: { " \n\t='\"".utf8.contains($0) }) {
            let word = String(decoding: word, as: UTF8.self)
            guard let address = PeerAddress(word) else {
                isWanted = ["nameserver", "DNS", "IPV4DNS0", "IPV4DNS1"].contains(word)
                continue
            }
            let server = address.description
            if isWanted, server != "0.0.0.0", !found.contains(server) { found.append(server) }
        }
        return found
    }
}
