internal import CLinux
internal import Console
internal import Linux
internal import Session
internal import Signer
internal import Worker

@main
enum Postern {
    static func main() {
        exit(run())
    }
}

/// What the first argument asks for: a role that the monitor starts, or a command that a person types.
private func run() -> Int32 {
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
        }
    }
    // A boot script may start it with nothing open at all.
    linux_fill_standard_descriptors()
    return CommandLine.run(arguments)
}
