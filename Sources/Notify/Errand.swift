public import Config

/// What a notifier is sent to do, as text: a first line, which says how, and behind it what is for curl or for a server.
///
/// ```
/// #                   curl's configuration, to which this is a comment
/// 192.0.2.1:8080      a request of HTTP/1.1 for the server there
/// ```
public enum Errand {
    /// The largest one, in bytes.
    public static let limit = 16 << 10
    /// Where curl may lie, of this machine or of an initrd.
    public static let programs = ["/usr/bin/curl", "/bin/curl", "/run/current-system/sw/bin/curl"]
    /// Where the certificates are that it trusts, on Debian, Arch and NixOS, and on Fedora.
    public static let certificates = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"]

    /// It follows no redirection, and says what the server answered as `Courier` expects it.
    private static let options = """
        "
        proto = "=https"
        globoff
        silent
        show-error
        connect-timeout = 15
        max-time = 30
        user-agent = "postern"
        output = "/dev/null"
        write-out = "%{stderr}%{http_code}"
        header = "Content-Type:
        """

    /// How to send an announcement of `host` to `target`.
    public static func text(_ announcement: Announcement, to target: NotifyTarget, host: String) -> String {
        let body = announcement.body(target.form, host: host)
        let isSecure = target.address == nil
        // Between two headers, in curl's configuration or in a request.
        let next = isSecure ? "\"\nheader = \"" : "\r\n"
        // Pieces one by one: an interpolation takes several times the code.
        var text: String
        if let address = target.address {
            text = address.description
            text += "\nPOST "
            text += target.path
            text += " HTTP/1.1\r\nHost: "
            text += target.host
            text += "\r\nUser-Agent: postern\r\nConnection: close\r\nContent-Length: "
            text += String(body.utf8.count)
            text += "\r\nContent-Type:"
        } else {
            text = "#\nurl = \""
            text += target.url
            text += options
        }
        if case .ntfy = target.form {
            text += " text/plain; charset=utf-8"
            text += next
            text += "Title: "
            text += title(host)
        } else {
            text += " application/json"
        }
        text += isSecure ? "\"\ndata-raw = \"" : "\r\n\r\n"
        text += isSecure ? escaped(body) : body
        if isSecure { text += "\"\n" }
        return text
    }

    /// What a header may have of the host's name.
    private static func title(_ host: String) -> String {
        String(decoding: host.utf8.filter { $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C }, as: UTF8.self)
    }

    /// A value between the quotes of curl's configuration. The body has no line ends.
    private static func escaped(_ text: String) -> String {
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { bytes.append(UInt8(ascii: "\\")) }
            bytes.append(byte)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
