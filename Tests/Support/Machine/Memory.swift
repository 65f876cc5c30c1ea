import CMachine
import Foundation

extension Machine {
    /// Lends the machine's whole physical memory to `body`, as it was at one moment.
    public func memory<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) async throws -> Result {
        let file = work.appending(path: "memory")
        defer { try? FileManager.default.removeItem(at: file) }
        // Otherwise it would change while it is written.
        _ = try await command("stop")
        let answer = try await command("pmemsave 0 \(memorySize << 20) \"\(file.path)\"")
        _ = try await command("cont")
        let bytes = try Data(contentsOf: file, options: .alwaysMapped)
        guard bytes.count == memorySize << 20 else {
            throw MachineError.failed("QEMU saved \(bytes.count) bytes of \(memorySize) MiB: \(answer)")
        }
        return try bytes.withUnsafeBytes(body)
    }
}

/// A part of a secret that was found in a memory.
public struct Trace: Sendable, CustomStringConvertible {
    /// Where in the memory.
    public let address: Int
    /// Which of its bytes.
    public let part: Range<Int>

    public var description: String { "bytes \(part) at \(String(address, radix: 16))" }
}

/// The parts of a secret that lie in `memory`, the first thousand of them, each as long as can be and of eight bytes or more.
public func traces(of secret: some Collection<UInt8>, in memory: UnsafeRawBufferPointer) -> [Trace] {
    var found = [machine_trace](repeating: machine_trace(), count: 1000)
    let secret = Array(secret)
    let count = machine_find(
        memory.baseAddress?.assumingMemoryBound(to: UInt8.self), memory.count, secret, secret.count, &found, found.count
    )
    return found.prefix(count).map { Trace(address: $0.offset, part: $0.start..<$0.start + $0.length) }
}
