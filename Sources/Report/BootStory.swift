/// What the events of one boot come to.
public struct BootStory: Equatable, Sendable {
    /// How the agent ended.
    public enum End: Equatable, Sendable {
        /// The boot went on without these volumes.
        case continued(without: [String])
        /// A signal ended it, and the native prompt took over.
        case native
        /// Somebody had the machine restarted, or powered off.
        case left(BootEvent)
        /// The records do not have its end.
        case unknown
    }

    public struct Volume: Equatable, Sendable {
        public let name: String
        /// The event of its opening.
        public fileprivate(set) var opened: BootEvent?
        /// What was said of it last, while it was not open.
        public fileprivate(set) var problem: BootEvent?
    }

    /// The boot's id, as journald has it.
    public let boot: String
    /// When the agent began to wait.
    public private(set) var began: BootEvent?
    public private(set) var end = End.unknown
    /// When that was.
    public private(set) var ended: BootEvent?
    /// In the order of crypttab, then of their events.
    public private(set) var volumes: [Volume] = []
    public private(set) var wrong: [BootEvent] = []
    public private(set) var logins: [BootEvent] = []
    /// Other requests of people: a shell, or that the boot goes on.
    public private(set) var requests: [BootEvent] = []
    /// What was amiss with the host key.
    public private(set) var warnings: [BootEvent] = []

    public init(boot: String, _ events: [BootEvent]) {
        self.boot = boot
        for event in events { take(event) }
    }

    private mutating func take(_ event: BootEvent) {
        switch event.name {
        case "waiting":
            if began == nil { began = event }
            for name in event.volumes { _ = index(of: name) }
        case "volume-open":
            guard let name = event.volume else { return }
            let index = index(of: name)
            if volumes[index].opened == nil { volumes[index].opened = event }
        case "volume-failed", "try-failed", "wrong-key-file":
            guard let name = event.volume else { return }
            // A line of the kernel's log may name anything before a colon.
            guard let index = volumes.firstIndex(where: { $0.name == name }) else { return }
            volumes[index].problem = event
        case "host-key-fallback", "host-key-sealed": warnings.append(event)
        case "wrong-passphrase": wrong.append(event)
        case "login": logins.append(event)
        case "continue-asked", "shell-opened": requests.append(event)
        case "boot-continues":
            for name in event.without { _ = index(of: name) }
            (end, ended) = (.continued(without: event.without), event)
        case "told-to-end": (end, ended) = (.native, event)
        case "reboot-asked", "poweroff-asked": (end, ended) = (.left(event), event)
        default: break
        }
    }

    private mutating func index(of name: String) -> Int {
        if let index = volumes.firstIndex(where: { $0.name == name }) { return index }
        volumes.append(Volume(name: name))
        return volumes.count - 1
    }

    /// How long the agent waited, in milliseconds, or `nil` where the records do not say.
    public var waited: Int64? {
        if let seconds = ended?.seconds { return BootEvent.milliseconds(seconds) }
        guard let began, let ended else { return nil }
        return max(ended.uptime - began.uptime, 0)
    }

    /// What the boot went on without.
    public var without: [String] {
        guard case .continued(let without) = end else { return [] }
        return without
    }

    /// Who opened volumes with a passphrase, each once.
    var openers: [Requester] {
        var openers: [Requester] = []
        for volume in volumes {
            switch volume.opened?.who {
            case .console?: if !openers.contains(.console) { openers.append(.console) }
            case .login(let login)?: if !openers.contains(.login(login)) { openers.append(.login(login)) }
            default: break
            }
        }
        return openers
    }
}
