import Config
import Linux

@testable import Image

/// What goes into an image says the same there as on the machine. The first byte chooses the file.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 1 else { return 0 }
    let bytes = Array(UnsafeBufferPointer(start: start + 1, count: count - 1))
    switch start[0] % 4 {
    case 0: checkCopy(bytes)
    case 1: checkNofail(bytes)
    case 2: checkSettings(bytes)
    default: checkModules(bytes)
    }
    return 0
}

private func entries(_ bytes: [UInt8]) -> [CrypttabEntry] {
    var findings: [Finding] = []
    return Crypttab.parse(bytes, file: "f", into: &findings).entries
}

/// The entries without their lines.
private func unnumbered(_ entries: [CrypttabEntry]) -> [CrypttabEntry] {
    entries.map { entry in
        var entry = entry
        entry.line = 0
        return entry
    }
}

private func isShort(_ bytes: [UInt8]) -> Bool {
    bytes.split(separator: 0x0a).allSatisfy { $0.count <= FileLimits.lineBytes }
}

private func checkCopy(_ bytes: [UInt8]) {
    let old = entries(bytes)
    let copy = Copies.crypttab(bytes, from: "f", entries: old, key: { _ in nil })
    precondition(unnumbered(entries(copy)) == unnumbered(old))
    // With a key of its own, where options do not make something else of the field.
    let key = KeySpec.file(path: "/etc/postern/keys/k 1")
    let plain = old.filter { !$0.options.isNative && $0.key != .ask }
    let keyed = Copies.crypttab(bytes, from: "f", entries: plain, key: { _ in key })
    guard isShort(keyed) else { return }
    precondition(
        unnumbered(entries(keyed))
            == unnumbered(plain).map { entry in
                var entry = entry
                entry.key = key
                return entry
            })
}

private func checkNofail(_ bytes: [UInt8]) {
    let old = entries(bytes)
    let chosen = old.filter { !$0.options.nofail }
    let copy = Copies.adding("nofail", to: bytes, lines: chosen.map(\.line))
    guard isShort(copy) else { return }
    precondition(
        entries(copy)
            == old.map { entry in
                var entry = entry
                entry.options.nofail = true
                return entry
            })
}

private func checkSettings(_ bytes: [UInt8]) {
    var findings: [Finding] = []
    var old = Settings.parse(bytes, file: "f", into: &findings)
    let system = InitrdSystem.allCases[bytes.count % 3]
    let copy = Copies.settings(bytes, for: system, time: 1_764_000_000)
    old.crypttab = Copies.crypttab
    old.imageTime = 1_764_000_000
    old.initrd = system
    precondition(Settings.parse(copy, file: "f", into: &findings) == old)
    precondition(Copies.settings(copy, for: system, time: 1_764_000_000) == copy)
}

private let folder = "/tmp/postern-fuzz-\(ChildProcess.id)"

/// A list of built-in modules names those whose line it has.
private func checkModules(_ bytes: [UInt8]) {
    var path = folder
    for name in ["", "/lib", "/modules", "/6.1"] {
        path += name
        do throws(SystemError) { try Files.makeFolder(path, mode: 0o700) } catch { fatalError(error.description) }
    }
    let list = "kernel/fs/ext-4/ext4.ko\n" + String(decoding: bytes, as: UTF8.self) + "\nkernel/a/b-c.ko\n"
    do throws(SystemError) { try Files.write(list, to: path + "/modules.builtin", mode: 0o600) } catch {
        fatalError(error.description)
    }
    let modules = KernelModules(beneath: folder)
    precondition(modules.versions == ["6.1"])
    precondition(modules.hasAny(of: ["b_c"]) && modules.hasAny(of: ["none", "b-c"]) && modules.hasAny(of: ["ext4"]))
    Files.remove(path + "/modules.builtin")
    for name in ["/lib/modules/6.1", "/lib/modules", "/lib", ""] { Files.removeFolder(folder + name) }
}
