/// What `postern agent` was called with.
public struct AgentOptions {
    /// The path of postern.conf.
    public var file: String
    /// Everything is done but activating, mounting and writing.
    public var rehearsal = false
    /// In a rehearsal, the folder that stands for every key volume.
    public var keyFolder: String?
    /// The agent stays until the root is mounted, and tells systemd before that when the volumes are open. Without this, its
    /// `Dataset` lines are without effect: the boot waits for its end.
    public var staysUntilRoot = false

    public init(file: String) {
        self.file = file
    }
}
