/// What the kernel's command line says to the agent: the way out when a configuration in the image is no good.
public struct KernelCommandLine: Equatable, Sendable {
    /// `postern=off`: the distribution's own prompt is to do it.
    public private(set) var isOff = false
    /// `postern.port=N`: listen there, whatever `Port` says.
    public private(set) var port: UInt16?

    /// Reads the words of proc(5)'s `cmdline`. As in the kernel, the last of a kind counts; a port that is none is
    /// passed over.
    public init(_ bytes: [UInt8]) {
        for word in bytes.split(whereSeparator: { $0 == 0x20 || $0 == 0x0a }) {
            let text = String(decoding: word, as: UTF8.self)
            if text.hasPrefix("postern=") { isOff = text == "postern=off" }
            if text.hasPrefix("postern.port="), let number = UInt16(text.dropFirst(13)), number > 0 { port = number }
        }
    }
}
