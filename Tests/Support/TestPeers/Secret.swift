import CMachine
import Foundation

/// Something that nobody else could have in memory: random letters and digits.
public struct Secret: Sendable {
    public let text: String
    public let content: [UInt8]

    /// - Parameter bytes: its length, which a passphrase of one terminal line needs no more than 60 of.
    public init(bytes: Int = 48) {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
        let text = String((0..<bytes).map { _ in letters[Int.random(in: 0..<letters.count)] })
        self.init(text: text)
    }

    /// Something to look for that everybody may know.
    public init(text: String) {
        self.text = text
        content = Array(text.utf8)
    }

    /// Something that is no text.
    public init(_ content: some Sequence<UInt8>) {
        text = ""
        self.content = Array(content)
    }

    /// The lengths of the parts of it, each of eight bytes or more, that lie in `bytes`.
    public func traces(in bytes: UnsafeRawBufferPointer) -> [Int] {
        var traces = [machine_trace](repeating: machine_trace(), count: 64)
        let count = machine_find(
            bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count, content, content.count, &traces,
            traces.count)
        return traces.prefix(count).map { $0.length }
    }

    public func isIn(_ text: String) -> Bool {
        Array(text.utf8).withUnsafeBytes { !traces(in: $0).isEmpty }
    }
}
