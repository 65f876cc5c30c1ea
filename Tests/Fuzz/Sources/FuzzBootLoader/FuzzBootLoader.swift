import BootLoader
import Terminal
import Wire

/// Whatever the firmware has in the boot loader's variables is read within bounds, can be sent, shown and chosen.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    _ = LoaderVariables.takesOneShot(bytes)
    let names = LoaderVariables.texts(bytes)
    precondition(names.count <= LoaderVariables.mostEntries)
    for name in names {
        precondition(!name.isEmpty && name.utf16.count <= LoaderVariables.longestName)
        precondition(LoaderVariables.texts(LoaderVariables.bytes(name)) == [name])
    }
    let entries = names.map { BootEntry(id: $0, isCurrent: $0 == names.first) }
    guard let body = try? MonitorMessage.entries(entries).body(channel: 1),
        case .entries(let read)? = try? MonitorMessage.read(body).message
    else { fatalError("they cannot be sent") }
    precondition(read == entries)
    precondition(Report.text(entries).split(separator: "\n").count == entries.count)
    precondition(Report.json(entries).utf8.filter { $0 < 0x20 }.count == 1)
    return 0
}
