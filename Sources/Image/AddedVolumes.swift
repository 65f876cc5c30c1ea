internal import Config
internal import ConfigFiles
internal import Linux

/// Volumes that crypttab does not name, such as those of the kernel command line.
struct AddedVolumes {
    /// Those whose device and name no line of crypttab has.
    let entries: [CrypttabEntry]
    /// Their lines.
    let lines: [UInt8]
    /// Of the others, what crypttab calls them.
    let present: [String]
    let findings: [Finding]

    /// - Parameters:
    ///   - file: a file in crypttab's format, or `nil`.
    ///   - crypttab: the machine's own.
    ///   - system: who opens volumes natively in the image.
    init(file: String?, besides crypttab: Crypttab, for system: InitrdSystem) {
        var findings: [Finding] = []
        var bytes: [UInt8] = []
        if let file {
            do throws(SystemError) {
                bytes = try Files.readRegular(file, limit: Configuration.largestFile)
            } catch {
                findings.append(
                    Finding(file: file, line: 0, problem: error.description, remedy: "name a file that can be read"))
            }
        }
        var present: [String] = []
        var entries: [CrypttabEntry] = []
        for entry in Crypttab.parse(bytes, file: file ?? "", for: system, into: &findings).entries {
            let known = crypttab.entries.first {
                Hardware.areSame($0.device, entry.device) || $0.name.utf8.elementsEqual(entry.name.utf8)
            }
            guard let known else {
                entries.append(entry)
                continue
            }
            present.append(known.name)
            guard !known.name.utf8.elementsEqual(entry.name.utf8) else { continue }
            findings.append(
                Finding(
                    file: file ?? "", line: entry.line,
                    problem: "\(entry.device) is called \(printable(entry.name)) here and \(printable(known.name)) in "
                        + "crypttab, which holds",
                    remedy: "give it one name"))
        }
        // The file is often a temporary one, with another name each time.
        lines =
            entries.isEmpty
            ? [] : Copies.crypttab(bytes, from: Copies.builder, entries: entries, key: { _ in nil })
        self.entries = entries
        self.present = present
        self.findings = findings
    }
}
