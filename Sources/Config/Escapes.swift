/// A field with its octal escapes (`\040` for a blank, as in fstab(5) and Debian's crypttab) replaced. systemd 252 leaves
/// them as they are; a name with a blank is out of its reach.
///
/// - Returns: `nil` when the outcome is not UTF-8 or holds a control character: no name or path of a boot does.
func unescaped(_ field: some Sequence<UInt8>) -> String? {
    let field = Array(field)
    var bytes: [UInt8] = []
    var index = 0
    while index < field.count {
        if field[index] == UInt8(ascii: "\\"), let byte = octal(field[(index + 1)...].prefix(3)) {
            bytes.append(byte)
            index += 4
        } else {
            bytes.append(field[index])
            index += 1
        }
    }
    guard let text = text(bytes), !text.unicodeScalars.contains(where: isControl) else { return nil }
    return text
}

/// A value as bytes of a field that `unescaped` reads back, and that ends neither the field nor an option.
///
/// With `colons`, a colon is escaped too, which in a key file's path would begin the device.
func escaped(_ value: some Sequence<UInt8>, colons: Bool = false) -> [UInt8] {
    let special = Array(" \t\\#,\"'".utf8)
    var bytes: [UInt8] = []
    for byte in value {
        guard special.contains(byte) || (colons && byte == UInt8(ascii: ":")) else {
            bytes.append(byte)
            continue
        }
        bytes.append(UInt8(ascii: "\\"))
        for shift in [6, 3, 0] { bytes.append(UInt8(ascii: "0") + (byte >> UInt8(shift)) & 7) }
    }
    return bytes
}

/// The byte of three octal digits.
private func octal(_ digits: ArraySlice<UInt8>) -> UInt8? {
    guard digits.count == 3 else { return nil }
    var value = 0
    for digit in digits {
        guard digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "7") else { return nil }
        value = value << 3 | Int(digit - UInt8(ascii: "0"))
    }
    return UInt8(exactly: value)
}
