/// The values of single keywords. Each says whether it understood its line.
extension SettingsParser {
    mutating func parsePort(_ value: String, _ line: Int, first: Bool) -> Bool {
        guard let port = number(value.utf8, in: 1...65535) else {
            return refuse(line, "Port \(quoted(value)) is no port", "write a number from 1 to 65535")
        }
        if first { settings.ports = [] }
        guard !settings.ports.contains(UInt16(port)) else {
            return refuse(line, "Port \(port) is given twice", "remove one of the two")
        }
        guard settings.ports.count < FileLimits.ports else {
            return refuse(line, "Port is given more than \(FileLimits.ports) times", "remove some")
        }
        settings.ports.append(UInt16(port))
        return true
    }

    mutating func parseListenAddress(_ value: String, _ line: Int) -> Bool {
        guard let address = ListenAddress(value) else {
            return refuse(
                line, "ListenAddress \(quoted(value)) is no numeric address",
                "write it like 192.0.2.1, 192.0.2.1:2222, [2001:db8::1] or [2001:db8::1]:2222: there is no DNS here")
        }
        guard !settings.listenAddresses.contains(address) else {
            return refuse(line, "ListenAddress \(address.description) is given twice", "remove one of the two")
        }
        guard settings.listenAddresses.count < FileLimits.listenAddresses else {
            return refuse(line, "ListenAddress is given more than \(FileLimits.listenAddresses) times", "remove some")
        }
        settings.listenAddresses.append(address)
        return true
    }

    mutating func parseHostKey(_ value: String, _ line: Int) -> Bool {
        guard let path = path(value, of: .hostKey, line) else { return false }
        if settings.hostKeysAreDefault { settings.hostKeys = [] }
        settings.hostKeysAreDefault = false
        guard !settings.hostKeys.contains(where: { same($0, path) }) else {
            return refuse(line, "HostKey \(quoted(path)) is given twice", "remove one of the two")
        }
        guard settings.hostKeys.count < FileLimits.paths else {
            return refuse(line, "HostKey is given more than \(FileLimits.paths) times", "remove some")
        }
        settings.hostKeys.append(path)
        return true
    }

    mutating func parseFallbackHostKey(_ value: String, _ line: Int) -> Bool {
        if lowercased(value.utf8).isText("none") {
            settings.fallbackHostKey = nil
            return true
        }
        guard let path = path(value, of: .fallbackHostKey, line) else { return false }
        guard !SealedKey.isName(path) else {
            return refuse(
                line, "FallbackHostKey \(quoted(path)) is a sealed key, and it is for when those stay shut",
                "write the path of a key that is not sealed, or none")
        }
        settings.fallbackHostKey = path
        return true
    }

    mutating func parseAuthorizedKeysFiles(_ line: SettingsLine) -> Bool {
        guard line.values.count <= FileLimits.paths else {
            return refuse(line.number, "AuthorizedKeysFile names more than \(FileLimits.paths) files", "remove some")
        }
        var paths: [String] = []
        for value in line.values {
            if value.utf8.contains(UInt8(ascii: "%")) {
                return refuse(
                    line.number, "AuthorizedKeysFile \(quoted(value)) has a token of sshd, and Postern knows no users",
                    "write a path without %")
            }
            guard let path = path(value, of: .authorizedKeysFile, line.number) else { return false }
            paths.append(path)
        }
        settings.authorizedKeysFiles = paths
        return true
    }

    mutating func parseTime(
        _ keyword: SettingsKeyword, _ value: String, _ line: Int, least: Int, _ store: (inout Settings, Int) -> Void
    ) -> Bool {
        guard let seconds = TimeSpan.sshd(value.utf8), (least...86400).contains(seconds) else {
            return refuse(
                line, "\(keyword.name) \(quoted(value)) is no time it can have",
                "write \(least) to 86400 seconds, such as 90, 2m or 1h30m")
        }
        store(&settings, seconds)
        return true
    }

    mutating func parseImageTime(_ value: String, _ line: Int) -> Bool {
        guard let seconds = number(value.utf8, in: 0...Int(UInt32.max)) else {
            return refuse(
                line, "ImageTime \(quoted(value)) is no number of seconds since 1970",
                "remove the line: postern image writes it into the image")
        }
        settings.imageTime = Int64(seconds)
        return true
    }

