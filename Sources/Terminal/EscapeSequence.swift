/// Tells the bytes of escape sequences (arrow keys, function keys, paste markers, replies of the terminal) from text.
///
/// It keeps no byte, so that a sequence without an end takes no memory. A control character ends every sequence and
/// then acts as usual: Enter and Ctrl-C work whatever came before. The sequences are those of ECMA-48, section 5.
struct EscapeSequence {
    private enum State {
        /// Text.
        case none
        /// After ESC.
        case escape
        /// After `ESC [`, the first byte.
        case controlStart
        /// After `ESC [` and more: parameters, until a byte from 0x40 to 0x7E.
        case control
        /// After `ESC O`, until a byte from 0x40 to 0x7E.
        case singleShift
        /// After `ESC [ [`, as the function keys of a Linux console send it: one byte more.
        case lastByte
        /// After `ESC ]`, `ESC P`, `ESC X`, `ESC ^` or `ESC _`: until BEL or `ESC \`.
        case string
        /// After ESC and the first byte of a UTF-8 character: the rest of that Alt-key.
        case character(left: UInt8)
    }

    private var state = State.none

    /// Whether ESC was the last byte, so that the next one is an Alt-key.
    var isAfterEscape: Bool {
        if case .escape = state { return true }
        return false
    }

    /// Forgets a sequence that has begun.
    mutating func reset() {
        state = .none
    }

    /// Whether `byte` is part of an escape sequence and not of the text.
    mutating func takes(_ byte: UInt8) -> Bool {
        switch (state, byte) {
        case (_, 0x1B):
            state = .escape
            return true
        case (.string, 0x07):
            state = .none
            return true
        case (_, 0..<0x20), (_, 0x7F):
            state = .none
            return false
        case (.none, _):
            return false
        case (.escape, _):
            state = afterEscape(byte)
            return true
        case (.controlStart, UInt8(ascii: "[")):
            state = .lastByte
            return true
        case (.controlStart, 0x20...0x3F), (.control, 0x20...0x3F):
            state = .control
            return true
        case (.singleShift, 0x30...0x3F), (.string, _):
            return true
        case (.character(let left), 0x80...0xBF):
            state = left > 1 ? .character(left: left - 1) : .none
            return true
        case (.controlStart, 0x40...0x7E), (.control, 0x40...0x7E), (.singleShift, 0x20...0x7E),
            (.lastByte, 0x20...0x7E):
            state = .none
            return true
        default:
            // No sequence goes on like this: it was cut off, and text follows.
            state = .none
            return false
        }
    }

    private func afterEscape(_ byte: UInt8) -> State {
        switch byte {
        case UInt8(ascii: "["): .controlStart
        case UInt8(ascii: "O"): .singleShift
        case UInt8(ascii: "]"), UInt8(ascii: "P"), UInt8(ascii: "X"), UInt8(ascii: "^"), UInt8(ascii: "_"): .string
        case 0xC2...0xDF: .character(left: 1)
        case 0xE0...0xEF: .character(left: 2)
        case 0xF0...0xF4: .character(left: 3)
        default: .none
        }
    }
}
