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

/// Whether a terminal could take it for more than text: the control characters of ASCII and of ISO 6429 (C1).
func isControl(_ scalar: Unicode.Scalar) -> Bool {
    scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
}

/// What a file says, in quotes and safe to print: control characters and bytes that are no text as `\xHH`, cut after 60.
func quoted(_ bytes: some Sequence<UInt8>) -> String {
    let bytes = Array(bytes)
    var shown = "\""
    guard let text = text(bytes) else {
        for byte in bytes.prefix(60) { append(Unicode.Scalar(byte), isControl: byte >= 0x80, to: &shown) }
        return shown + (bytes.count > 60 ? "...\"" : "\"")
    }
    for scalar in text.unicodeScalars.prefix(60) { append(scalar, isControl: false, to: &shown) }
    return shown + (text.unicodeScalars.count > 60 ? "...\"" : "\"")
}

private func append(_ scalar: Unicode.Scalar, isControl control: Bool, to text: inout String) {
    guard control || isControl(scalar) else {
        text.unicodeScalars.append(scalar)
        return
    }
    text += scalar.value < 16 ? "\\x0" : "\\x"
    text += String(scalar.value, radix: 16)
}

func quoted(_ text: String) -> String {
    quoted(text.utf8)
}
