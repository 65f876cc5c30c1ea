/// Which volumes the native opener has, and why.
extension CrypttabEntry {
    /// Why the native opener has the volume by its line and postern.conf, or `nil` where Postern manages it.
    public func reasonLeft(under treatment: VolumeRule.Treatment?) -> String? {
        if let foreign = options.foreign { return "\(foreign) volumes belong to the native opener" }
        if case .fileOn = options.header { return "its header lies on another volume" }
        switch treatment {
        case .take: return nil
        case .leave: return "postern.conf leaves it to the native opener"
        case .fallback: return "postern.conf has the native opener open it"
        case nil: break
        }
        if let unattended = options.unattended { return "\(unattended) opens it without a person" }
        if case .other(let key) = key { return "its key \(key) is the native opener's" }
        return nil
    }

    /// Whether systemd opens the volume, and Postern's prompts ask what systemd asks for it when it cannot do so alone.
    public func isWatched(under treatment: VolumeRule.Treatment?, for system: InitrdSystem?) -> Bool {
        guard system == .systemd, options.foreign == nil, !options.headless else { return false }
        if case .fileOn = options.header { return false }
        switch treatment {
        case .take, .leave: return false
        case .fallback: return true
        case nil: break
        }
        if case .other = key { return true }
        return options.unattended != nil
    }

    /// Why the native opener has a volume by its header that Postern would manage by its line, or `nil`.
    ///
    /// - Parameters:
    ///   - tokens: the types of the tokens that open one of its key slots.
    ///   - system: the native opener. systemd asks its own tokens before it asks a person, where there is no key file;
    ///     others do not know them.
    /// - Returns: a clause.
    public func reasonLeft(tokens: [String], for system: InitrdSystem?) -> String? {
        let openers =
            system == .systemd && key == .ask
            ? ["clevis", "systemd-tpm2", "systemd-fido2", "systemd-pkcs11"] : ["clevis"]
        return tokens.first { openers.contains($0) }.map { "its header has a \($0) binding" }
    }
}
