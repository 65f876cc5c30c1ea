/// What postern.conf says, read like sshd_config(5): one keyword and its values a line, the first value of a keyword
/// holds, and what a line does not say keeps its default.
public struct Settings: Equatable, Sendable {
    /// `Port`, repeatable; default 2222. `postern.port=` on the kernel command line replaces it.
    public var ports: [UInt16] = [2222]
    /// `ListenAddress`, repeatable, numeric only; by default none, which means `[::]`, or `0.0.0.0` without IPv6.
    public var listenAddresses: [ListenAddress] = []
    /// `HostKey`, repeatable: absolute paths of private host keys.
    public var hostKeys = Settings.defaultHostKeys
    /// Whether no `HostKey` was given: then one of the default keys may be missing.
    public var hostKeysAreDefault = true
    /// `FallbackHostKey`: the path of the host key that is used when no sealed one could be opened; `nil` for none.
    public var fallbackHostKey: String? = Settings.defaultFallbackHostKey
    /// `AuthorizedKeysFile`: absolute paths; default `/etc/postern/authorized_keys`.
    public var authorizedKeysFiles = ["/etc/postern/authorized_keys"]
    /// `LoginGraceTime` in seconds; default 120. Without limit a stranger could hold every place of `MaxStartups`.
    public var loginGraceTime = 120
    /// `MaxAuthTries`; default 20: public keys cannot be guessed, and an agent with 7 keys must get in.
    public var maxAuthTries = 20
    /// `MaxStartups`; default 10:30:100.
    public var maxStartups = MaxStartups(start: 10, rate: 30, full: 100)
    /// `UnusedConnectionTimeout` in seconds: how long a connection may stay after its login with no channel open; default
    /// 600. One at a prompt may stay for ever, as the machine waits for ever.
    public var unusedConnectionTimeout = 600
    /// `ImageTime`, in seconds since 1970-01-01 00:00 UTC: when `postern image` made this file's copy; `nil` elsewhere.
    public var imageTime: Int64?
    /// `KexAlgorithms`, `Ciphers`, `MACs` in order of preference; `nil` stands for `AlgorithmSet.defaults`.
    public var kexAlgorithms: [String]?
    public var ciphers: [String]?
    public var macs: [String]?
    /// `Crypttab`: the crypttab(5) that names the volumes; default `/etc/crypttab`.
    public var crypttab = "/etc/crypttab"
    /// `Initrd`: whose crypttab it is; `nil` where `postern` is to look.
    public var initrd: InitrdSystem?
    /// `Console`: where the prompt stands besides SSH; default `yes`.
    public var console = ConsoleSetting.active
    /// `PermitShell`: whether `shell` may be asked for; default no.
    public var permitShell = false
    /// `Volume NAME take|leave|fallback`, at most one for a name.
    public var volumes: [VolumeRule] = []
    /// `Array NAME POLICY MEMBERS`, at most one for a name.
    public var arrays: [ArrayRule] = []
    /// `Dataset`, repeatable: datasets whose passphrase ZFS asks for once the volumes are open.
    public var datasets: [String] = []
    /// `ContinueTimeout` in seconds: how long the rest of an array is waited for once its policy is met; default 60.
    public var continueTimeout = 60
    /// `Notify`, repeatable: who is told what happens; by default nobody.
    public var notify: [NotifyTarget] = []

    public static let defaultHostKeys = ["/etc/postern/ssh_host_ed25519_key", "/etc/postern/ssh_host_rsa_key"]
    public static let defaultFallbackHostKey = "/etc/postern/ssh_host_fallback_key"

    /// The defaults: what an empty file means.
    public init() {}

    /// What the file says of a volume, or `nil` when it says nothing.
    public func treatment(of volume: String) -> VolumeRule.Treatment? {
        volumes.first { same($0.name, volume) }?.treatment
    }
}

/// An address to listen on, and the port when it is not that of `Port`.
public struct ListenAddress: Equatable, Sendable, CustomStringConvertible {
    public var address: PeerAddress
    /// `nil`: every `Port`.
    public var port: UInt16?

    public init(address: PeerAddress, port: UInt16? = nil) {
        self.address = address
        self.port = port
    }

    /// As sshd_config has it: `192.0.2.1`, `192.0.2.1:22`, `[2001:db8::1]`, `[2001:db8::1]:22`.
    public var description: String {
        let host = address.isIPv4 ? address.description : "[\(address.description)]"
        guard let port else { return host }
        return "\(host):\(port)"
    }
}

/// How many connections may be open before their login (sshd_config's `MaxStartups`).
///
/// From `start` on, one in `rate` of a hundred new connections is refused, rising to all of them at `full`.
public struct MaxStartups: Equatable, Sendable, CustomStringConvertible {
    public var start: Int
    /// In percent, 1 to 100.
    public var rate: Int
    public var full: Int
    /// The largest `full`: every connection is a process of 5 MB.
    public static let most = 200

    public init(start: Int, rate: Int, full: Int) {
        self.start = start
        self.rate = rate
        self.full = full
    }

    public var description: String { "\(start):\(rate):\(full)" }
}

/// Where the prompt stands besides SSH.
public enum ConsoleSetting: Equatable, Sendable {
    /// `yes`: every console of `/sys/class/tty/console/active`, or a systemd-ask-password(1) child.
    case active
    /// `no`: nowhere.
    case off
    /// These terminals.
    case paths([String])
}

/// Whose a volume is, against what its crypttab options say.
public struct VolumeRule: Equatable, Sendable {
    public enum Treatment: Equatable, Sendable {
        /// Postern opens it, even when it has an unattended method.
        case take
        /// It belongs to the distribution's own opener.
        case leave
        /// systemd opens it, and what systemd asks for it is asked at Postern's prompts.
        case fallback

        /// The word for it in postern.conf.
        var word: String {
            switch self {
            case .take: "take"
            case .leave: "leave"
            case .fallback: "fallback"
            }
        }

        init?(_ word: [UInt8]) {
            let all: [VolumeRule.Treatment] = [.take, .leave, .fallback]
            guard let found = all.first(where: { $0.word.utf8.elementsEqual(word) }) else { return nil }
            self = found
        }
    }

    public var name: String
    public var treatment: Treatment

    public init(name: String, treatment: Treatment) {
        self.name = name
        self.treatment = treatment
    }

    /// The line of postern.conf.
    public var rendered: String { "Volume \(SettingsLine.word(name)) \(treatment.word)" }
}

/// A group of volumes, and how many of them the boot needs.
public struct ArrayRule: Equatable, Sendable {
    public enum Policy: Equatable, Sendable {
        /// Every member.
        case all
        /// At least so many members, 1 or more.
        case quorum(Int)
        /// One member.
        case any
    }

    public var name: String
    public var policy: Policy
    /// Names of crypttab entries, with shell-style `*` and `?`.
    public var members: [String]

    public init(name: String, policy: Policy, members: [String]) {
        self.name = name
        self.policy = policy
        self.members = members
    }

    /// Whether one of the patterns takes the volume of this name.
    public func holds(_ volume: String) -> Bool {
        members.contains { glob($0.utf8, matches: volume.utf8) }
    }
}
