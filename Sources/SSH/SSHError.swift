/// Why a connection cannot be served.
public enum SSHError: Error, Equatable, CustomStringConvertible {
    /// This libssh has known holes, or hides what closes them.
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
            "libssh \(version) cannot serve: 0.12.2 or later, linked statically, is needed (initrd/build makes it)"
        case .noSigner: "the signer does not answer"
        case .noHostKey: "no host key can be used"
        case .call(let call): "\(call): libssh refused"
        case .memory(let reason): "no locked memory: \(reason)"
        }
    }
}
