internal import Config

/// A `Host` block of ssh_config(5) by which the machine's own ssh logs in to an agent under test, and asks nobody.
struct SSHHost {
    /// What ssh is told to connect to.
    let name: String
    let address: PeerAddress
    let port: UInt16
    /// Where the client's end of the connection is to be, or `nil` for wherever.
    let source: PeerAddress?
    /// A file with the private key, or with the public half of one that ssh-agent has.
    let identity: String
    /// The file with the host keys of the agent under test.
    let knownHosts: String

    /// What the host keys are called there.
    static let alias = "initrd"

    var text: String {
        var lines = [
            "Host " + name, "HostName " + address.description, "Port " + String(port), "User root",
            "IdentityFile " + SSHHost.quoted(identity), "IdentitiesOnly yes", "BatchMode yes",
            "PreferredAuthentications publickey", "HostKeyAlias " + SSHHost.alias, "StrictHostKeyChecking yes",
            "UserKnownHostsFile " + SSHHost.quoted(knownHosts), "GlobalKnownHostsFile /dev/null", "ConnectTimeout 5",
        ]
        if let source { lines.append("BindAddress " + source.description) }
        var text = ""
        for line in lines { text += line + "\n" }
        return text
    }

    /// A path as ssh takes it. It would replace what begins with `%`.
    private static func quoted(_ path: String) -> String {
        var bytes = Array("\"".utf8)
        for byte in path.utf8 {
            if byte == UInt8(ascii: "%") { bytes.append(byte) }
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { bytes.append(UInt8(ascii: "\\")) }
            bytes.append(byte)
        }
        return String(decoding: bytes, as: UTF8.self) + "\""
    }
}
