internal import CLinux
internal import Config
internal import ConfigFiles
internal import HostPrograms
internal import Linux

/// The key with which a machine in QEMU is logged in to: one that the image admits and whose private half is here, or a new
/// one that is added to the image's for this boot.
struct TrialKey {
    /// A file with the private key, or with the public half of one that ssh-agent has.
    let file: String
    /// The line that is to be added to authorized_keys, if it has to be.
    let added: String?
    /// How it is named in a sentence.
    let title: String
    let environment: [String]

    /// - Throws: `SystemError` where none can be made.
    init(_ configuration: Configuration, _ means: LoginMeans, folder: String) throws(SystemError) {
        environment = means.environment
        let now = Clock.date()
        // QEMU's network has addresses of its own, and nobody may be there to touch a security key.
        let usable = configuration.keys.first { key in
            means.fingerprints.contains(key.fingerprint) && !key.isExpired(at: now) && key.from.isEmpty
                && !key.type.hasPrefix("sk-") && key.forcedCommand.map { $0.hasPrefix("unlock") } ?? true
        }
        let unlocked = means.identity.flatMap { TrialKey.isUnlocked($0) ? $0 : nil }
        if let key = usable, unlocked != nil || means.held.contains(key.fingerprint) {
            if unlocked == nil { try Files.write(key.publicLine + "\n", to: folder + "/key.pub", mode: 0o600) }
            file = unlocked ?? folder + "/key.pub"
            added = nil
            title = "with " + key.fingerprint + (key.comment.isEmpty ? "" : " (" + printable(key.comment) + ")")
            return
        }
        file = folder + "/key"
        title = "with a new key, which was added to the image's authorized keys for this"
        guard let program = HostProgram.find("ssh-keygen") else { throw SystemError("ssh-keygen", code: ENOENT) }
        let made = try HostProgram.run([program, "-q", "-t", "ed25519", "-N", "", "-C", "check", "-f", file])
        guard made.succeeded else { throw SystemError("ssh-keygen: " + made.failure, code: EIO) }
        let line = try Files.readRegular(file + ".pub", limit: 4096)
        added = String(decoding: line.prefix { $0 != 0x0a }, as: UTF8.self)
    }

    private static func isUnlocked(_ file: String) -> Bool {
        guard let program = HostProgram.find("ssh-keygen") else { return false }
        return (try? HostProgram.run([program, "-y", "-P", "", "-f", file]))?.succeeded ?? false
    }
}
