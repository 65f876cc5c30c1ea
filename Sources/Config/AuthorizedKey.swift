/// One line of authorized_keys (sshd(8), AUTHORIZED_KEYS FILE FORMAT) that may log in.
public struct AuthorizedKey: Equatable, Sendable {
    /// The key's type, such as `ssh-ed25519`.
    public var type: String
    /// The public key as SSH sends it, type included.
    public var blob: [UInt8]
    /// What follows the key, made safe to print and cut after 200 characters.
    public var comment: String
    /// The line in the file, counted from 1.
    public var line: Int
    public var file: String
    /// `command=`: what runs whatever the client asks for, as `Command.canonical` spells it.
    public var forcedCommand: String?
    /// `from=`: where the key may come from; empty: from everywhere.
    public var from: [FromPattern] = []
    /// `expiry-time=`: the last second it is good for, since 1970-01-01 00:00 UTC.
    public var expiryTime: Int64?
    /// Whether a terminal is given: unless `no-pty` or `restrict` says otherwise.
    public var permitPty = true
    /// `no-touch-required`: a token's signature is good although nobody touched it.
    public var noTouchRequired = false

    public init(type: String, blob: [UInt8], comment: String = "", line: Int = 0, file: String = "") {
        self.type = type
        self.blob = blob
        self.comment = comment
        self.line = line
        self.file = file
    }

    /// `SHA256:` and the hash of the key in base64 without padding, as `ssh-keygen -l` prints it.
    public var fingerprint: String {
        let digits = Base64.encode(sha256(blob)).filter { $0 != UInt8(ascii: "=") }
        return "SHA256:" + String(decoding: digits, as: UTF8.self)
    }

    /// The type and the key in base64, as a `.pub` file has them.
    public var publicLine: String { type + " " + String(decoding: Base64.encode(blob), as: UTF8.self) }

    /// Whether `from=` lets the key come from an address.
    public func admits(address: PeerAddress) -> Bool {
        FromPattern.admits(address, by: from)
    }

    /// Whether the key is past its `expiry-time=`, as sshd counts: it is still good in that second.
    ///
    /// The time is in seconds since 1970-01-01 00:00 UTC.
    public func isExpired(at time: Int64) -> Bool {
        guard let expiryTime else { return false }
        return time > expiryTime
    }
}

/// The keys of one authorized_keys file.
public struct AuthorizedKeys: Equatable, Sendable {
    /// In the order of the file. A key may stand in several lines: the first whose options admit the client holds.
    public var keys: [AuthorizedKey]

    public init(keys: [AuthorizedKey] = []) {
        self.keys = keys
    }

    /// Reads a whole authorized_keys. Its options are honoured or the key is refused; a bad line costs only itself.
    ///
    /// Options that only restrict what Postern never does (`no-port-forwarding`, `permitopen=`) are passed over in
    /// silence. Those that grant what it never gives (`environment=`, `port-forwarding`) are findings, and the key holds:
    /// nobody is let in further than the line says.
    ///
    /// - Parameters:
    ///   - bytes: the file.
    ///   - file: its name, for the findings.
    ///   - findings: the list that the findings are added to.
    /// - Returns: the keys that may log in.
    public static func parse(_ bytes: [UInt8], file: String, into findings: inout [Finding]) -> AuthorizedKeys {
        var notes = Notes(file: file)
        var lines = Lines(bytes, content: .bytes, limit: FileLimits.keyLineBytes)
        var list = AuthorizedKeys()
        while let line = lines.next(&notes) {
            guard list.keys.count < FileLimits.keys else {
                notes.add(
                    line.number, "there are more than \(FileLimits.keys) keys, and the rest is left out", "remove some")
                break
            }
            do throws(KeyRefusal) {
                list.keys.append(try AuthorizedKey(line, file: file, notes: &notes))
            } catch {
                notes.add(line.number, "\(error.problem), and the key is refused", error.remedy)
            }
        }
        notes.appendFindings(to: &findings)
        return list
    }
}

extension AuthorizedKey {
    fileprivate init(_ line: Line, file: String, notes: inout Notes) throws(KeyRefusal) {
        var rest = line.bytes
        var options: [KeyOption] = []
        if try KeyType(namedIn: rest) == nil {
            options = try KeyOption.parse(from: &rest)
            rest = trimmed(rest)
        }
        guard let type = try KeyType(namedIn: rest) else {
            let word = rest.prefix { !isBlank($0) }
            throw KeyRefusal(
                word.isEmpty ? "the line has options and no key" : "\(quoted(word)) is no type of key",
                "write the line of a .pub file, with options before it or none")
        }
        rest = trimmed(rest.dropFirst(type.name.utf8.count))
        let encoded = rest.prefix { !isBlank($0) }
        guard !encoded.isEmpty, let blob = Base64.decode(encoded) else {
            throw KeyRefusal("the key data is no base64", "copy the whole line of the .pub file again")
        }
        try type.check(blob)
        let comment = printable(trimmed(rest.dropFirst(encoded.count)))
        self.init(type: type.name, blob: blob, comment: comment, line: line.number, file: file)
        for option in options { try apply(option, line: line.number, notes: &notes) }
    }
}

extension KeyType {
    /// The type that the first word names, or `nil` when that is none and must be options.
    fileprivate init?(namedIn line: ArraySlice<UInt8>) throws(KeyRefusal) {
        let word = line.prefix { !isBlank($0) }
        if let type = KeyType(word) {
            self = type
            return
        }
        if word.isText("ssh-dss") {
            throw KeyRefusal("DSA is broken", "make another key with ssh-keygen -t ed25519")
        }
        let endsCertificate = Array(word.suffix(21)).isText("-cert-v01@openssh.com")
        if endsCertificate {
            throw KeyRefusal("Postern takes no certificates", "write the plain public key, without -cert in its type")
        }
        for start in ["ssh-", "sk-", "ecdsa-", "rsa-", "webauthn-"] where word.starts(with: start.utf8) {
            throw KeyRefusal(
                "\(quoted(word)) is no type of key that Postern takes", "make one with ssh-keygen -t ed25519")
        }
        if word.startsWithText("-----BEGIN") || line.startsWithText("---- BEGIN") {
            throw KeyRefusal(
                "this is no line of a .pub file", "write the output of ssh-keygen -y -f KEY, or of ssh-keygen -i -f KEY"
            )
        }
        return nil
    }
}

/// A comment without what could disturb a terminal or a log.
private func printable(_ bytes: ArraySlice<UInt8>) -> String {
    var text = ""
    for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars.prefix(200) {
        text.unicodeScalars.append(isControl(scalar) ? "?" : scalar)
    }
    return text
}
