import Linux
import Testing
import Wire

/// A secret with these bytes.
func secret(_ bytes: some Sequence<UInt8>) throws -> SecretBytes {
    let bytes = Array(bytes)
    return try bytes.withUnsafeBytes { try SecretBytes(copying: $0) }
}

func bytes(_ secret: SecretBytes) -> [UInt8] { secret.withUnsafeBytes { Array($0) } }

/// One of the four kinds of message, with its reader and writer.
struct Kind: Sendable, CustomTestStringConvertible {
    let name: String
    /// Reads a body and writes it again.
    let again: @Sendable (SecretBytes) throws(WireError) -> SecretBytes
    /// A body of each message.
    let samples: @Sendable () throws -> [SecretBytes]

    var testDescription: String { name }

    static let all = [session, monitor, signerSetup, signerReport, order, report]

    static let session = Kind(
        name: "session message",
        again: { body throws(WireError) in
            let (channel, message) = try SessionMessage.read(body)
            return try message.body(channel: channel)
        },
        samples: {
            let passphrase = try secret("päss".utf8)
            let messages: [SessionMessage] = [
                .log(.notice, "a line"), .authenticated(key: 513, user: "root"), .open(.unlock, terminal: true),
                .open(.status(json: false), terminal: false), .open(.status(json: true), terminal: false),
                .open(.help, terminal: false), .open(.unlockOnly(["storage-1", "data"]), terminal: true),
                .open(.reboot, terminal: false), .open(.entries(json: true), terminal: false),
                .open(.rebootInto("a.conf"), terminal: true), .passphrase(passphrase), .close, .inputEnded,
                .open(.shell, terminal: true), .open(.shellCommand("echo a; exit 3"), terminal: false),
                .terminal(type: "xterm-256color", columns: 132, rows: 43), .signal(15),
            ]
            return try messages.enumerated().map { try $1.body(channel: UInt8($0)) }
        })

    static let monitor = Kind(
        name: "monitor message",
        again: { body throws(WireError) in
            let (channel, message) = try MonitorMessage.read(body)
            return try message.body(channel: channel)
        },
        samples: {
            let key = UsableKey(
                index: 7, type: "ssh-ed25519", blob: [0, 1, 255], forcedCommand: "status", permitsTerminal: true,
                noTouchRequired: false, rule: 1, title: "SHA256:x (me)")
            let setup = SessionSetup(
                confinement: Confinement(root: "/run/postern/empty", user: 65533),
                rules: LoginRules(keys: [key], refusals: ["", "why"], maxAuthTries: 20),
                keyExchange: "a,b", ciphers: nil, macs: "c", loginGraceTime: 120,
                permitsShell: true)
            let console = ConsoleSetup(
                confinement: Confinement(root: nil, user: nil), terminals: ["/dev/tty0", "/dev/ttyS0"])
            let volume = VolumeStatus(
                name: "root", device: "UUID=1", state: .trying, detail: "d", asks: true, required: true, seconds: 3)
            let state = MachineState(
                host: "nas", waiting: 9, rehearsal: false, continues: true, wait: 6, volumes: [volume, volume],
                notices: ["one", ""], warning: "Look out.")
            let results = [
                TryResult(name: "root", outcome: .opened), TryResult(name: "a", outcome: .failed, detail: "why"),
            ]
            let messages: [MonitorMessage] = [
                .sessionSetup(setup), .consoleSetup(console), .state(state), .tried(results, retryAfter: 30),
                .finish(.partly, reason: "Still locked: a."),
                .network([
                    NetworkFact(.reachable, link: "eth0", detail: "192.0.2.1", number: 2222), NetworkFact(.noCard),
                ]),
                .lines(["one", ""]), .shellStarted, .shellEnded(status: 143, signal: 15, reason: "Why."),
                .entries(entries), .entries([]),
            ]
            return try messages.map { try $0.body(channel: 10) }
        })

    static let signerSetup = Kind(
        name: "signer's setup",
        again: { body throws(WireError) in try SignerSetup.read(body).body() },
        samples: {
            let setup = SignerSetup(
                confinement: Confinement(root: "/run/postern/empty", user: 65534),
                hostKeys: [try secret([1, 2, 3]), try secret([4])], unsealed: [400, 3000],
                rules: LoginRules(keys: [], refusals: ["why"], maxAuthTries: 6))
            return [try setup.body()]
        })

    static let signerReport = Kind(
        name: "signer's report",
        again: { body throws(WireError) in try SignerReport.read(body).body() },
        samples: {
            let reports: [SignerReport] = [.log(.warning, "line"), .authenticated(key: 513, user: "root")]
            return try reports.map { try $0.body() }
        })

    static let order = Kind(
        name: "worker's order",
        again: { body throws(WireError) in try WorkerOrder.read(body).body() },
        samples: {
            var volume = VolumeOrder(name: "root", device: "/dev/vda2")
            let plain = volume
            volume.header = "/etc/header"
            volume.uuid = "1-a"
            volume.keySlot = 31
            volume.dmCrypt = [.discard, .noWriteWorkqueue]
            volume.rehearsal = true
            let key = KeyOrder(device: "/dev/sdb1", folder: nil, path: "/key", offset: 1 << 40, size: 64)
            let file = KeyOrder(device: nil, folder: "/tmp", path: "/key", offset: 0, size: nil)
            let orders: [WorkerOrder] = [
                .probe(device: "/dev/vda"), .inspect(plain), .inspect(volume), .readKey(key), .readKey(file),
                .unlock(volume, try secret([0, 10, 255])), .activationPermitted(true), .activationPermitted(false),
                .close(["data", "root"]), .readEntries(rehearsal: true), .chooseEntry("a.conf"),
            ]
            return try orders.map { try $0.body() }
        })

    static let report = Kind(
        name: "worker's report",
        again: { body throws(WireError) in try WorkerReport.read(body).body() },
        samples: {
            let tags = DeviceTags(type: "ext4", uuid: "1", label: "l", partitionUUID: "2", partitionLabel: "p")
            let facts = HeaderFacts(
                version: 2, uuid: "1", device: "/dev/vda", memory: 1 << 20, tokens: ["clevis", ""], active: true,
                taken: "it is")
            let reports: [WorkerReport] = [
                .probed(tags), .inspected(facts), .key(try secret([UInt8](repeating: 7, count: 5000))),
                .requestsActivation(slot: -1), .done(.opened(slot: 3)), .done(.wrongKey), .done(.alreadyOpen),
                .done(.notPermitted),
                .done(.failed("no header")), .log(.error, "line"), .entries(entries), .entryChosen,
            ]
            return try reports.map { try $0.body() }
        })

    private static let entries = [
        BootEntry(id: "a.conf", isCurrent: true, isDefault: true), BootEntry(id: "ä", isNext: true),
    ]
}
