/// Whether a byte separates words.
func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
}

func isDigit(_ byte: UInt8) -> Bool {
    byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
}

/// A line or word without the blanks around it.
func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var bytes = bytes
    while let first = bytes.first, isBlank(first) { bytes.removeFirst() }
    while let last = bytes.last, isBlank(last) { bytes.removeLast() }
    return bytes
}

/// The words between blanks.
func words(_ bytes: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
    bytes.split(whereSeparator: isBlank)
}

/// The bytes as text, or `nil` when they are not UTF-8.
func text(_ bytes: some Sequence<UInt8>) -> String? {
    String(validating: bytes, as: UTF8.self)
}

/// ASCII letters in lower case; other bytes stay.
func lowercased(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    bytes.map { $0 >= UInt8(ascii: "A") && $0 <= UInt8(ascii: "Z") ? $0 + 32 : $0 }
}

/// Whether two texts are the same bytes. `==` on strings also holds for other spellings of one letter, and no kernel
/// interface does.
func same(_ a: String, _ b: String) -> Bool {
    a.utf8.elementsEqual(b.utf8)
}

extension Collection<UInt8> where SubSequence: Collection<UInt8> {
    /// Whether the bytes are those of `text`.
    func isText(_ text: StaticString) -> Bool {
        count == text.utf8CodeUnitCount && startsWithText(text)
    }

    /// Whether the first bytes are those of `text`.
    func startsWithText(_ text: StaticString) -> Bool {
        text.withUTF8Buffer { prefix in unsafe starts(with: prefix) }
    }
}

/// A decimal number without sign, or `nil` when it is none or outside `range`.
func number(_ digits: some Collection<UInt8>, in range: ClosedRange<Int>) -> Int? {
    guard !digits.isEmpty, digits.count <= 19 else { return nil }
    var value = 0
    for digit in digits {
        guard isDigit(digit) else { return nil }
        let (shifted, over) = value.multipliedReportingOverflow(by: 10)
        let (sum, more) = shifted.addingReportingOverflow(Int(digit - UInt8(ascii: "0")))
        guard !over, !more else { return nil }
        value = sum
    }
    return range.contains(value) ? value : nil
}

/// What a file says, in quotes and safe to print: control characters and bytes that are no text as `\xHH`, cut after 60.
func quoted(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    let whole = Array(bytes)
    let plain = text(whole) != nil
    var shown: [UInt8] = [UInt8(ascii: "\"")]
    var cut = false
    for byte in whole {
        // A cut inside a character would leave half of it.
        if shown.count > 60, !plain || byte & 0xC0 != 0x80 {
            cut = true
            break
        }
        if byte < 0x20 || byte == 0x7F || (byte >= 0x80 && !plain) {
            shown += [UInt8(ascii: "\\"), UInt8(ascii: "x"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
        } else {
            shown.append(byte)
        }
    }
    shown += Array(cut ? "...\"".utf8 : "\"".utf8)
    return String(decoding: shown, as: UTF8.self)
}

func quoted(_ text: String) -> String {
    quoted(text.utf8)
}