    mutating func parseTries(_ value: String, _ line: Int) -> Bool {
        guard let tries = number(value.utf8, in: 1...1000) else {
            return refuse(line, "MaxAuthTries \(quoted(value)) is no number it can be", "write 1 to 1000")
        }
        settings.maxAuthTries = tries
        return true
    }

    mutating func parseMaxStartups(_ value: String, _ line: Int) -> Bool {
        let parts = Array(value.utf8).split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        let limit = 1...MaxStartups.most
        if parts.count == 1, let full = number(parts[0], in: limit) {
            // Nobody is refused at random before the limit, so the rate says nothing.
            settings.maxStartups = MaxStartups(start: full, rate: 100, full: full)
            return true
        }
        guard parts.count == 3, let start = number(parts[0], in: limit), let rate = number(parts[1], in: 1...100),
            let full = number(parts[2], in: limit), start <= full
        else {
            return refuse(
                line, "MaxStartups \(quoted(value)) is not understood",
                "write START:RATE:FULL such as 10:30:100, START at most FULL, RATE in percent, FULL at most \(limit.upperBound)"
            )
        }
        settings.maxStartups = MaxStartups(start: start, rate: rate, full: full)
        return true
    }

    mutating func parseCrypttab(_ value: String, _ line: Int) -> Bool {
        guard let path = path(value, of: .crypttab, line) else { return false }
        settings.crypttab = path
        return true
    }

    mutating func parseInitrd(_ value: String, _ line: Int) -> Bool {
        let word = lowercased(value.utf8)
        guard let system = InitrdSystem.allCases.first(where: { $0.name.utf8.elementsEqual(word) }) else {
            return refuse(
                line, "Initrd \(quoted(value)) is not understood", "write initramfs-tools, systemd or script")
        }
        settings.initrd = system
        return true
    }

    mutating func parsePermitShell(_ value: String, _ line: Int) -> Bool {
        guard let yes = flag(value) else {
            return refuse(line, "PermitShell \(quoted(value)) is neither yes nor no", "write yes or no")
        }
        settings.permitShell = yes
        return true
    }

    mutating func parseConsole(_ line: SettingsLine) -> Bool {
        if line.values.count == 1, let on = flag(line.values[0]) {
            settings.console = on ? .active : .off
            return true
        }
        for value in line.values
        where !Array(value.utf8).startsWithText("/dev/") || value.utf8.count > FileLimits.path || value.utf8.count < 6 {
            return refuse(
                line.number, "Console \(quoted(value)) is no terminal",
                "write yes, no, or paths such as /dev/ttyS0")
        }
        guard line.values.count <= FileLimits.paths else {
            return refuse(line.number, "Console names more than \(FileLimits.paths) terminals", "remove some")
        }
        settings.console = .paths(line.values)
        return true
    }

    /// sshd_config's yes and no.
    private func flag(_ value: String) -> Bool? {
        let value = lowercased(value.utf8)
        if value.isText("yes") || value.isText("true") { return true }
        return value.isText("no") || value.isText("false") ? false : nil
    }
}

extension ListenAddress {
    /// Reads `HOST`, `HOST:PORT`, `[HOST]` or `[HOST]:PORT`, as sshd_config(5) has them; a bare IPv6 address is a host.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)[...]
        let colons = bytes.count { $0 == UInt8(ascii: ":") }
        var host = bytes
        var port: ArraySlice<UInt8>?
        if bytes.first == UInt8(ascii: "[") {
            guard let end = bytes.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            host = bytes[(bytes.startIndex + 1)..<end]
            let rest = bytes[(end + 1)...]
            guard rest.isEmpty || rest.first == UInt8(ascii: ":") else { return nil }
            port = rest.isEmpty ? nil : rest.dropFirst()
        } else if colons == 1, let colon = bytes.firstIndex(of: UInt8(ascii: ":")) {
            host = bytes[..<colon]
            port = bytes[(colon + 1)...]
        }
        guard let address = PeerAddress(host) else { return nil }
        self.init(address: address)
        guard let port else { return }
        guard let value = number(port, in: 1...65535) else { return nil }
        self.port = UInt16(value)
    }
}
