/// A question that a program has put into `/run/systemd/ask-password`, as systemd's PASSWORD_AGENTS describes it.
public struct PasswordQuestion: Equatable, Sendable {
    /// The path of the socket that takes the answer.
    public var socket: String
    /// The process that asks.
    public var process: Int32
    /// When it is over, in microseconds of CLOCK_MONOTONIC; 0 for never.
    public var notAfter: UInt64
    /// The path by which systemd-cryptsetup was told the device that it asks for, or the name of the dataset that ZFS's scripts
    /// ask for.
    public var subject: String

    /// The longest file, in bytes: three paths and a few words.
    public static let largestFile = 16 << 10
    /// Where its socket lies, so that an answer goes nowhere else.
    private static let folder: StaticString = "/run/systemd/ask-password/"

    /// How the scripts of dracut's module for ZFS, and of NixOS's units, ask; what follows is the dataset's name. They give no
    /// `Id=`.
    private static let datasetTexts: [StaticString] = ["Encrypted ZFS password for ", "Enter key for "]

    /// Reads a question about a volume of crypttab, or about a dataset.
    ///
    /// - Parameter bytes: the file.
    /// - Returns: the question, or `nil` where it is none, or one about anything else, such as a PIN.
    public static func parse(_ bytes: [UInt8]) -> PasswordQuestion? {
        guard bytes.count <= largestFile else { return nil }
        var question = PasswordQuestion(socket: "", process: 0, notAfter: 0, subject: "")
        var dataset: String?
        var hasId = false
        var isInside = false
        for part in bytes.split(separator: UInt8(ascii: "\n")) {
            let line = trimmed(part)
            if line.first == UInt8(ascii: "[") {
                isInside = line.isText("[Ask]")
                continue
            }
            guard isInside, let equals = line.firstIndex(of: UInt8(ascii: "=")) else { continue }
            let value = trimmed(line[(equals + 1)...])
            switch line[..<equals] {
            case let key where key.isText("Socket"):
                guard let path = socket(value) else { return nil }
                question.socket = path
            case let key where key.isText("PID"):
                guard let id = number(value, in: 1...Int(Int32.max)) else { return nil }
                question.process = Int32(id)
            case let key where key.isText("NotAfter"):
                guard let time = number(value, in: 0...Int.max) else { return nil }
                question.notAfter = UInt64(time)
            case let key where key.isText("Id"):
                guard value.startsWithText("cryptsetup:"), let path = unquotedC(value.dropFirst(11)) else { return nil }
                guard path.utf8.first == UInt8(ascii: "/") else { return nil }
                question.subject = path
                hasId = true
            case let key where key.isText("Message"): dataset = self.dataset(in: value)
            default: continue
            }
        }
        if !hasId, let dataset { question.subject = dataset }
        guard !question.socket.isEmpty, question.process > 0, !question.subject.isEmpty else { return nil }
        return question
    }

    /// The dataset that a message asks for, or `nil`.
    private static func dataset(in message: ArraySlice<UInt8>) -> String? {
        for words in datasetTexts where message.startsWithText(words) {
            var name = message.dropFirst(words.utf8CodeUnitCount)
            if name.last == UInt8(ascii: ":") { name = name.dropLast() }
            return isDatasetName(name) ? text(name) : nil
        }
        return nil
    }

    /// Whether its time is over at `now`, in microseconds.
    public func isOver(now: UInt64) -> Bool { notAfter > 0 && now >= notAfter }

    /// The path of a socket of the folder that fits an address. systemd 257 writes two slashes before its name.
    private static func socket(_ path: ArraySlice<UInt8>) -> String? {
        guard path.startsWithText(folder), path.count < 108 else { return nil }
        let name = path.dropFirst(folder.utf8CodeUnitCount).drop { $0 == UInt8(ascii: "/") }
        guard name.startsWithText("sck."), name.count > 4 else { return nil }
        return name.contains { $0 == UInt8(ascii: "/") || $0 <= 0x20 } ? nil : text(path)
    }

    /// A text whose special bytes are written as in C: `\\`, `\"`, `\n`, `\xHH`, `\NNN`.
    private static func unquotedC(_ value: ArraySlice<UInt8>) -> String? {
        var bytes: [UInt8] = []
        var rest = value
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\") else {
                bytes.append(byte)
                continue
            }
            guard let next = rest.popFirst() else { return nil }
            switch next {
            case UInt8(ascii: "\\"), UInt8(ascii: "\""), UInt8(ascii: "'"): bytes.append(next)
            case UInt8(ascii: "x"):
                guard let byte = digits(rest.prefix(2), 2, base: 16) else { return nil }
                bytes.append(byte)
                rest = rest.dropFirst(2)
            case UInt8(ascii: "0")...UInt8(ascii: "3"):
                guard let low = digits(rest.prefix(2), 2, base: 8) else { return nil }
                bytes.append((next - UInt8(ascii: "0")) << 6 | low)
                rest = rest.dropFirst(2)
            // The others stand for control characters, which no device's path has.
            default: return nil
            }
        }
        return text(bytes)
    }

    private static func digits(_ digits: ArraySlice<UInt8>, _ count: Int, base: UInt8) -> UInt8? {
        guard digits.count == count else { return nil }
        var value: UInt8 = 0
        for digit in lowercased(digits) {
            let figure = isDigit(digit) ? digit - UInt8(ascii: "0") : digit &- UInt8(ascii: "a") &+ 10
            guard figure < base else { return nil }
            value = value * base + figure
        }
        return value
    }
}
