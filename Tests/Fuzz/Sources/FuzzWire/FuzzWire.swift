import Linux
import Wire

/// Whatever a peer sends is refused, or reads as a message that is written and reads back the same.
///
/// The first byte chooses the reader.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 1 else { return 0 }
    let rest = UnsafeRawBufferPointer(start: start + 1, count: count - 1)
    guard let body = try? SecretBytes(copying: rest), let once = try? again(body, reader: start[0]) else { return 0 }
    // Texts that were none have grown by their replacement characters, and may be cut; what was written is stable.
    guard let twice = try? again(once, reader: start[0]) else { fatalError("what was written is refused") }
    precondition(once.withUnsafeBytes { first in twice.withUnsafeBytes { first.elementsEqual($0) } })
    return 0
}

/// Reads a message and writes it.
private func again(_ body: SecretBytes, reader: UInt8) throws(WireError) -> SecretBytes? {
    switch reader & 3 {
    case 0:
        let (channel, message) = try SessionMessage.read(body)
        // A session's words are judged in every phase of the table, and no order of them traps.
        var table = PermitTable(isConsole: reader & 4 != 0)
        for _ in 0..<3 { _ = table.judge(channel, message) }
        return try message.body(channel: channel)
    case 1:
        let (channel, message) = try MonitorMessage.read(body)
        return try? message.body(channel: channel)
    case 2:
        let order = try WorkerOrder.read(body)
        return try? order.body()
    default:
        switch reader & 0xc {
        case 4: return try SignerReport.read(body).body()
        case 0xc: return try? SignerSetup.read(body).body()
        default: return try WorkerReport.read(body).body()
        }
    }
}
