public import Wire

/// The same state for scripts and for an ssh client without a terminal: whole texts with LF line ends.
public enum Report {
    /// What `status` prints.
    public static func text(_ state: MachineState) -> String {
        var lines = Table.lines(state, columns: Int.max, devices: true)
        let asking = state.asking.map { Text.clean($0.name) }
        if !asking.isEmpty { lines.append("A passphrase is tried on: " + Text.list(asking, columns: Int.max)) }
        if state.wait > 0 { lines.append(Words.held(Int(state.wait)) + ".") }
        return joined(lines)
    }

    /// What `status --json` prints: one object in one line.
    ///
    /// Characters that are not for printing come as `\uXXXX`, so that it may be shown on a terminal.
    public static func json(_ state: MachineState) -> String {
        let volumes = state.volumes.map { volume in
            "{\"name\":\(quoted(volume.name)),\"device\":\(quoted(volume.device)),"
                + "\"state\":\(quoted(volume.state.word)),\"detail\":\(quoted(volume.detail)),"
                + "\"asks\":\(volume.asks),\"required\":\(volume.required),\"seconds\":\(volume.seconds)}"
        }
        return "{\"host\":\(quoted(state.host)),\"waiting_seconds\":\(state.waiting),"
            + "\"rehearsal\":\(state.rehearsal),\"continues\":\(state.continues),\"next_try_seconds\":\(state.wait),"
            + "\"volumes\":[\(list(volumes))],\"notices\":[\(list(state.allNotices.map(quoted)))]}\n"
    }

    /// What became of a passphrase that came without a terminal: what it opened for standard output, what it did not
    /// for standard error.
    public static func results(
        _ results: [TryResult], retryAfter: UInt16 = 0, rehearsal: Bool = false
    ) -> (out: String, err: String) {
        let opened = results.filter { $0.outcome == .opened || $0.outcome == .alreadyOpen }
        let others = results.filter { $0.outcome == .wrong || $0.outcome == .failed }
        var errors = others.isEmpty && !opened.isEmpty ? [] : Words.results(others)
        // Alone beside an opened volume, "Wrong passphrase." would leave open for which.
        if !opened.isEmpty { errors = others.map(Words.result) }
        if retryAfter > 0, !others.isEmpty { errors.append(Words.retry(after: retryAfter)) }
        let suffix = rehearsal ? " (rehearsal)" : ""
        return (joined(opened.map { Words.result($0) + suffix }), joined(errors))
    }

    /// The end of a command that came without a terminal.
    ///
    /// `continues` says whether the boot goes on when all is done.
    public static func end(
        _ code: ExitCode, reason: String, rehearsal: Bool, continues: Bool = true
    ) -> (out: String, err: String) {
        let text = joined(Words.end(code, reason: reason, rehearsal: rehearsal, continues: continues))
        return code == .done ? (text, "") : ("", text)
    }

    /// A text of these for a terminal in raw mode, which needs CR LF.
    public static func bytesForTerminal(_ text: String) -> [UInt8] {
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            if byte == 0x0A { bytes.append(0x0D) }
            bytes.append(byte)
        }
        return bytes
    }

    private static func joined(_ lines: [String]) -> String {
        lines.reduce("") { $0 + $1 + "\n" }
    }

    private static func list(_ items: [String]) -> String {
        var text = ""
        for (index, item) in items.enumerated() { text += (index > 0 ? "," : "") + item }
        return text
    }

    /// A JSON string (RFC 8259, section 7).
    public static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\":
                quoted += "\\"
                quoted.unicodeScalars.append(scalar)
            case "\n": quoted += "\\n"
            case "\t": quoted += "\\t"
            case _ where Text.isPrintable(scalar): quoted.unicodeScalars.append(scalar)
            default:
                for unit in String(scalar).utf16 { quoted += "\\u" + Text.hexadecimal(UInt32(unit), digits: 4) }
            }
        }
        return quoted + "\""
    }
}
