import Foundation
import Machine
import Testing

/// Boots of installed Debian systems in QEMU. `Tests/run` builds the package that they have, and asks for them.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["POSTERN_DEBIAN_TESTS"] == "1", "run by Tests/run"))
struct DebianTests {}

/// What the prompts say.
enum Texts {
    /// The prompt of Debian's own scripts.
    static let native = "Please unlock disk crypt-root: "
    /// The agent's, before the names of the volumes that wait.
    static let prompt = "Passphrase for crypt-root:"
    static let continues = "Boot continues."
}

/// The passphrase of the root, from `Tests/Support/qemu/disks`.
let passphrase = "open sesame"

/// The files that the new root inherits of every boot in which the agent ran.
let records = ["/run/postern/events.jsonl", "/run/postern/postern.prom"]

/// Expects the records of a boot in which the agent opened the root: who opened it, and that the boot went on.
func expectRecords(_ report: Report, sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(report["records"] == ["600", "644"], sourceLocation: sourceLocation)
    let line = report["opened"].joined(separator: " ")
    let event = (try? JSONSerialization.jsonObject(with: Data(line.utf8))) as? [String: Any]
    #expect(event?["volume"] as? String == "crypt-root", "\(line)", sourceLocation: sourceLocation)
    #expect(event?["seconds"] is Double, "\(line)", sourceLocation: sourceLocation)
    if event?["address"] != nil {
        let key = event?["key"] as? String
        #expect(key?.hasPrefix("SHA256:") == true, "\(line)", sourceLocation: sourceLocation)
    }
    #expect(report["continues"] == ["1"], sourceLocation: sourceLocation)
    expectTold(report, sourceLocation: sourceLocation)
}

/// Expects that `postern report` tells who opened the root, and the same by the journal alone.
func expectTold(_ report: Report, sourceLocation: SourceLocation = #_sourceLocation) {
    let opened = report.told.first { $0.firstMatch(of: #/^crypt-root +\d\d:\d\d:\d\d opened by /#) != nil }
    #expect(opened != nil, "\(report.told)", sourceLocation: sourceLocation)
    let first = report.told.first ?? ""
    #expect(first.contains(" waited ") && first.contains(" went on"), "\(report.told)", sourceLocation: sourceLocation)
    // The clock of the initrd and that of the kernel's log are not set together, and are rounded.
    func timeless(_ lines: [String]) -> [String] {
        lines.map { $0.replacing(/\d+\.\d s|\d+ min \d+ s|\d\d:\d\d:\d\d|\d{4}-\d\d-\d\d/, with: "T") }
    }
    #expect(timeless(report.told) == timeless(report.toldByJournal), sourceLocation: sourceLocation)
}

/// Gives the passphrase to ssh on its standard input.
func unlock(_ machine: Machine, sourceLocation: SourceLocation = #_sourceLocation) async throws {
    let unlocked = try await machine.ssh(["unlock"], input: passphrase)
    #expect(unlocked.status == 0, "\(unlocked)", sourceLocation: sourceLocation)
}

/// Waits for the login prompt of a system that is `root`, the name of a mapping or of a dataset, with `open` and nothing else open, which `who` unlocked; the
/// agent has left nothing behind in the initrd but `files`, and no link up. A system that `isTelling` owners what they could not
/// be told there has the network up already.
@discardableResult
func expectLogin(
    _ machine: Machine, root: String = "crypt-root", open: Set<String> = ["crypt-root"], by who: String,
    skipped: Set<String> = [], files: [String] = [], isTelling: Bool = false,
    sourceLocation: SourceLocation = #_sourceLocation
) async throws -> Report {
    let report = try await machine.login()
    let left = try await machine.survey()
    #expect(left.left == [], sourceLocation: sourceLocation)
    #expect(left.skipped == skipped, sourceLocation: sourceLocation)
    for question in ["secrets", "addresses"] {
        #expect(report[question] == [], "\(question)", sourceLocation: sourceLocation)
    }
    let source = root.contains("/") ? root : "/dev/mapper/\(root)"
    #expect(report["root"] == [source], sourceLocation: sourceLocation)
    #expect(Set(report["open"]) == open, sourceLocation: sourceLocation)
    let skips = skipped.map { "/run/postern/skip/\($0)" }
    #expect(Set(report["files"]) == Set(skips + records + files), sourceLocation: sourceLocation)
    expectRecords(report, sourceLocation: sourceLocation)
    #expect(report["modes"].first == "755:/run/postern", sourceLocation: sourceLocation)
    if !isTelling {
        #expect(report["links"].allSatisfy { !$0.contains("UP") }, sourceLocation: sourceLocation)
        for question in ["global", "routes", "processes"] {
            #expect(report[question] == [], "\(question)", sourceLocation: sourceLocation)
        }
    }
    for question in ["keys", "prompts", "failed"] {
        #expect(report[question] == [], "\(question)", sourceLocation: sourceLocation)
    }
    #expect(
        report.log.contains { $0.hasPrefix("crypt-root: opened by ") && $0.contains(who) },
        "\(report.log)", sourceLocation: sourceLocation)
    #expect(report["images"].allSatisfy { $0.hasPrefix("600:") }, sourceLocation: sourceLocation)
    #expect(!machine.console.text.contains(Texts.native), sourceLocation: sourceLocation)
    #expect(!machine.console.text.contains(passphrase), sourceLocation: sourceLocation)
    return report
}

/// Types the passphrase at Debian's own prompt, and waits for the login prompt.
///
/// From Debian 13 on initramfs-tools itself configures what `ip=` says, just before the new root. Postern takes that down,
/// unless it had no part in the boot (`isOff`).
@discardableResult
func expectNativeUnlock(
    _ machine: Machine, isOff: Bool = false, sourceLocation: SourceLocation = #_sourceLocation
) async throws -> Report {
    try await machine.console.expect(Texts.native)
    machine.type(passphrase + "\r")
    let report = try await machine.login()
    #expect(report["root"] == ["/dev/mapper/crypt-root"], sourceLocation: sourceLocation)
    let network = isOff ? [] : ["addresses", "global"]
    for question in ["secrets", "processes", "keys", "prompts", "failed"] + network {
        #expect(report[question] == [], "\(question)", sourceLocation: sourceLocation)
    }
    #expect(!report.log.contains { $0.contains("opened by") }, sourceLocation: sourceLocation)
    return report
}
