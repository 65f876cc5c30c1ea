/// Why a connection cannot be served.
public enum SSHError: Error, Equatable, CustomStringConvertible {
    /// This libssh is older than the one without known holes, or it is Debian's shared library, which does not export the two
    /// functions by which `Gate` sees authentication requests before libssh does (`CLibssh`). `swift build` links that one.
    case library(version: String)
    case noHostKey
    /// The process that holds the host keys does not answer.
    case noSigner
    /// libssh refused a setting, or ran out of memory: what it was asked for.
    case call(String)
    case memory(String)

    public var description: String {
        switch self {
        case .library(let version):
            "libssh \(version) cannot serve: it is older than 0.12.2, or a shared library, which hides what logins are checked "
                + "with; start the binary that initrd/build makes"
        case .noSigner: "the signer does not answer"
        case .noHostKey: "no host key can be used"
        case .call(let call): "\(call): libssh refused"
        case .memory(let reason): "no locked memory: \(reason)"
        }
    }
}
