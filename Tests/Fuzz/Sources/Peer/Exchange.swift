/// What is hashed for a key exchange (RFC 4253, section 8).
package struct Exchange {
    package let fields: [[UInt8]]

    package init(greeting: [UInt8], cookie: [UInt8], number: UInt8) {
        var offer = Bytes(20)
        offer.all += cookie
        for _ in 0..<10 { offer.string("a") }
        offer.all += [0, 0, 0, 0, 0]
        fields = [Array("SSH-2.0-fuzz".utf8), greeting, offer.all, offer.all, Key.host.blob(), [1], [2], [number]]
    }

    /// `nil` when these bytes are no such thing, written as only this writes it.
    package init?(_ bytes: [UInt8], greeting: [UInt8]) {
        var input = Taker(bytes)
        fields = (0..<8).map { _ in input.string() }
        guard all == bytes, !fields.contains([]), fields[0].starts(with: Array("SSH-".utf8)), fields[0].count < 256,
            fields[1] == greeting, fields[4] == Key.host.blob()
        else { return nil }
        for field in fields[2...3] {
            var input = Taker(field)
            var offer = Bytes(20)
            guard input.byte() == 20 else { return nil }
            offer.all += input.bytes(16)
            for _ in 0..<10 { offer.string(input.string()) }
            offer.all += [input.byte(), 0, 0, 0, 0]
            guard offer.all == field else { return nil }
        }
    }

    /// The server's random bytes.
    package var cookie: [UInt8] { Array(fields[3][1..<17]) }

    package var all: [UInt8] {
        var text = Bytes()
        for field in fields { text.string(field) }
        return text.all
    }
}
