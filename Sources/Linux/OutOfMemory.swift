/// Whom the kernel ends when memory runs out: proc_pid_oom_score_adj(5).
///
/// To each score it adds what the process has of the machine's memory, in thousandths, and ends the one with the most:
///
/// | process                     | score | it goes                                                                 |
/// | --------------------------- | ----- | ----------------------------------------------------------------------- |
/// | session, signer: a stranger | 1000  | first                                                                   |
/// | the same, once logged in    | 400   | before a worker, unless that has two fifths more of all memory than it: |
/// |                             |       | then ending the session would not help, and its owner hears why         |
/// | worker, console             | 0     | after them; a worker that derives a key before the console              |
/// | monitor                     | -1000 | never                                                                   |
public enum OutOfMemory: Int, Sendable {
    case stranger = 1000
    case loggedIn = 400
    case owner = 0
    case never = -1000

    /// Gives a process its score. Only root may lower one.
    public func apply(to child: StartedProcess) {
        if let process = child.living { write("\(process)") }
    }

    /// Gives this process its score.
    public func applyToSelf() { write("self") }

    private func write(_ process: String) {
        try? Files.write("\(rawValue)", to: "/proc/\(process)/oom_score_adj", mode: 0)
    }
}
