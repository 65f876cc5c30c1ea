internal import Linux
public import Wire

/// How the agent stands, for Prometheus: a text file that node_exporter's textfile collector takes as it is.
public struct Metrics: Equatable, Sendable {
    /// How long the agent has waited, in milliseconds.
    public var waiting: Int64 = 0
    /// Whether the boot has been told to go on.
    public var continues = false
    /// Passphrases that opened a volume.
    public var right = 0
    /// Those that were wrong.
    public var wrong = 0
    /// Those that could not be tried.
    public var failed = 0
    public var volumes: [Volume] = []
    /// For each array how many of its members are not open.
    public var arrays: [Count] = []
    /// For each fingerprint of an authorized key how many logins it had.
    public var logins: [Count] = []

    /// A volume and where it stands.
    public struct Volume: Equatable, Sendable {
        let name: String
        let state: VolumeState

        public init(_ name: String, _ state: VolumeState) {
            self.name = name
            self.state = state
        }
    }

    /// How many there are of something that has a name.
    public struct Count: Equatable, Sendable {
        let name: String
        var count: Int

        public init(_ name: String, _ count: Int) {
            self.name = name
            self.count = count
        }
    }

    /// Counts a login. Two lines of authorized_keys may have the same key.
    public mutating func countLogin(_ fingerprint: String) {
        if let index = logins.firstIndex(where: { $0.name == fingerprint }) {
            logins[index].count += 1
        } else {
            logins.append(Count(fingerprint, 1))
        }
    }

    public init() {}

    /// The text, in Prometheus' exposition format 0.0.4.
    public var text: String {
        var text = ""
        add("waiting_seconds gauge", "How long the agent has waited.", "", [("", Clock.seconds(waiting))], to: &text)
        let continues = [Count("", continues ? 1 : 0)]
        add("boot_continues gauge", "Whether the boot has been told to go on.", "", continues, to: &text)
        let passphrases = [Count("right", right), Count("wrong", wrong), Count("failed", failed)]
        add("passphrases_total counter", "Passphrases that were entered.", "result", passphrases, to: &text)
        let states = VolumeState.all.map { state in Count(state.word, volumes.count { $0.state == state }) }
        add("volumes gauge", "Volumes in each state.", "state", states, to: &text)
        let open = volumes.map { Count($0.name, $0.state == .open ? 1 : 0) }
        add("volume_open gauge", "Whether the volume is open.", "volume", open, to: &text)
        add("array_members_missing gauge", "Members that are not open.", "array", arrays, to: &text)
        add("logins_total counter", "Logins with the authorized key.", "key", logins, to: &text)
        return text
    }

    private func add(_ metric: String, _ help: String, _ label: String, _ counts: [Count], to text: inout String) {
        add(metric, help, label, counts.map { ($0.name, String($0.count)) }, to: &text)
    }

    /// Adds a metric, a name and a type, with a value for each name of what its label calls so; nothing where it has none.
    /// No series comes twice, for then a reader would take none.
    private func add(
        _ metric: String, _ help: String, _ label: String, _ values: [(name: String, value: String)],
        to text: inout String
    ) {
        guard !values.isEmpty else { return }
        let name = "postern_" + String(metric.prefix { $0 != " " })
        text += "# HELP " + name + " " + help + "\n# TYPE postern_" + metric + "\n"
        var seen: [String] = []
        for (value, number) in values {
            let series = label.isEmpty ? name : name + "{" + label + "=\"" + escaped(value) + "\"}"
            guard !seen.contains(series) else { continue }
            seen.append(series)
            text += series + " " + number + "\n"
        }
    }

    /// A label's value: printable, with the escapes of the format.
    private func escaped(_ value: String) -> String {
        var bytes: [UInt8] = []
        for byte in printable(value).utf8 {
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { bytes.append(UInt8(ascii: "\\")) }
            bytes.append(byte)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension VolumeState {
    /// In the order of what a volume goes through.
    static let all: [VolumeState] = [
        .deviceMissing, .checking, .locked, .waitingForKey, .queued, .trying, .open, .failed, .left, .unattended,
    ]
}
