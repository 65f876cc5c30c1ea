internal import CLinux
internal import Console
internal import Linux
internal import Notifier
internal import Session
internal import Signer
internal import Worker

/// Runs what the arguments ask for: a role that the monitor starts, or a command, which `command` runs.
///
/// - Parameter command: takes the arguments and returns an exit status.
/// - Returns: the exit status.
public func runProgram(_ command: ([String]) -> Int32) -> Int32 {
    linux_default_signals()
    let arguments = (1..<max(Int(linux_argument_count()), 1)).map { index in
        unsafe linux_argument(Int32(index)).map { unsafe String(cString: $0) } ?? ""
    }
    if arguments.count == 1, let role = Role(rawValue: arguments[0]) {
        switch role {
        case .session: return SessionProcess.run()
        case .signer: return SignerProcess.run()
        case .console: return ConsoleProcess.run()
        case .worker: return WorkerProcess.run()
        case .notifier: return NotifierProcess.run()
        }
    }
    // A boot script may start it with nothing open at all.
    linux_fill_standard_descriptors()
    return command(arguments)
}
