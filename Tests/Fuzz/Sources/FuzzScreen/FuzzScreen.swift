import Linux
import Terminal
import Wire

/// Whatever the monitor says, a terminal gets text, line ends and the one sequence that erases its line, and a script gets
/// lines.
///
/// The input is the terminal's width, and the monitor's messages, each with two bytes of length before it.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 1 else { return 0 }
    var rest = Array(UnsafeBufferPointer(start: start + 1, count: count - 1))[...]
    var screen = Screen(columns: Int(start[0]), debians: start[0] & 1 != 0, saysMore: start[0] & 2 != 0)
    var last: [TryResult] = []
    while rest.count > 2 {
        let length = Int(rest.removeFirst()) << 8 | Int(rest.removeFirst())
        let body = Array(rest.prefix(length))
        rest = rest.dropFirst(length)
        guard let secret = try? body.withUnsafeBytes({ try SecretBytes(copying: $0) }),
            let (channel, message) = try? MonitorMessage.read(secret)
        else { continue }
        switch message {
        case .state(let state):
            check(screen.showState(state))
            checkLines(Report.text(state) + Report.held(state) + Report.debianPrompt(state))
            let json = Report.json(state)
            checkLines(json)
            precondition(json.utf8.count { $0 == 0x0a } == 1 && json.hasPrefix("{") && json.hasSuffix("}\n"))
            checkLines(AskText.question(state, after: last))
        case .tried(let results, let delay):
            let mark: TextMark? = delay & 1 != 0 ? .utf8 : delay & 2 != 0 ? .utf16 : nil
            check(screen.tried(results, retryAfter: delay, mark: mark))
            let texts = Report.results(results, retryAfter: delay)
            checkLines(texts.out + texts.err + Report.mark(mark, results))
            last = results
        case .finish(let code, let reason):
            if channel & 1 != 0 { check(screen.showEnd(code, reason: reason)) }
            checkLines(Report.end(code, reason: reason, rehearsal: false).out)
        case .network(let facts): check(screen.network(facts))
        case .sessionSetup, .consoleSetup, .lines, .shellStarted, .shellEnded, .entries: break
        }
        if channel & 2 != 0, screen.isPrompting { check(screen.submitted()) }
        if channel & 4 != 0 { check(screen.tick(seconds: UInt32(channel) << 24)) }
        if channel & 8 != 0 { screen.resize(columns: Int(channel)) }
        if channel & 16 != 0 { check(screen.redraw()) }
        if channel & 32 != 0 { check(screen.tooLong()) }
        if channel & 64 != 0 { check(screen.showLeaving()) }
    }
    check(screen.clear())
    return 0
}

private func check(_ bytes: [UInt8]) {
    var rest = bytes[...]
    while let byte = rest.popFirst() {
        if byte == 0x1b {
            precondition(rest.starts(with: "[K".utf8))
            rest = rest.dropFirst(2)
        } else {
            precondition(byte >= 0x20 && byte != 0x7f || byte == 0x0d || byte == 0x0a)
        }
    }
    checkText(String(decoding: bytes, as: UTF8.self))
}

private func checkLines(_ text: String) {
    precondition(text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f || $0 == 0x0a })
    checkText(text)
}

/// No control character of ISO 6429, and none that turns the direction of text.
private func checkText(_ text: String) {
    for scalar in text.unicodeScalars { precondition(!(0x80..<0xa0).contains(scalar.value) && scalar.value != 0x202e) }
}
