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

    /// The text, in Prometheus' exposition format 0.0.4. No series comes twice, for then a reader would take none.
    public var text: String {
        var text = head("waiting_seconds", "gauge", "How long the agent has waited, or had when it ended.")
        text += "postern_waiting_seconds \(Clock.seconds(waiting))\n"
        text += head("boot_continues", "gauge", "Whether the boot has been told to go on.")
        text += "postern_boot_continues \(continues ? 1 : 0)\n"
        text += head("passphrases_total", "counter", "Passphrases that were entered, by what came of them.")
        text += "postern_passphrases_total{result=\"right\"} \(right)\n"
        text += "postern_passphrases_total{result=\"wrong\"} \(wrong)\n"
        text += "postern_passphrases_total{result=\"failed\"} \(failed)\n"
        text += head("volumes", "gauge", "Volumes in each state.")
        for state in VolumeState.all {
            text += "postern_volumes{state=\"\(state.word)\"} \(volumes.count { $0.state == state })\n"
        }
        text += series(
            "volume_open", "volume", "gauge", "Whether the volume is open.",
            volumes.map { Count($0.name, $0.state == .open ? 1 : 0) })
        text += series(
            "array_members_missing", "array", "gauge", "Members of the array that are not open.", arrays)
        text += series("logins_total", "key", "counter", "Logins with the authorized key.", logins)
        return text
    }

    private func head(_ name: String, _ type: String, _ help: String) -> String {
        "# HELP postern_\(name) \(help)\n# TYPE postern_\(name) \(type)\n"
    }

    /// A metric with one label, or nothing when it has no value.
    private func series(_ name: String, _ label: String, _ type: String, _ help: String, _ counts: [Count]) -> String {
        guard !counts.isEmpty else { return "" }
        var text = head(name, type, help)
        for (place, count) in counts.enumerated() where !counts[..<place].contains(where: { $0.name == count.name }) {
            text += "postern_\(name){\(label)=\"\(escaped(count.name))\"} \(count.count)\n"
        }
        return text
    }

    /// A label's value: printable, with the escapes of the format.
    private func escaped(_ value: String) -> String {
        var escaped = ""
        for scalar in printable(value).unicodeScalars {
            if scalar == "\"" || scalar == "\\" { escaped += "\\" }
            escaped.unicodeScalars.append(scalar)
        }
        return escaped
    }
}

extension VolumeState {
    /// In the order of what a volume goes through.
    static let all: [VolumeState] = [
        .deviceMissing, .checking, .locked, .waitingForKey, .queued, .trying, .open, .failed, .left,
    ]
}
