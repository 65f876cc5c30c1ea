internal import CLinux
internal import Config
internal import Linux
internal import Plan
internal import Terminal
internal import Wire

/// What a systemd initrd has for the agent.
enum Systemd {
    /// The path of systemd-ask-password(1), when the prompt on the consoles is to go through it.
    static func askPasswordProgram(_ setting: ConsoleSetting, rehearsal: Bool) -> String? {
        guard !rehearsal, case .active = setting, Machine.isInitrd, ServiceManager.isSystemd else { return nil }
        return ["/usr/bin/systemd-ask-password", "/bin/systemd-ask-password"].first { Files.exists($0) }
    }
}

/// A systemd password question that is never shown; it stands unless the boot waits for devices alone.
///
/// dracut's initqueue counts the seconds in which the root is not there, and ends in an emergency shell; it does not count
/// while a question stands. The agent's own is not always there: while a key is derived there is none, and with `Console`
/// at another setting there is none at all. Where nothing but a device is missing it counts, for that starts degraded
/// arrays.
struct StandingQuestion {
    private static let folder = "/run/systemd/ask-password"
    private static let path = "\(folder)/ask.postern"
    private var stands = false

    /// Takes away what an agent has left.
    static func clear() {
        Files.remove(path)
    }

    /// Puts the question, or takes it away.
    mutating func stand(_ wanted: Bool) {
        guard wanted != stands else { return }
        stands = wanted
        guard wanted else {
            Files.remove(StandingQuestion.path)
            return
        }
        // `NotAfter` (in µs) has passed, so every systemd password agent skips it.
        let text =
            "[Ask]\nPID=\(ChildProcess.id)\nSocket=/run/postern/no-socket\nNotAfter=1\nMessage=Postern waits\n"
        do throws(SystemError) {
            try Files.makeFolder(StandingQuestion.folder, mode: 0o755)
            try Files.write(text, to: StandingQuestion.path, mode: 0o644)
        } catch { stands = false }
    }
}

extension Monitor {
    /// Keeps what systemd sees up to date.
    func informSystemd() {
        guard isUnderSystemd else { return }
        let missing = plan.missingDevices
        let isAsking = !plan.machineState(now: Clock.now()).asking.isEmpty
        question.stand(ending == nil && (missing.isEmpty || isAsking))
        let text = ending == nil ? status(missing) : ending?.code == .done ? "the boot goes on" : "ends"
        guard text != shownStatus else { return }
        shownStatus = text
        serviceManager.setStatus(text)
    }

    /// Such as `2 of 7 volumes are open; a passphrase is waited for: crypt-root`.
    private func status(_ missing: [String]) -> String {
        let state = plan.machineState(now: Clock.now())
        let open = state.volumes.count { $0.state == .open }
        var text = "\(open) of \(state.volumes.count) volumes are open"
        let asking = state.asking
        if !asking.isEmpty {
            text += "; a passphrase is waited for: " + asking.map { $0.name }.joined(separator: ", ")
        }
        if !missing.isEmpty { text += "; devices are waited for: " + missing.joined(separator: ", ") }
        return text
    }
}
