/// Where the owners of a machine are told what happens there: a `Notify` line.
public final class NotifyTarget: Equatable, Sendable {
    /// What is sent there.
    public enum Form: CaseIterable, Sendable {
        case json, ntfy, discord, slack

        /// As a `Notify` line has it.
        public var name: String {
            switch self {
            case .json: "json"
            case .ntfy: "ntfy"
            case .discord: "discord"
            case .slack: "slack"
            }
        }
    }

    public let form: Form
    /// `https://...`, or `http://` and a numeric address: ASCII without blanks, quotes and backslashes.
    public let url: String
    /// The machine, with its port where the URL has one.
    public let host: String
    /// What is asked for there, such as `/topic?auth=secret`.
    public let path: String
    /// Where `http://` leads to, which takes no name.
    public let address: ListenAddress?

    /// `nil` where nothing can be sent to that URL.
    public init?(_ form: Form, url: String) {
        let bytes = Array(url.utf8)
        let isPlain = bytes.startsWithText("http://")
        guard isPlain || bytes.startsWithText("https://"), bytes.count <= FileLimits.notifyURL,
            bytes.allSatisfy({ NotifyTarget.isUsable($0) })
        else { return nil }
        var place = bytes[(isPlain ? 7 : 8)...]
        let end = place.firstIndex { $0 == UInt8(ascii: "/") } ?? place.endIndex
        let path = place[end...]
        place = place[..<end]
        address = isPlain ? ListenAddress(String(decoding: place, as: UTF8.self)) : nil
        // Before it there may be a user and a password.
        if let sign = place.lastIndex(of: UInt8(ascii: "@")) { place = place[(sign + 1)...] }
        guard isPlain ? address != nil : !place.isEmpty else { return nil }
        self.form = form
        self.url = url
        host = String(decoding: place, as: UTF8.self)
        self.path = path.isEmpty ? "/" : String(decoding: path, as: UTF8.self)
    }

    /// Whether RFC 3986 lets a URL have it, and it means nothing to curl's configuration. A fragment is never sent.
    private static func isUsable(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "#"): false
        default: byte > 0x20 && byte < 0x7F
        }
    }

    /// What the log calls it: what follows the host may be a secret.
    public var title: String { form.name + " " + host }

    public static func == (one: NotifyTarget, other: NotifyTarget) -> Bool {
        one.form == other.form && same(one.url, other.url)
    }
}

extension SettingsParser {
    /// A finding does not repeat the URL: it may hold a secret, and the log shows findings.
    mutating func parseNotify(_ line: SettingsLine) -> Bool {
        let isNamed = line.values.count == 2
        let word = isNamed ? lowercased(line.values[0].utf8) : []
        let form = isNamed ? NotifyTarget.Form.allCases.first { $0.name.utf8.elementsEqual(word) } : .json
        guard let form, line.values.count <= 2 else {
            return refuse(
                line.number, "Notify is not understood", "write Notify URL, or Notify json|ntfy|discord|slack URL")
        }
        guard let target = NotifyTarget(form, url: line.values[line.values.count - 1]) else {
            return refuse(
                line.number, "Notify has a URL that it cannot use",
                "write https://HOST/..., or http:// with a numeric address, within \(FileLimits.notifyURL) bytes")
        }
        guard settings.notify.count < FileLimits.notify else {
            return refuse(line.number, "Notify is given more than \(FileLimits.notify) times", "remove some")
        }
        settings.notify.append(target)
        return true
    }
}
