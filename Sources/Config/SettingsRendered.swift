extension Settings {
    /// The whole configuration as understood (`postern -T`), as a postern.conf that reads back as itself without a finding.
    ///
    /// Defaults that a line would turn into a choice, such as the host keys, stand in comments.
    public var rendered: String {
        var text = ""
        func line(_ keyword: SettingsKeyword, _ values: [String], isDefault: Bool = false) {
            text += isDefault ? "#\(keyword.name)" : keyword.name
            for value in values { text += " \(SettingsLine.word(value))" }
            text += "\n"
        }
        func algorithms(_ keyword: SettingsKeyword, _ names: [String]?, _ set: AlgorithmSet) {
            var list = ""
            for name in names ?? set.defaults { list += list.isEmpty ? name : ",\(name)" }
            line(keyword, [list], isDefault: names == nil)
        }
        for port in ports { line(.port, ["\(port)"]) }
        if listenAddresses.isEmpty { line(.listenAddress, ["[::]"], isDefault: true) }
        for address in listenAddresses { line(.listenAddress, [address.description]) }
        for path in hostKeys { line(.hostKey, [path], isDefault: hostKeysAreDefault) }
        line(.fallbackHostKey, [fallbackHostKey ?? "none"])
        line(.authorizedKeysFile, authorizedKeysFiles)
        line(.loginGraceTime, ["\(loginGraceTime)"])
        line(.maxAuthTries, ["\(maxAuthTries)"])
        line(.maxStartups, [maxStartups.description])
        line(.unusedConnectionTimeout, ["\(unusedConnectionTimeout)"])
        if let imageTime { line(.imageTime, ["\(imageTime)"]) }
        algorithms(.kexAlgorithms, kexAlgorithms, .kex)
        algorithms(.ciphers, ciphers, .ciphers)
        algorithms(.macs, macs, .macs)
        line(.crypttab, [crypttab])
        if let initrd { line(.initrd, [initrd.name]) }
        switch console {
        case .active: line(.console, ["yes"])
        case .off: line(.console, ["no"])
        case .paths(let paths): line(.console, paths)
        }
        line(.permitShell, [permitShell ? "yes" : "no"])
        for rule in volumes { line(.volume, [rule.name, rule.treatment.word]) }
        for rule in arrays { line(.array, [rule.name, rule.policy.description] + rule.members) }
        for name in datasets { line(.dataset, [name]) }
        line(.continueTimeout, ["\(continueTimeout)"])
        for target in notify { line(.notify, [target.form.name, target.url]) }
        return text
    }
}

extension ArrayRule.Policy: CustomStringConvertible {
    /// As an `Array` line has it.
    public var description: String {
        switch self {
        case .all: "all"
        case .quorum(let count): "quorum=\(count)"
        case .any: "any"
        }
    }
}
