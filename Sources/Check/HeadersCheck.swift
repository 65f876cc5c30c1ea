internal import Config
internal import HostPrograms
internal import Image
internal import Linux

/// The volumes on which no key can be tried on the booted machine, because nobody can read their headers here.
enum HeadersCheck {
    /// - Parameters:
    ///   - volumes: the machine's.
    ///   - file: its crypttab, for the notices.
    ///   - report: where the notices go.
    static func look(_ volumes: [CheckedVolume], file: String, into report: inout CheckReport) {
        for volume in volumes {
            let facts = volume.facts
            let name = printable(facts.entry.name)
            if case .fileOn(let path, let device)? = facts.entry.options.header, facts.entry.options.foreign == nil,
                !facts.entry.options.noauto
            {
                let body = Hardware.links(to: facts.entry.device).first ?? facts.entry.device.description
                report.addNotice(
                    file, facts.entry.line,
                    "no key of \(name) was tried, for its header \(printable(path)) lies on \(printable(device.description)), "
                        + "from where the native opener takes it",
                    remedy: "mount that read-only, and run: cryptsetup open --test-passphrase --header FILE "
                        + printable(body))
            } else if facts.isUnread {
                let isApart = facts.header != facts.device
                report.addNotice(
                    file, facts.entry.line,
                    "no key of \(name) was tried, for its header \(printable(facts.header)) cannot be read here",
                    remedy: !ChildProcess.isRoot
                        ? "check as root"
                        : isApart && !Files.exists(facts.header)
                            ? "put a copy of it there, and check again"
                            : "see what this says: cryptsetup luksDump \(printable(facts.header))")
            }
        }
    }
}
