import Foundation

/// The dialogues in postern(8): a command as somebody types it, and what Postern answered in a real run. The tests
/// run each command on such a machine, and compare.
public struct RecordedDialogues {
    /// How each of them begins; `-t` asks for a terminal, and behind `#` there is a command of root's on the machine.
    private static let starts = ["$ ssh -p 2222 root@nas", "$ ssh -t -p 2222 root@nas", "# "]

    /// The answer to each command, which is empty for a plain login.
    public let answers: [String: String]

    public init() throws {
        let manual = try String(contentsOfFile: Repository.path("initrd/man/postern.8"), encoding: .utf8)
        var answers: [String: String] = [:]
        for block in manual.components(separatedBy: "\n.Bd -literal").dropFirst() {
            let lines = block.components(separatedBy: "\n.Ed")[0].components(separatedBy: "\n")
            guard lines.count > 1, let start = Self.starts.first(where: lines[1].hasPrefix) else { continue }
            // A tab goes on with the line before it, which would be too long for a page.
            let text = lines.dropFirst(2).joined(separator: "\n").replacing("\n\t", with: "")
            let command = lines[1].dropFirst(start.count).prefix { $0 != "<" }
            answers[command.trimmingCharacters(in: .whitespaces)] = text.replacing("\\e", with: "\\")
        }
        self.answers = answers
    }

    /// Whether that is the recorded answer, apart from what differs from run to run: times, versions, keys and addresses, and in the
    /// log the order of what happens side by side, how often a line comes, and clients that leave without a login.
    public func isRecorded(_ answer: String, to command: String) -> Bool {
        guard let recorded = answers[command] else { return false }
        return Self.comparable(recorded, of: command) == Self.comparable(answer, of: command)
    }

    private static func comparable(_ text: String, of command: String) -> [String] {
        let comparable =
            text
            .replacing(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\d/, with: "DATE")
            .replacing(/BusyBox v[^\n]*/, with: "BusyBox")
            .replacing(/\b\d\d:\d\d:\d\d\b/, with: "TIME")
            .replacing(/AAAA[A-Za-z0-9+\/=]+/, with: "KEY")
            .replacing(/\b[0-9a-f]{64}\b/, with: "HASH")
            .replacing(/SHA256:[A-Za-z0-9+\/]{43}/, with: "FINGERPRINT")
            .replacing(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/, with: "UUID")
            .replacing(/\d+\.\d+\.\d+\.\d+( port \d+)?|fec0:[0-9a-f:]+/, with: "ADDRESS")
            .replacing(/\d+(\.\d+)? (seconds?|s)\b/, with: "N s")
            .replacing(/"waiting_seconds": ?\d+/, with: "\"waiting_seconds\":N")
        var lines = comparable.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
        // ssh's own.
        lines.removeAll { $0.hasPrefix("Connection to ") }
        guard command.hasPrefix("log") else { return lines }
        return Set(lines.filter { !$0.contains("no login") }).sorted()
    }
}
