internal import CLibssh

/// libssh itself.
public enum Library {
    /// Prepares libssh, which reads what it wants to read from files now and nothing later.
    ///
    /// - Throws: `SSHError.library` for one that cannot be served with.
    public static func initialize() throws(SSHError) {
        let version = unsafe String(cString: ssh_version(0))
        guard unsafe clibssh_has_guard() && ssh_version(clibssh_oldest_version()) != nil else {
            throw .library(version: String(version.prefix { $0 != "/" }))
        }
        guard ssh_init() == SSH_OK else { throw .call("ssh_init") }
    }
}
