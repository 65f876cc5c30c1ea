public import Linux
internal import Wire

/// Takes the bytes of a terminal in raw mode and gives back whole lines, as a terminal in canonical mode would.
///
/// | key | does |
/// | --- | --- |
/// | Enter (CR, LF, or CR LF as one) | ends the line, also an empty one |
/// | Ctrl-D | ends a line that is not empty; else `.end` |
/// | Ctrl-C | drops the line: `.interrupt` |
/// | Backspace (0x7F, 0x08) | removes one UTF-8 character |
/// | Ctrl-W, Alt-Backspace | removes a word and the white space after it |
/// | Ctrl-U | removes the line |
/// | Ctrl-V | takes the next byte as it is |
///
/// Every other byte from 0x20 on, and the tab, goes into the line as it came: a passphrase is bytes, and need not be
/// UTF-8. Other control characters are ignored, NUL among them. Escape sequences and Alt-keys are swallowed whole. The
/// markers of a bracketed paste are such sequences, so pasted text is as good as typed: a line end in it ends the line.
///
/// A copy shares the line with the original; keep one.
public struct LineEditor {
    public enum Event {
        /// A line was ended; it may be empty. The receiver owns it.
        case line(SecretBytes)
        /// Ctrl-C.
        case interrupt
        /// Ctrl-D on an empty line.
        case end
        /// A line was ended that had more bytes than `Limits.passphrase`, or no locked memory could be had for the
        /// next one. It was dropped whole, since a part of a passphrase is a wrong one.
        case tooLong
    }

    private var line: SecretBytes
    private var overflowed = false
    private var sequence = EscapeSequence()
    private var isAfterReturn = false
    private var isQuoting = false

    /// An editor with an empty line.
    ///
    /// - Throws: `SystemError` when there is no locked memory for it.
    public init() throws(SystemError) {
        line = try SecretBytes(capacity: Limits.passphrase)
    }

    /// Takes the next byte.
    public mutating func feed(_ byte: UInt8) -> Event? {
        let isLineFeedOfPair = isAfterReturn && byte == Byte.lineFeed
        isAfterReturn = false
        if isQuoting {
            isQuoting = false
            add(byte)
            return nil
        }
        if isLineFeedOfPair { return nil }
        if sequence.isAfterEscape, byte == Byte.delete || byte == Byte.backspace {
            sequence.reset()
            removeWord()
            return nil
        }
        return sequence.takes(byte) ? nil : act(on: byte)
    }

    /// The input has ended: ends the line as Ctrl-D does.
    public mutating func inputEnded() -> Event {
        line.count == 0 && !overflowed ? .end : endLine()
    }

    private mutating func act(on byte: UInt8) -> Event? {
        switch byte {
        case Byte.carriageReturn:
            isAfterReturn = true
            return endLine()
        case Byte.lineFeed:
            return endLine()
        case Byte.control("D"):
            return inputEnded()
        case Byte.control("C"):
            removeLine()
            return .interrupt
        case Byte.control("U"): removeLine()
        case Byte.control("V"): isQuoting = true
        case Byte.control("W"): removeWord()
        case Byte.delete, Byte.backspace: removeCharacter()
        case Byte.tab, 0x20...: add(byte)
        default: break
        }
        return nil
    }

    private mutating func endLine() -> Event {
        guard !overflowed, let next = try? SecretBytes(capacity: Limits.passphrase) else {
            removeLine()
            return .tooLong
        }
        let ended = line
        line = next
        return .line(ended)
    }

    private mutating func add(_ byte: UInt8) {
        guard !overflowed else { return }
        guard !line.append(byte) else { return }
        // What is lost cannot be taken back by Backspace: only the line's end or Ctrl-U, Ctrl-C clears this.
        line.removeAll()
        overflowed = true
    }

    private mutating func removeLine() {
        line.removeAll()
        overflowed = false
    }

    private func removeCharacter() {
        let length = unsafe line.withUnsafeBytes { bytes -> Int in
            // As many bytes as the last character's first byte announces; a byte that is no UTF-8 goes alone.
            for length in 1...4 where length <= bytes.count {
                let byte = unsafe bytes[bytes.count - length]
                if byte & 0xC0 != 0x80 { return length == Byte.characterLength(byte) ? length : 1 }
            }
            return min(bytes.count, 1)
        }
        line.removeLast(length)
    }

    private func removeWord() {
        let length = unsafe line.withUnsafeBytes { bytes -> Int in
            var start = bytes.count
            while start > 0, unsafe Byte.isBlank(bytes[start - 1]) { start -= 1 }
            while start > 0, unsafe !Byte.isBlank(bytes[start - 1]) { start -= 1 }
            return bytes.count - start
        }
        line.removeLast(length)
    }
}

/// The bytes that mean something to the editor.
private enum Byte {
    static let backspace: UInt8 = 0x08
    static let tab: UInt8 = 0x09
    static let lineFeed: UInt8 = 0x0A
    static let carriageReturn: UInt8 = 0x0D
    static let delete: UInt8 = 0x7F

    /// What a terminal sends for Ctrl and `letter`.
    static func control(_ letter: Unicode.Scalar) -> UInt8 {
        UInt8(ascii: letter) & 0x1F
    }

    static func isBlank(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == tab
    }

    /// How many bytes a UTF-8 character has that begins with `byte`, by RFC 3629.
    static func characterLength(_ byte: UInt8) -> Int {
        switch byte {
        case 0xC2...0xDF: 2
        case 0xE0...0xEF: 3
        case 0xF0...0xF4: 4
        default: 1
        }
    }
}
