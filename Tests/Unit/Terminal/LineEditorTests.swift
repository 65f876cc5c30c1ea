import Linux
import Terminal
import Testing
import Wire

/// What came of a line, in a form that can be compared.
enum Seen: Equatable, CustomStringConvertible {
    case line([UInt8])
    case interrupt, end, tooLong

    static func line(_ text: String) -> Seen { .line(Array(text.utf8)) }

    init(_ event: LineEditor.Event) {
        switch event {
        case .line(let secret): self = .line(secret.withUnsafeBytes { Array($0) })
        case .interrupt: self = .interrupt
        case .end: self = .end
        case .tooLong: self = .tooLong
        }
    }

    var description: String {
        switch self {
        case .line(let bytes): "line(\(String(decoding: bytes, as: UTF8.self)), \(bytes.count) bytes)"
        case .interrupt: "interrupt"
        case .end: "end"
        case .tooLong: "tooLong"
        }
    }
}

/// The events of all bytes of `typed`, and `rest`, the line that stays, as Enter would give it.
func edit(_ typed: [UInt8]) throws -> [Seen] {
    var editor = try LineEditor()
    return typed.compactMap { editor.feed($0).map(Seen.init) }
}

@Suite struct LineEditorTests {
    @Test(
        arguments: [
            ("secret\r", [Seen.line("secret")]),
            ("secret\n", [.line("secret")]),
            ("secret\r\n", [.line("secret")]),
            ("\r", [.line("")]),
            ("\r\n\r\n", [.line(""), .line("")]),
            ("a\rb\r", [.line("a"), .line("b")]),
            ("a\n\nb\n", [.line("a"), .line(""), .line("b")]),
            ("a\n\rb\n", [.line("a"), .line(""), .line("b")]),
            ("a\r\u{0}\n", [.line("a"), .line("")]),
            ("abc\u{7F}\u{8}d\r", [.line("ad")]),
            ("\u{7F}\u{7F}a\r", [.line("a")]),
            ("aé€😀\u{7F}\r", [.line("aé€")]),
            ("aé€\u{7F}\r", [.line("aé")]),
            ("aé\u{7F}\r", [.line("a")]),
            ("wrong\u{15}right\r", [.line("right")]),
            ("two words\u{17}\r", [.line("two ")]),
            ("two words  \u{17}x\r", [.line("two x")]),
            ("\u{17}\u{17}x\r", [.line("x")]),
            ("a\tb\u{17}\r", [.line("a\t")]),
            ("two words\u{1B}\u{7F}\r", [.line("two ")]),
            ("abc\u{3}d\r", [.interrupt, .line("d")]),
            ("abc\u{4}", [.line("abc")]),
            ("\u{4}", [.end]),
            ("a\u{7F}\u{4}", [.end]),
            ("a\u{16}\u{3}\u{16}\r\u{16}\u{16}\u{16}\u{0}\r", [.line("a\u{3}\r\u{16}\u{0}")]),
            ("a\tb\r", [.line("a\tb")]),
            (" \u{0}a\u{1}\u{7}\u{c}\u{11}\u{13}\u{1A}\u{1C}\u{18} \r", [.line(" a ")]),
        ])
    func `keys edit the line as at a terminal`(typed: String, events: [Seen]) throws {
        #expect(try edit(Array(typed.utf8)) == events)
    }

    @Test(
        arguments: [
            "\u{1B}[A", "\u{1B}[1;5C", "\u{1B}[3~", "\u{1B}OA", "\u{1B}OP", "\u{1B}O5P", "\u{1B}[[A", "\u{1B}[?1;2c",
            "\u{1B}[>0;276;0c", "\u{1B}[200~", "\u{1B}[201~", "\u{1B}[4 q", "\u{1B}x", "\u{1B}é", "\u{1B}€",
            "\u{1B}😀", "\u{1B}\u{1B}[A", "\u{1B}]0;title\u{7}", "\u{1B}]10;rgb:ffff/0000/0000\u{1B}\\",
            "\u{1B}P1$r0m\u{1B}\\", "\u{1B}_Gi=1;OK\u{1B}\\", "\u{1B}^x\u{1B}\\", "\u{1B}Xx\u{1B}\\", "\u{1B} ",
        ])
    func `escape sequences are not part of the line`(sequence: String) throws {
        #expect(try edit(Array("ab\(sequence)cd\r".utf8)) == [.line("abcd")])
        #expect(try edit(Array("\(sequence)\(sequence)cd\(sequence)\r".utf8)) == [.line("cd")])
    }

