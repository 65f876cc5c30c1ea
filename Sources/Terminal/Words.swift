internal import Wire

/// Every text that a person reads, in one place: scripts and tests rely on them. All is ASCII, since a serial line or
/// an initrd's console may know nothing else.
enum Words {
    static let rehearsal = "REHEARSAL: nothing is opened in earnest."
    static let continues = "Boot continues."
    static let opened = "All of these are open."
    static let wrongPassphrase = "Wrong passphrase."
    static let nothingAsks = "Nothing waits for a passphrase now."
    static let tooLong = "Not tried: a passphrase has at most \(Limits.passphrase) bytes."
    static let more = "Another login can do more, such as reboot: ssh ... help"
    static let nothingLocked = "No volume is waited for."
    static let left = "Left: this machine waits on."
    static let leftTrying = "Left: the passphrase is still being tried."

    /// The first line, such as `nas has waited 2 minutes to be unlocked.`
    static func header(_ state: MachineState) -> String {
        let host = state.host.isEmpty ? "This machine" : Text.clean(state.host)
        if state.continues { return "\(host): the boot goes on." }
        if state.waiting == 0 { return "\(host) waits to be unlocked." }
        return "\(host) has waited \(duration(state.waiting)) to be unlocked."
    }

    /// Such as `45 seconds`, `2 minutes`, `3 hours`, `4 days`: the largest unit alone.
    static func duration(_ seconds: UInt32) -> String {
        switch seconds {
        case ..<60: count(seconds, "second")
        case ..<3600: count(seconds / 60, "minute")
        case ..<172_800: count(seconds / 3600, "hour")
        default: count(seconds / 86_400, "day")
        }
    }

    private static func count(_ number: UInt32, _ unit: String) -> String {
        "\(number) \(unit)\(number == 1 ? "" : "s")"
    }

    /// Where a volume stands, without its detail.
    static func state(_ volume: VolumeStatus) -> String {
        switch volume.state {
        case .deviceMissing: "waits for its device"
        case .locked: "locked"
        case .waitingForKey: "waits for its key file"
        case .queued: "waits for its turn"
        case .checking: "its header is being read"
        case .unattended: "systemd opens it"
        case .trying: volume.seconds > 0 ? "being tried, \(volume.seconds) s" : "being tried"
        case .open: "open"
        case .failed: "failed"
        case .left: volume.detail.isEmpty ? "left to the system" : "left"
        }
    }

    /// Where a volume stands and why, such as `waits for its key file: storage.key is empty`.
    static func status(_ volume: VolumeStatus) -> String {
        // What a person looks for when a device is missing is its name.
        let isNameless = volume.detail.isEmpty && volume.state == .deviceMissing
        let detail = isNameless ? volume.device : volume.detail
        return detail.isEmpty ? state(volume) : "\(state(volume)): \(Text.clean(detail))"
    }

    /// One line of news, such as `crypt-root: open`.
    static func news(_ volume: VolumeStatus) -> String {
        "\(Text.clean(volume.name)): \(status(volume))"
    }

    static func result(_ result: TryResult) -> String {
        let name = Text.clean(result.name)
        switch result.outcome {
        case .opened, .alreadyOpen: return "\(name): open"
        case .wrong: return "\(name): wrong passphrase"
        case .failed: return result.detail.isEmpty ? "\(name): failed" : "\(name): failed: \(Text.clean(result.detail))"
        }
    }

    /// The lines for one passphrase: `Wrong passphrase.` when it was wrong everywhere.
    static func results(_ results: [TryResult]) -> [String] {
        if results.isEmpty { return [nothingAsks] }
        if results.allSatisfy({ $0.outcome == .wrong }) { return [wrongPassphrase] }
        return results.map(result)
    }

    static func retry(after seconds: UInt16) -> String {
        "The next one is tried after \(seconds) s."
    }

    static func held(_ seconds: Int) -> String {
        "Waiting \(seconds) s before the next try"
    }

    /// What a passphrase that was wrong had about it.
    static func mark(_ mark: TextMark) -> String {
        let remedy = "In PowerShell: $OutputEncoding = [Text.UTF8Encoding]::new()"
        switch mark {
        case .utf8: return "It began with a byte order mark, and was tried without that, too. \(remedy)"
        case .utf16: return "It was text in UTF-16, which no keyboard types: send UTF-8 without a mark. \(remedy)"
        }
    }

    /// The prompt, within `columns`; in the words of Debian's cryptroot-unlock where scripts wait for those.
    static func prompt(_ names: [String], columns: Int, debians: Bool = false) -> String {
        debians
            ? live("Please unlock disk ", names, ": ", else: "Please unlock disk: ", columns: columns)
            : live("Passphrase for ", names, ": ", else: "Passphrase: ", columns: columns)
    }

    /// Such as `Trying crypt-root, data ... 3 s`, within `columns`.
    static func progress(_ names: [String], queued: Bool, seconds: UInt32, columns: Int) -> String {
        let end = seconds > 0 ? " ... \(seconds) s" : " ..."
        // Room for the seconds to grow without a change of the names.
        return live(
            queued ? "Waiting to try " : "Trying ", names, end, reserved: 10, else: "Trying" + end, columns: columns)
    }

    /// What is waited for while nothing asks for a passphrase, within `columns`.
    static func waiting(_ state: MachineState, columns: Int) -> String {
        func names(_ wanted: VolumeState) -> [String] {
            state.volumes.filter { $0.state == wanted }.map { Text.clean($0.name) }
        }
        let awaited = names(.deviceMissing) + names(.checking) + names(.waitingForKey) + names(.unattended)
        if !awaited.isEmpty { return live("Waiting for ", awaited, " ...", else: "Waiting ...", columns: columns) }
        let failed = names(.failed) + names(.locked)
        if !failed.isEmpty { return live("Not open: ", failed, "", else: "Waiting ...", columns: columns) }
        return Text.shortened("Waiting for the boot to go on ...", to: columns)
    }

    /// A line with as many of the names as fit, or `fallback` where even one does not.
    private static func live(
        _ start: String, _ names: [String], _ end: String, reserved: Int = 0, else fallback: String, columns: Int
    ) -> String {
        let room = columns - start.utf8.count - max(end.utf8.count, reserved)
        let line = start + Text.list(names, columns: room) + end
        return Text.width(line) <= columns ? line : fallback
    }

    /// The last lines: the reason, and whether the boot goes on.
    static func end(_ code: ExitCode, reason: String, rehearsal: Bool, continues: Bool) -> [String] {
        var lines = reason.isEmpty ? [] : [Text.clean(reason)]
        if code == .done { lines += continues ? [Words.continues] : reason.isEmpty ? [opened] : [] }
        if lines.isEmpty { lines.append(sentence(code.meaning)) }
        if rehearsal { lines.append(Words.rehearsal) }
        return lines
    }

    /// A phrase of ASCII as a whole sentence.
    private static func sentence(_ phrase: String) -> String {
        var bytes = Array(phrase.utf8)
        if let first = bytes.first, first >= UInt8(ascii: "a"), first <= UInt8(ascii: "z") { bytes[0] = first - 32 }
        return String(decoding: bytes, as: UTF8.self) + "."
    }
}
