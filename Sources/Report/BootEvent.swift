/// One event of a boot, from wherever it was kept: RECORDS in postern(8).
public struct BootEvent: Equatable, Sendable {
    /// Its name, such as `volume-open`; empty for a line of the log that is no event.
    public var name = ""
    /// Seconds since 1970.
    public var date: Int64 = 0
    /// Milliseconds since the kernel started.
    public var uptime: Int64 = 0
    /// The line of the log.
    public var message = ""
    public var volume: String?
    public var volumes: [String] = []
    public var without: [String] = []
    public var who = Requester.nobody
    /// As it was recorded, with one decimal.
    public var seconds: String?
    public var reason: String?
    /// Whether the log has it as a warning or an error.
    public var isProblem = false

    public init() {}
}

/// Who or what opened a volume, or asked for something.
public enum Requester: Equatable, Sendable {
    /// A program other than Postern, or nobody.
    case nobody
    case console
    /// An empty passphrase, which `try-empty-password` has tried.
    case emptyPassphrase
    /// A key file, as the log calls it.
    case keyFile(String)
    case login(Login)

    public struct Login: Equatable, Sendable {
        /// The fingerprint of the authorized key.
        public var key: String
        /// Its comment, or empty.
        public var comment: String
        public var address: String

        /// What its owner calls it.
        var title: String { comment.isEmpty ? key : comment }
    }

    /// What the log says behind `opened by`, `from` and the like.
    init(words: String) {
        let bytes = Array(words.utf8)
        if words == "the console" {
            self = .console
        } else if words == "an empty passphrase" {
            self = .emptyPassphrase
        } else if words.hasPrefix("key file ") {
            self = .keyFile(words)
        } else if let login = Login(bytes) {
            self = .login(login)
        } else {
            self = .nobody
        }
    }

    var login: Login? {
        guard case .login(let login) = self else { return nil }
        return login
    }
}

extension Requester.Login {
    /// Reads `FINGERPRINT (COMMENT) from ADDRESS port PORT`; the comment with its parentheses may be missing, and may hold
    /// any of the words.
    init?(_ bytes: [UInt8]) {
        guard bytes.starts(with: "SHA256:".utf8), let from = bytes.lastRange(of: " from "),
            let port = bytes.lastRange(of: " port "), from.upperBound <= port.lowerBound
        else { return nil }
        let title = bytes[..<from.lowerBound]
        let blank = title.firstIndex(of: UInt8(ascii: " ")) ?? title.endIndex
        key = String(decoding: title[..<blank], as: UTF8.self)
        comment = String(decoding: title[blank...].dropFirst(2).dropLast(), as: UTF8.self)
        address = String(decoding: bytes[from.upperBound..<port.lowerBound], as: UTF8.self)
    }
}

extension [UInt8] {
    /// Where `text` stands first.
    func firstRange(of text: String) -> Range<Int>? {
        let wanted = Array(text.utf8)
        guard count >= wanted.count else { return nil }
        for start in 0...(count - wanted.count) where self[start...].starts(with: wanted) {
            return start..<(start + wanted.count)
        }
        return nil
    }

    /// Where `text` stands last.
    func lastRange(of text: String) -> Range<Int>? {
        let wanted = Array(text.utf8)
        guard count >= wanted.count else { return nil }
        var start = count - wanted.count
        while start >= 0 {
            if self[start...].starts(with: wanted) { return start..<(start + wanted.count) }
            start -= 1
        }
        return nil
    }
}
