import Machine

/// What the agent says, in one place: the words that users and their scripts see.
enum Texts {
    /// Stands in every prompt, before the names of the volumes that wait. It is drawn anew when something changes.
    static let prompt = "Passphrase for "
    static let wrong = "Wrong passphrase."
    static let continues = "Boot continues."

    /// Before each address at which the agent can be reached.
    static let reached = "Reach it with: ssh -p 2222 root@"
    static let noDriver = "Network: no driver for the card PCI "

    /// A prompt of which that volume is the first.
    static func prompt(_ volume: String) -> String { prompt + volume }

    static func opened(_ volume: String) -> String { "\(volume): open" }

    /// Why the key file of that disk is no good, before the prompt.
    static func reason(for disk: String) -> String {
        switch disk {
        case "keys-none": "No such file"
        case "keys-empty": "is empty"
        case "keys-large": "larger than 8 MiB"
        case "keys-link": "symbolic link"
        default: "does not open it"
        }
    }
}

/// The exit codes of the design, which never change.
enum ExitCode {
    static let success: Int32 = 0
    static let internalError: Int32 = 1
    static let usage: Int32 = 2
    static let wrongPassphrase: Int32 = 3
    static let partly: Int32 = 4
    static let deviceMissing: Int32 = 5
    static let refused: Int32 = 6
    static let timedOut: Int32 = 7
}

/// The passphrases of `Tests/Support/qemu/disks`.
let passphrase = "open sesame"
let otherPassphrase = "quite another one"
