internal import Config
internal import HostPrograms
internal import Linux

/// The address at which the agent can be reached in the initrd.
enum InitrdAddress {
    /// Finds it: `ListenAddress`, `ip=` of the kernel's command line, or where this boot's agent said that it could be reached.
    static func find(_ settings: Settings, _ kernel: [UInt8]) -> String? {
        for listen in settings.listenAddresses where !isAny(listen.address) { return listen.address.description }
        return inCommandLine(kernel) ?? inJournal()
    }

    private static func isAny(_ address: PeerAddress) -> Bool { address.bytes.allSatisfy { $0 == 0 } }

    /// The client's address of `ip=`, as the kernel, initramfs-tools and dracut read it; the last one counts. IPv6 stands in
    /// brackets.
    static func inCommandLine(_ kernel: [UInt8]) -> String? {
        var address: String?
        for word in kernel.split(whereSeparator: { $0 == 0x20 || $0 == 0x0a }) {
            guard word.starts(with: "ip=".utf8) else { continue }
            var value = Array(word.dropFirst(3))
            if value.first == UInt8(ascii: "["), let end = value.firstIndex(of: UInt8(ascii: "]")) {
                value = Array(value[1..<end])
            } else {
                value = Array(value.prefix { $0 != UInt8(ascii: ":") })
            }
            guard let found = PeerAddress(String(decoding: value, as: UTF8.self)), !isAny(found) else { continue }
            address = found.description
        }
        return address
    }

    private static func inJournal() -> String? {
        guard let program = HostProgram.find("journalctl") else { return nil }
        // From root alone, or from the kernel's log, to which only root writes: anybody may log under this name.
        let words = [
            program, "--no-pager", "--quiet", "--boot=0", "--identifier=postern", "--output=cat", "_UID=0", "+",
            "_TRANSPORT=kernel",
        ]
        guard let result = try? HostProgram.run(words, limit: 4 << 20), result.succeeded else { return nil }
        return inLog(result.output)
    }

    /// The last one that a line `Reach it with: ssh -p PORT root@ADDRESS` names.
    static func inLog(_ log: [UInt8]) -> String? {
        var address: String?
        for line in log.split(separator: UInt8(ascii: "\n")) where line.starts(with: "Reach it with: ssh -p ".utf8) {
            guard let at = line.lastIndex(of: UInt8(ascii: "@")) else { continue }
            let text = String(decoding: line[(at + 1)...], as: UTF8.self)
            if let found = PeerAddress(text) { address = found.description }
        }
        return address
    }
}
