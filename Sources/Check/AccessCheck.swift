internal import Config
internal import ConfigFiles
internal import Image
internal import Linux

/// Whether the authorized keys can be used for long, and the host keys are the initrd's own.
enum AccessCheck {
    /// So long before a key expires it is mentioned, in days.
    private static let days: Int64 = 30

    /// - Parameters:
    ///   - configuration: the machine's.
    ///   - root: a prefix of its paths.
    ///   - now: the date, in seconds since 1970.
    ///   - report: what the findings are added to.
    static func look(_ configuration: Configuration, beneath root: String, now: Int64, into report: inout CheckReport) {
        for key in configuration.keys { look(key, now: now, into: &report) }
        let usable = configuration.keys.filter { !$0.isExpired(at: now) && !isShutOut($0) }
        if let first = usable.first,
            !usable.contains(where: { mayUnlock($0, permitShell: configuration.settings.permitShell) })
        {
            report.add(
                first.file, 0, "no key may unlock: command= of each runs something else",
                remedy: "write command=\"unlock\", or none, before a key of the owner")
        }
        for key in configuration.readableHostKeys {
            if case .file(let permissions)? = Files.kind(root + key.path), permissions & 0o077 != 0 {
                report.add(key.path, 0, "others than root may read the host key", remedy: "run: chmod 600 \(key.path)")
            }
            if HostKeys.isSystems(key, beneath: root) {
                report.add(
                    key.path, 0, "this is the system's own host key, and whoever can read the initrd has it",
                    remedy: "make another one with: postern hostkey --new, and name it in HostKey")
            }
        }
    }

    private static func look(_ key: AuthorizedKey, now: Int64, into report: inout CheckReport) {
        if isShutOut(key) {
            report.add(
                key.file, key.line, "from= shuts out every address that it admits", remedy: "remove a pattern with !")
        }
        guard let end = key.expiryTime else { return }
        let date = CalendarTime(seconds: end).text + " UTC"
        if key.isExpired(at: now) {
            report.add(
                key.file, key.line, "the key has expired: its expiry-time= is \(date)",
                remedy: "remove the line, or write a later time")
        } else if key.isExpired(at: now + days * 86400) {
            report.addNotice(
                key.file, key.line, "the key expires at \(date)",
                remedy: "write a later time, and build the image again")
        }
    }

    /// Whether the list names nothing but single addresses, and shuts out each of them.
    private static func isShutOut(_ key: AuthorizedKey) -> Bool {
        guard !key.from.isEmpty else { return false }
        return key.from.allSatisfy { pattern in
            if pattern.isNegated { return true }
            guard let address = PeerAddress(pattern.description) else { return false }
            return !key.admits(address: address)
        }
    }

    private static func mayUnlock(_ key: AuthorizedKey, permitShell: Bool) -> Bool {
        guard let command = key.forcedCommand else { return true }
        return command.hasPrefix("unlock") || command == "shell" && permitShell
    }
}
