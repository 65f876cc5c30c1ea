/// Bounds on what one process may send another, each with what it guards against.
public enum Limits {
    /// The longest passphrase, in bytes: what LUKS takes, and cryptsetup(8) reads from a terminal.
    public static let passphrase = 512
    /// The largest key file, in bytes, as cryptsetup's own compiled-in maximum.
    public static let keyFile = 8 << 20
    /// The longest frame from a session or console, in bytes: a passphrase or a log line and the fields around them.
    /// A session that a stranger took over cannot make the monitor hold more.
    public static let frameFromSession = 2048
    /// The longest frame from a worker: a key file.
    public static let frameFromWorker = keyFile + 64
    /// The longest frame from the monitor: the host keys and all authorized keys, or a key file.
    public static let frameFromMonitor = keyFile + (1 << 16)
    /// What may wait for a session that does not read, in bytes. It is given up after that.
    public static let queueToSession = 1 << 20
    /// Channels at once over one connection, as sshd's `MaxSessions`: a ControlMaster opens several.
    public static let channels = 10
    /// The longest line for the log, in bytes; the kernel's own limit is 976 (`LOG_LINE_MAX`).
    public static let logLine = 900
    /// The longest user name or command that is looked at, in bytes.
    public static let word = 1024
    /// The longest name of a terminal's type, in bytes; ncurses' longest has some 30.
    public static let terminalType = 64
    /// Words that may follow a command: more than a command line of `word` bytes has.
    public static let operands = 512
    /// Volumes, arrays and lines of notice in one state.
    public static let items = 1024
    /// The longest text of a volume's state, in bytes.
    public static let text = 4096
    /// All authorized keys together as they lie in sealed memory, in bytes: the monitor takes 512 KiB of them.
    public static let sealedKeys = 8 << 20
    /// Authorized keys that a session is given.
    public static let authorizedKeys = 1024
    /// The largest public key, in bytes: an RSA key of 16384 bits takes some 2,100.
    public static let publicKey = 4096
    /// The largest host key file, in bytes.
    public static let hostKey = 32 << 10
    /// Host keys that a signer is given: as many as postern.conf may name.
    public static let hostKeys = 16
    /// Tokens of one LUKS2 header, as cryptsetup's own `LUKS2_TOKENS_MAX`.
    public static let tokens = 32
}
