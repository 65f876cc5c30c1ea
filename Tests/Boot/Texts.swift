import Machine

/// What the agent says, in one place: the words that users and their scripts see.
enum Texts {
    /// Stands in every prompt, before the names of the volumes that wait.
    static let prompt = "assphrase for "
    static let continues = "Boot continues."

    /// Why the key file of that disk is no good, before the prompt.
    static func reason(for disk: String) -> String {
        switch disk {
        case "keys-none": "No such file"
        case "keys-empty": "empty"
        case "keys-large": "large"
        case "keys-link": "link"
        default: "key file"
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

/// The passphrases of `initrd/machine/disks`.
let passphrase = "open sesame"
let otherPassphrase = "quite another one"

extension Transcript {
    /// Waits until a line says that the volume is open.
    func expectOpened(_ name: String) async throws {
        try await wait(for: "that \(name) is open", within: .seconds(120)) { text in
            text.split(separator: "\n").contains { $0.contains(name) && $0.contains("open") } ? () : nil
        }
    }
}
