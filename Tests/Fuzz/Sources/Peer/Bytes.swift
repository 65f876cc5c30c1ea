/// Fields of SSH's messages (RFC 4251, section 5), one after the other.
package struct Bytes {
    package var all: [UInt8] = []

    package init(_ type: UInt8? = nil) { if let type { all = [type] } }

    package mutating func integer(_ value: UInt32) {
        for shift in [24, 16, 8, 0] { all.append(UInt8(value >> shift & 255)) }
    }
    package mutating func string(_ value: [UInt8]) {
        integer(UInt32(value.count))
        all += value
    }
    package mutating func string(_ value: String) { string(Array(value.utf8)) }
    /// A number without a sign.
    package mutating func mpint(_ value: [UInt8]) {
        let digits = Array(value.drop { $0 == 0 })
        string(digits.first ?? 0 > 127 ? [0] + digits : digits)
    }
}

/// Takes from the start of bytes, and gives zeros and empty strings behind their end.
package struct Taker {
    package private(set) var rest: ArraySlice<UInt8>

    package init(_ bytes: [UInt8]) { rest = bytes[...] }

    package var isAtEnd: Bool { rest.isEmpty }

    package mutating func byte() -> UInt8 { rest.popFirst() ?? 0 }
    package mutating func bytes(_ count: Int) -> [UInt8] {
        let taken = Array(rest.prefix(count))
        rest = rest.dropFirst(count)
        return taken
    }
    package mutating func integer() -> UInt32 { bytes(4).reduce(0) { $0 << 8 | UInt32($1) } }
    package mutating func string() -> [UInt8] { bytes(Int(integer())) }
}
