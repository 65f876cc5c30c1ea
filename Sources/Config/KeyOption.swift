internal import Wire

/// One option before a key: a name, and a value that was in double quotes.
struct KeyOption {
    let kind: Kind
    /// Empty where there is none.
    let value: [UInt8]

    /// Removes the options from the start of a line and parses them, up to the first blank outside quotes.
    static func parse(from line: inout ArraySlice<UInt8>) throws(KeyRefusal) -> [KeyOption] {
        var options: [KeyOption] = []
        while true {
            let name = line.prefix { byte in
                !isBlank(byte) && byte != UInt8(ascii: "=") && byte != UInt8(ascii: ",")
            }
            line = line.dropFirst(name.count)
            guard !name.isEmpty else {
                throw KeyRefusal("an option is empty", "write options with single commas between")
            }
            var value: [UInt8]?
            if line.first == UInt8(ascii: "=") {
                line.removeFirst()
                value = try parseQuoted(&line, of: name)
            }
            options.append(KeyOption(kind: try kind(name, hasValue: value != nil), value: value ?? []))
            guard let next = line.first, !isBlank(next) else { return options }
            guard next == UInt8(ascii: ",") else {
                throw KeyRefusal("the option \(quoted(name)) goes on after its value", "write a comma or a blank there")
            }
            line.removeFirst()
        }
    }

    /// As sshd takes it: `\"` stands for a quote, and every other backslash for itself.
    private static func parseQuoted(_ line: inout ArraySlice<UInt8>, of name: ArraySlice<UInt8>) throws(KeyRefusal)
        -> [UInt8]
    {
        guard line.first == UInt8(ascii: "\"") else {
            throw KeyRefusal("the value of the option \(quoted(name)) has no quotes", "write it in double quotes")
        }
        line.removeFirst()
        var value: [UInt8] = []
        while let byte = line.popFirst() {
            if byte == UInt8(ascii: "\"") { return value }
            if byte == UInt8(ascii: "\\"), line.first == UInt8(ascii: "\"") {
                value.append(UInt8(ascii: "\""))
                line.removeFirst()
            } else {
                value.append(byte)
            }
        }
        throw KeyRefusal("the value of the option \(quoted(name)) has no closing quote", "write it in double quotes")
    }

    /// What Postern makes of an option.
    enum Kind: CaseIterable {
        case from, expiryTime, command, restrict, pty, noPty, noTouchRequired
        /// Restricts what Postern never does.
        case noPortForwarding, noAgentForwarding, noX11Forwarding, noUserRC, permitOpen, permitListen, tunnel
        /// Grants what Postern never gives.
        case portForwarding, agentForwarding, x11Forwarding, userRC, environment
        /// Changes who may log in, in a way Postern does not know.
        case certAuthority, principals, verifyRequired

        var name: String {
            switch self {
            case .from: "from"
            case .expiryTime: "expiry-time"
            case .command: "command"
            case .restrict: "restrict"
            case .pty: "pty"
            case .noPty: "no-pty"
            case .noTouchRequired: "no-touch-required"
            case .noPortForwarding: "no-port-forwarding"
            case .noAgentForwarding: "no-agent-forwarding"
            case .noX11Forwarding: "no-x11-forwarding"
            case .noUserRC: "no-user-rc"
            case .permitOpen: "permitopen"
            case .permitListen: "permitlisten"
            case .tunnel: "tunnel"
            case .portForwarding: "port-forwarding"
            case .agentForwarding: "agent-forwarding"
            case .x11Forwarding: "x11-forwarding"
            case .userRC: "user-rc"
            case .environment: "environment"
            case .certAuthority: "cert-authority"
            case .principals: "principals"
            case .verifyRequired: "verify-required"
            }
        }

        var hasValue: Bool {
            switch self {
            case .from, .expiryTime, .command, .permitOpen, .permitListen, .tunnel, .environment, .principals: true
            default: false
            }
        }
    }

    /// - Returns: which of the known options it is, in any case as for sshd, with a value if that has one.
    private static func kind(_ word: ArraySlice<UInt8>, hasValue: Bool) throws(KeyRefusal) -> Kind {
        let name = lowercased(word)
        guard let kind = Kind.allCases.first(where: { $0.name.utf8.elementsEqual(name) }) else {
            let near = nearest(to: name, among: Kind.allCases.map { $0.name })
            throw KeyRefusal(
                "the option \(quoted(word)) is not known",
                near.map { "did you mean \($0)?" } ?? "remove the option, or the key")
        }
        guard kind.hasValue == hasValue else {
            throw KeyRefusal(
                kind.hasValue ? "the option \(kind.name) has no value" : "the option \(kind.name) has a value",
                kind.hasValue ? "write \(kind.name)=\"...\"" : "write \(kind.name) alone")
        }
        return kind
    }
}

extension AuthorizedKey {
    /// Honours an option, or refuses the key. The order counts, as for sshd: `restrict,pty` gives a terminal.
    mutating func apply(_ option: KeyOption, line: Int, notes: inout Notes) throws(KeyRefusal) {
        let value = option.value
        switch option.kind {
        case .from:
            guard from.isEmpty else { throw KeyRefusal("from= is given twice", "write one with commas") }
            var unknown: [String] = []
            from = try FromPattern.list(value, unknown: &unknown)
            for name in unknown {
                notes.add(
                    line, "from= has \(name), which cannot be looked up without DNS; the other patterns hold",
                    "write its address")
            }
        case .expiryTime:
            let time = try ExpiryTime(value)
            // Of several the earliest holds, as for sshd.
            expiryTime = min(expiryTime ?? time.seconds, time.seconds)
            if !time.isUTC {
                notes.add(
                    line,
                    "expiry-time= \(quoted(value)) is local time to sshd, and UTC here, for the initrd has no time zone",
                    "write the time in UTC, with Z after it")
            }
        case .command:
            guard forcedCommand == nil else { throw KeyRefusal("command= is given twice", "write one") }
            guard value.count <= Command.longest,
                let command = Command.canonical(String(decoding: value, as: UTF8.self))
            else {
                throw KeyRefusal(
                    "command= \(quoted(value)) is no command of Postern's",
                    "write \(Command.spellings)")
            }
            guard !command.unicodeScalars.contains(where: { $0 != "\t" && isControl($0) }) else {
                throw KeyRefusal("command= \(quoted(value)) has a control character", "write it without")
            }
            forcedCommand = command
        case .restrict, .noPty: permitPty = false
        case .pty: permitPty = true
        case .noTouchRequired: noTouchRequired = true
        case .noPortForwarding, .noAgentForwarding, .noX11Forwarding, .noUserRC, .permitOpen, .permitListen, .tunnel:
            break
        case .portForwarding, .agentForwarding, .x11Forwarding, .userRC, .environment:
            notes.add(line, "the option \(option.kind.name) asks for what Postern never gives", "remove the option")
        case .certAuthority, .principals:
            throw KeyRefusal(
                "the option \(option.kind.name) is for certificates", "write the public key of each user instead")
        case .verifyRequired:
            throw KeyRefusal("the option verify-required is not honoured", "remove it, or use a key without it")
        }
    }
}
