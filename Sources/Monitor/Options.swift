/// What `postern agent` was called with.
public struct AgentOptions {
    /// The path of postern.conf.
    public var file: String
    /// Everything is done but activating, mounting and writing.
    public var rehearsal = false
    /// In a rehearsal, the folder that stands for every key volume.
    public var keyFolder: String?

    public init(file: String) {
        self.file = file
    }
}
