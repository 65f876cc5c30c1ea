internal import Config

extension BootEvent {
    /// Reads a line of `/run/postern/events.jsonl`.
    ///
    /// - Returns: `nil` where it is none.
    public init?(line: some Collection<UInt8>) {
        guard let object = FlatObject(line), let name = object.text("event") else { return nil }
        self.init()
        self.name = name
        message = object.text("message") ?? ""
        date = object.text("time").flatMap { CalendarTime(timestamp: Array($0.utf8)) }?.seconds ?? 0
        uptime = object.text("uptime").map { BootEvent.milliseconds($0) } ?? 0
        isProblem = ["warning", "error"].contains(object.text("level") ?? "")
        take { object[$0] }
    }

    /// Reads a line of `journalctl -o json` that the agent has written: with fields, by the journal's socket, or as text, by
    /// the kernel's log. Whatever somebody else says in the agent's name is left out.
    ///
    /// - Returns: `nil` where it is none.
    public init?(journal object: FlatObject) {
        let isKernel = object.text("_TRANSPORT") == "kernel"
        guard isKernel || object.text("_UID") == "0", let message = object.text("MESSAGE") else { return nil }
        self.init()
        self.message = message
        var time = BootEvent.number(object.text("__REALTIME_TIMESTAMP"))
        var uptime = BootEvent.number(object.text("__MONOTONIC_TIMESTAMP"))
        // journald has read it later than the agent wrote it.
        if isKernel, let source = object.text("_SOURCE_MONOTONIC_TIMESTAMP") {
            time -= max(uptime - BootEvent.number(source), 0)
            uptime = BootEvent.number(source)
        }
        date = time / 1_000_000
        self.uptime = uptime / 1000
        isProblem = BootEvent.number(object.text("PRIORITY") ?? "6") <= 4
        if let name = object.text("POSTERN_EVENT") {
            self.name = name
            take { key in object["POSTERN_" + BootEvent.capitals(key)] }
        } else if isKernel {
            takeWords()
        } else {
            return nil
        }
    }

    /// Takes the fields by their names in events.jsonl.
    private mutating func take(_ field: (String) -> FlatObject.Value?) {
        func text(_ name: String) -> String? {
            switch field(name) {
            case .text(let text)?, .number(let text)?: text
            default: nil
            }
        }
        func list(_ name: String) -> [String] {
            // The journal has a list of one as a text, and none of an empty one.
            guard case .list(let items)? = field(name) else { return text(name).map { [$0] } ?? [] }
            var texts: [String] = []
            for case .text(let text) in items { texts.append(text) }
            return texts
        }
        volume = text("volume")
        volumes = list("volumes")
        without = list("without")
        seconds = text("seconds")
        reason = text("reason")
        if let key = text("key") {
            let login = Requester.Login(key: key, comment: text("key_comment") ?? "", address: text("address") ?? "")
            who = .login(login)
        } else {
            who = requesterInMessage
        }
    }

    /// `KEY_COMMENT` for `key_comment`.
    private static func capitals(_ name: String) -> String {
        String(decoding: name.utf8.map { (0x61...0x7a).contains($0) ? $0 - 32 : $0 }, as: UTF8.self)
    }

    /// A decimal number of seconds in milliseconds.
    static func milliseconds(_ text: String) -> Int64 {
        let parts = Array(text.utf8).split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        let whole = number(String(decoding: parts.first ?? [], as: UTF8.self))
        var thousandths = Array((parts.count > 1 ? parts[1] : []).prefix(3))
        while thousandths.count < 3 { thousandths.append(UInt8(ascii: "0")) }
        return min(whole, Int64.max / 2000) * 1000 + number(String(decoding: thousandths, as: UTF8.self))
    }

    /// A number without sign, or 0.
    static func number(_ text: String?) -> Int64 {
        guard let text, let value = Int64(text), value >= 0 else { return 0 }
        return value
    }
}
