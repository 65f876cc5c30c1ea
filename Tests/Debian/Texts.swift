/// What the prompts say.
enum Texts {
    /// The prompt of Debian's own scripts.
    static let native = "Please unlock disk crypt-root: "
    /// The agent's, before the names of the volumes that wait.
    static let prompt = "Passphrase for "
    static let continues = "Boot continues."
}

/// The passphrase of the root, from `initrd/machine/disks`.
let passphrase = "open sesame"
