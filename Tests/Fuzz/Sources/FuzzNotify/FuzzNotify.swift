import Config
import Foundation
import Linux
import Notify

/// What owners are told has names in it that others chose, and the name servers come from the network: neither gets more into
/// curl's configuration, a request or resolv.conf than a value. The first byte chooses.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 1 else { return 0 }
    let bytes = Array(UnsafeBufferPointer(start: start + 1, count: count - 1))
    let parts = bytes.split(separator: 0, maxSplits: 3, omittingEmptySubsequences: false).map(Array.init)
    if start[0] % 2 == 0 {
        checkResolver(parts[0], Array(parts.dropFirst().joined()))
    } else {
        let words = parts.map { String(decoding: $0, as: UTF8.self) }
        checkErrands(host: words[0], who: words.dropFirst().first ?? "", line: words.last ?? "")
    }
    return 0
}

private func checkResolver(_ present: [UInt8], _ told: [UInt8]) {
    guard let file = Resolver.file(present, told: told) else { return }
    let lines = String(decoding: file, as: UTF8.self).split(separator: "\n")
    precondition((2...4).contains(lines.count) && lines[0].hasPrefix("# "))
    for line in lines.dropFirst() {
        let words = line.split(separator: " ")
        precondition(words.count == 2 && words[0] == "nameserver" && PeerAddress(String(words[1])) != nil)
    }
    precondition(Resolver.file(file, told: told) == nil)
}

/// Announcements of each kind, in each form.
private func checkErrands(host: String, who: String, line: String) {
    var herald = Herald(host: host)
    var announcements = [herald.waits(line, at: 0)]
    for event in [
        "wrong-passphrase", "wrong-passphrase", "wrong-passphrase", "volume-open", "boot-continues", "reboot-asked",
    ] {
        let fields = [
            LogField.event(event), LogField("POSTERN_KEY_COMMENT", who), LogField("POSTERN_VOLUME", line),
            LogField.list("POSTERN_WITHOUT", [line]),
        ]
        announcements.append(herald.heard(line, fields, at: 1))
    }
    for case .some(let announcement) in announcements {
        precondition(announcement.text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f })
        for form in [NotifyTarget.Form.json, .ntfy, .discord, .slack] {
            guard let secure = NotifyTarget(form, url: "https://a.example/b"),
                let plain = NotifyTarget(form, url: "http://192.0.2.1/b")
            else { fatalError("no target") }
            checkConfiguration(Errand.text(announcement, to: secure, host: host), form)
            checkRequest(Errand.text(announcement, to: plain, host: host))
        }
    }
}

/// Each line is an option, with its value in quotes that nothing in it ends.
private func checkConfiguration(_ text: String, _ form: NotifyTarget.Form) {
    precondition(text.utf8.count <= Errand.limit)
    let lines = text.utf8.split(separator: UInt8(ascii: "\n")).map(Array.init)
    let expected = if case .ntfy = form { 14 } else { 13 }
    precondition(lines.count == expected, "\(lines.count) lines: \(text.debugDescription)")
    for line in lines {
        precondition(line.allSatisfy { $0 >= 0x20 })
        guard let open = line.firstIndex(of: UInt8(ascii: "\"")) else { continue }
        var isEscaped = false
        var isClosed = false
        for byte in line[(open + 1)...] {
            precondition(!isClosed, "a value ends early")
            isClosed = !isEscaped && byte == UInt8(ascii: "\"")
            isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
        }
        precondition(isClosed, "a value does not end")
    }
}

/// Its head is as long as it is meant to be, and says how long its body is.
private func checkRequest(_ text: String) {
    precondition(text.utf8.count <= Errand.limit)
    let parts = text.components(separatedBy: "\r\n\r\n")
    precondition(parts.count == 2)
    let head = parts[0].components(separatedBy: "\r\n")
    precondition(head.count == 6 || head.count == 7 && head[6].hasPrefix("Title: "))
    precondition(head.contains("Content-Length: \(parts[1].utf8.count)"))
}