    @Test(
        arguments: [
            "\u{1B}", "\u{1B}[", "\u{1B}[12;", "\u{1B}[[", "\u{1B}O", "\u{1B}]0;endless", "\u{1B}P", "\u{1B}]\u{1B}",
        ])
    func `a control character ends any sequence, so that Enter and Ctrl-C always work`(sequence: String) throws {
        #expect(try edit(Array("ab\(sequence)\r".utf8)) == [.line("ab")])
        #expect(try edit(Array("ab\(sequence)\u{3}cd\n".utf8)) == [.interrupt, .line("cd")])
        #expect(try edit(Array("ab\(sequence)\u{15}cd\n".utf8)) == [.line("cd")])
        #expect(try edit(Array("ab\(sequence)\u{4}".utf8)) == [.line("ab")])
    }

    @Test func `a paste is as good as typed`() throws {
        #expect(try edit(Array("\u{1B}[200~pass word\u{1B}[201~\r".utf8)) == [.line("pass word")])
        #expect(try edit(Array("\u{1B}[200~pass\r\u{1B}[201~".utf8)) == [.line("pass")])
        #expect(try edit(Array("\u{1B}[200~one\ntwo\u{1B}[201~\r".utf8)) == [.line("one"), .line("two")])
    }

    @Test func `bytes that are not UTF-8 pass and are removed one by one`() throws {
        #expect(try edit([0xFF, 0xFE, 0x80, 0x0D]) == [.line([0xFF, 0xFE, 0x80])])
        #expect(try edit([0x61, 0xA9, 0x7F, 0x0D]) == [.line("a")])
        #expect(try edit([0xC3, 0x7F, 0x62, 0x0D]) == [.line("b")])
        #expect(try edit([0xF0, 0x9F, 0x7F, 0x7F, 0x0D]) == [.line([])])
        #expect(try edit([0x80, 0x80, 0x80, 0x80, 0x80, 0x7F, 0x0D]) == [.line([0x80, 0x80, 0x80, 0x80])])
    }

    @Test func `a line at the limit is taken and a longer one is dropped whole`() throws {
        let full = [UInt8](repeating: 0x61, count: Limits.passphrase)
        #expect(try edit(full + [0x0D]) == [.line(full)])
        #expect(try edit(full + [0x61, 0x0D]) == [.tooLong])
        #expect(try edit(full + [0x61, 0x04]) == [.tooLong])
        #expect(try edit(full + full + [0x7F, 0x17, 0x0D, 0x62, 0x0D]) == [.tooLong, .line("b")])
        #expect(try edit(full + [0x61, 0x15, 0x62, 0x0D]) == [.line("b")])
        #expect(try edit(full + [0x61, 0x03, 0x62, 0x0D]) == [.interrupt, .line("b")])
        #expect(try edit(full + [0x7F, 0x62, 0x0D]) == [.line(full.dropLast() + [0x62])])
    }

    @Test func `no line is over the limit and every line end counts`() throws {
        var random = SystemRandomNumberGenerator()
        // Mostly the bytes that mean something.
        let special: [UInt8] = [
            0x0D, 0x0A, 0x1B, 0x5B, 0x5D, 0x4F, 0x7F, 0x17, 0x15, 0x03, 0x04, 0x16, 0x00, 0xC3, 0xA9,
        ]
        for _ in 0..<50 {
            var editor = try LineEditor()
            var ends = 0
            for _ in 0..<2000 {
                let roll = UInt8.random(in: 0...255, using: &random)
                let byte = roll < 40 ? special[Int(roll) % special.count] : UInt8.random(in: 0...255, using: &random)
                guard let event = editor.feed(byte) else { continue }
                ends += 1
                if case .line(let secret) = event { #expect(secret.count <= Limits.passphrase) }
            }
            #expect(ends > 0)
            // Whatever came before, Ctrl-C twice (one may be quoted) gives a working prompt.
            _ = editor.feed(3)
            _ = editor.feed(3)
            var last: Seen?
            for byte in Array("ok\r".utf8) { last = editor.feed(byte).map(Seen.init) ?? last }
            #expect(last == .line("ok"))
        }
    }

    @Test func `a line given away is not touched by the next`() throws {
        var editor = try LineEditor()
        var lines: [SecretBytes] = []
        for byte in Array("one\rtwo\r".utf8) {
            if case .line(let secret) = editor.feed(byte) { lines.append(secret) }
        }
        #expect(lines.map { $0.withUnsafeBytes { Array($0) } } == [Array("one".utf8), Array("two".utf8)])
    }
}

@Suite struct LineEditorEndTests {
    @Test func `the end of the input ends an unfinished line`() throws {
        var editor = try LineEditor()
        guard case .end = editor.inputEnded() else { return #expect(Bool(false)) }
        for byte in "abc".utf8 { _ = editor.feed(byte) }
        guard case .line(let line) = editor.inputEnded() else { return #expect(Bool(false)) }
        #expect(line.withUnsafeBytes { Array($0) } == Array("abc".utf8))
        guard case .end = editor.inputEnded() else { return #expect(Bool(false)) }
        for _ in 0...512 { _ = editor.feed(0x61) }
        guard case .tooLong = editor.inputEnded() else { return #expect(Bool(false)) }
    }
}
