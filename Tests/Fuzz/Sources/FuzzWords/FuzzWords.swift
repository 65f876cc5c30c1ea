import Config
import Linux
import Wire

/// Small readers of words: the kernel's command line, its events, a client's command and a forced one, text for a log.
/// The first byte chooses.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 1 else { return 0 }
    let bytes = Array(UnsafeBufferPointer(start: start + 1, count: count - 1))
    switch start[0] % 5 {
    case 0:
        let line = KernelCommandLine(bytes)
        precondition(line.port != 0)
        // The last of a kind counts.
        precondition(KernelCommandLine(bytes + [0x20] + bytes) == line)
        let other = KernelCommandLine(bytes + Array(" postern=off postern.port=22\n".utf8))
        precondition(other.isOff && other.port == 22)
    case 1:
        guard let event = BlockEvent(uevent: bytes[...]) else { break }
        let path =
            switch event {
            case .changed(let path), .removed(let path): path
            }
        precondition(path.hasPrefix("/") && path.utf8.count > 1 && !path.utf8.contains(0))
    case 2:
        let line = String(decoding: bytes, as: UTF8.self)
        if case .usage(let text) = Command.parse(line) {
            precondition(text.hasPrefix("usage: ") || text.hasPrefix("no shell reads this line; write: "))
        }
        // A spelling means the same, and is its own.
        if let spelling = Command.canonical(line) {
            precondition(Command.parse(spelling) == Command.parse(line) && Command.canonical(spelling) == spelling)
        }
        // Blanks do not count, and neither does the folder of a name that is one; but what is for a shell is left as it is.
        if case .command(let command) = Command.parse(line), command.isShell { break }
        precondition(Command.parse(" \(line)  ") == Command.parse(line))
    case 3: checkForced(bytes)
    default:
        for limit in [3, 80, 900] {
            let text = printable(bytes, limit: limit)
            precondition(text.utf8.count <= limit && text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7f })
            precondition(printable(text, limit: limit) == text)
        }
        for scalar in printable(String(decoding: bytes, as: UTF8.self)).unicodeScalars {
            precondition(scalar.value >= 0x20 && !(0x7f..<0xa0).contains(scalar.value))
        }
    }
    return 0
}

/// A forced command that is taken is one that a session can run, and in its own spelling.
private func checkForced(_ bytes: [UInt8]) {
    guard !bytes.contains(0x0a) else { return }
    var findings: [Finding] = []
    let key = " ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI\n"
    let line = Array("command=\"".utf8) + bytes + Array("\"\(key)".utf8)
    guard let command = AuthorizedKeys.parse(line, file: "f", into: &findings).keys.first?.forcedCommand else { return }
    guard case .command = Command.parse(command), Command.canonical(command) == command else { fatalError(command) }
}
