import Linux

@testable import Check

/// Whatever a boot loader's files say, `postern check` reads it within bounds. The first byte chooses the file; a zero ends the
/// first of two.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 0 else { return 0 }
    let bytes = Array(UnsafeBufferPointer(start: start + 1, count: count - 1))
    let parts = bytes.split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false).map { Array($0) }
    let (one, other) = (parts[0], parts.count > 1 ? parts[1] : [])
    switch start[0] {
    case UInt8(ascii: "g"): checkMenu(one, environment: other)
    case UInt8(ascii: "e"): checkEntries(one, other)
    case UInt8(ascii: "l"): checkChoice(one)
    case UInt8(ascii: "o"): checkRelease(one)
    case UInt8(ascii: "v"):
        checkVersions(String(decoding: one, as: UTF8.self), String(decoding: other, as: UTF8.self))
    default: checkImage(bytes)
    }
    return 0
}

/// grub.cfg and grubenv.
private func checkMenu(_ bytes: [UInt8], environment: [UInt8]) {
    let image = GRUBMenu(bytes, environment: environment).image
    precondition(image?.utf8.contains(0x0A) != true)
}

/// Two entries of `loader/entries`, each behind its file's name. Their order is one.
private func checkEntries(_ one: [UInt8], _ other: [UInt8]) {
    let entries = [one, other].compactMap { bytes in
        let name = bytes.prefix { $0 != 0x0A && $0 != UInt8(ascii: "/") }
        return LoaderEntry(
            String(decoding: name, as: UTF8.self) + ".conf", on: "/boot", Array(bytes.dropFirst(name.count)))
    }
    for entry in entries {
        precondition(entry.kernel.hasPrefix("/boot/") && entry.images.allSatisfy { $0.hasPrefix("/boot/") })
        precondition(entry.id == LoaderEntry.lower(entry.id) && !entry.comes(before: entry))
    }
    guard entries.count == 2 else { return }
    precondition(!(entries[0].comes(before: entries[1]) && entries[1].comes(before: entries[0])))
    checkVersions(entries[0].version, entries[1].version)
}

private func checkVersions(_ one: String, _ other: String) {
    precondition(LoaderVersion.compare(one, other).signum() == -LoaderVersion.compare(other, one).signum())
    precondition(LoaderVersion.compare(one, one) == 0)
}

/// loader.conf.
private func checkChoice(_ bytes: [UInt8]) {
    guard let choice = LoaderMenu.chosen(in: bytes) else { return }
    precondition(!choice.isEmpty && choice == LoaderEntry.lower(choice))
}

/// os-release.
private func checkRelease(_ bytes: [UInt8]) {
    let release = OSRelease(bytes)
    precondition(!release.sortKey.utf8.contains { $0 == 0x20 || $0 == 0x0A })
    precondition(!release.version.utf8.contains { $0 == 0x20 || $0 == 0x0A })
}

private let file = "/tmp/postern-fuzz-\(ChildProcess.id)"

/// An image: one file with its kernel, or archives behind each other.
private func checkImage(_ bytes: [UInt8]) {
    do throws(SystemError) { try Files.replace(file, with: bytes, mode: 0o600) } catch {
        fatalError(error.description)
    }
    defer { Files.remove(file) }
    if let archives = try? CPIOArchives(file) {
        let places = archives.starts + [archives.rest ?? bytes.count]
        precondition(zip(places, places.dropFirst()).allSatisfy { $0 < $1 } && places.allSatisfy { $0 <= bytes.count })
    }
    guard let image = UnifiedImage(file) else { return }
    precondition(bytes.starts(with: "MZ".utf8))
    precondition(image.kernel.utf8.allSatisfy { $0 > 0x20 })
    if let initrd = image.initrd { precondition(initrd.start >= 0 && initrd.count >= 0) }
}
