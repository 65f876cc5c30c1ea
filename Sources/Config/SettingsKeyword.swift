/// The keywords of postern.conf.
enum SettingsKeyword: CaseIterable {
    case port, listenAddress, hostKey, fallbackHostKey, authorizedKeysFile, loginGraceTime, maxAuthTries, maxStartups
    case unusedConnectionTimeout, imageTime
    case kexAlgorithms, ciphers, macs, crypttab, initrd, console, permitShell, volume, array, continueTimeout, notify
    case dataset

    var name: String {
        switch self {
        case .port: "Port"
        case .listenAddress: "ListenAddress"
        case .hostKey: "HostKey"
        case .fallbackHostKey: "FallbackHostKey"
        case .authorizedKeysFile: "AuthorizedKeysFile"
        case .loginGraceTime: "LoginGraceTime"
        case .maxAuthTries: "MaxAuthTries"
        case .maxStartups: "MaxStartups"
        case .unusedConnectionTimeout: "UnusedConnectionTimeout"
        case .imageTime: "ImageTime"
        case .kexAlgorithms: "KexAlgorithms"
        case .ciphers: "Ciphers"
        case .macs: "MACs"
        case .crypttab: "Crypttab"
        case .initrd: "Initrd"
        case .console: "Console"
        case .permitShell: "PermitShell"
        case .volume: "Volume"
        case .array: "Array"
        case .continueTimeout: "ContinueTimeout"
        case .notify: "Notify"
        case .dataset: "Dataset"
        }
    }

    /// Whether every line of it adds something.
    var isRepeatable: Bool {
        switch self {
        case .port, .listenAddress, .hostKey, .volume, .array, .notify, .dataset: true
        default: false
        }
    }

    /// Whether a line of it takes several values.
    var takesSeveral: Bool {
        switch self {
        case .authorizedKeysFile, .console, .volume, .array, .notify: true
        default: false
        }
    }

    /// The keyword of this name, in any case.
    init?(_ name: [UInt8]) {
        let wanted = lowercased(name)
        guard let found = SettingsKeyword.allCases.first(where: { lowercased($0.name.utf8) == wanted }) else {
            return nil
        }
        self = found
    }

    /// What to do about a line whose keyword is none of ours.
    static func remedy(forUnknown name: [UInt8]) -> String {
        let wanted = lowercased(name)
        for (foreign, remedy) in sshdOnly where foreign.utf8.elementsEqual(wanted) { return remedy }
        if let near = nearest(to: name, among: allCases.map { $0.name }) { return "did you mean \(near)?" }
        return "remove the line, or see postern.conf(5) for the keywords"
    }

    /// sshd_config's keywords that people bring along, in lower case.
    private static let sshdOnly: [(String, String)] = [
        ("include", "put the lines of the included file here"),
        ("passwordauthentication", "remove the line: Postern takes public keys only"),
        ("kbdinteractiveauthentication", "remove the line: Postern takes public keys only"),
        ("challengeresponseauthentication", "remove the line: Postern takes public keys only"),
        ("pubkeyauthentication", "remove the line: Postern takes public keys only"),
        ("permitrootlogin", "remove the line: the authorized keys alone decide over a login"),
        ("allowusers", "remove the line: the authorized keys alone decide over a login"),
        ("usepam", "remove the line: the authorized keys alone decide over a login"),
        ("subsystem", "remove the line: Postern has no subsystems"),
        ("forcecommand", "write command=\"...\" before the key in the authorized keys file"),
        ("hostkeyalgorithms", "remove the line: the types of the HostKey files decide"),
        ("allowtcpforwarding", "remove the line: Postern forwards nothing"),
        ("allowagentforwarding", "remove the line: Postern forwards nothing"),
        ("x11forwarding", "remove the line: Postern forwards nothing"),
    ]
}
