internal import Config
internal import ConfigFiles
internal import HostKeys
internal import Linux

/// Whether the TPM opens the sealed host keys, and what will change that.
enum SealedKeysCheck {
    /// - Parameters:
    ///   - configuration: the machine's.
    ///   - opens: tries to have a key opened, and returns why it is not; `nil` where this machine's TPM is not theirs.
    ///   - again: the command that builds the images, or `nil`.
    ///   - report: what the findings are added to.
    static func look(
        _ configuration: Configuration, opening opens: ((String) -> String?)?, again: String?,
        into report: inout CheckReport
    ) {
        for key in configuration.sealedKeys {
            guard let registers = SealedKey.registers(key.content) else { continue }
            var changes = ""
            for register in registers { changes += (changes.isEmpty ? "" : "; ") + Sealing.change(of: register) }
            if let opens {
                if let reason = opens(key.path) {
                    report.add(
                        key.path, 0, "the TPM does not open it now: \(reason)",
                        remedy: "run: postern hostkey --seal"
                            + (again.map { ", and: " + $0 } ?? ", and build the image"))
                } else {
                    report.addProof(
                        key.path,
                        "the TPM opens it now; it does " + Sealing.title(registers)
                            + (changes.isEmpty ? "" : ", which ends with " + changes))
                }
            }
            for fallback in configuration.fallbackKeys where isSame(fallback, SealedKey.source(of: key.path)) {
                report.add(
                    fallback.path, 0, "this is the key that is sealed in \(key.path), and the image has it readable",
                    remedy: "make another one with: ssh-keygen -t ed25519 -N '' -f NEW, and write: FallbackHostKey NEW")
            }
        }
    }

    private static func isSame(_ fallback: Configuration.HostKeyFile, _ source: String) -> Bool {
        guard let other = try? Files.readSecret(source, limit: Configuration.largestHostKey) else { return false }
        return other.isSame(as: fallback.content)
    }
}
