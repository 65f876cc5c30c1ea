import Foundation
import Testing

@testable import Image

/// systemd's crypttab of an image, and the units of devices that its lines name.
@Suite struct SystemdTableTests {
    private func table(
        _ text: String, ours: [String] = [], spare: [String] = [], watched: [String] = []
    ) -> SystemdTable {
        SystemdTable(
            Array(text.utf8), isManaged: { ours.contains($0) }, isSpare: { spare.contains($0) },
            isWatched: { watched.contains($0) })
    }

    private func text(_ table: SystemdTable) -> String { String(decoding: table.bytes, as: UTF8.self) }

    /// What follows the order behind Postern in each drop-in, by the unit's name.
    private func limits(_ table: SystemdTable) -> [String: String] {
        var found: [String: String] = [:]
        for dropIn in table.dropIns {
            let parts = dropIn.path.split(separator: "/")
            #expect(parts.prefix(3) == ["etc", "systemd", "system"])
            #expect(["postern.conf", "timeout.conf"].contains(parts.last))
            let lines = String(decoding: dropIn.text, as: UTF8.self).split(separator: "\n")
            #expect(lines.dropFirst().prefix(2) == ["[Unit]", "After=postern.service"])
            found[String(parts[3].dropLast(".device.d".count))] = lines.dropFirst(3).joined()
        }
        return found
    }

    private let limit = "JobRunningTimeoutSec=90s"

    @Test func `systemd asks for a volume that is watched as often as it takes, unless its line says how often`() {
        let made = table(
            "a /dev/a none luks,tpm2-device=auto\nb /dev/b none tpm2-device=auto,tries=2\nc /dev/c none luks\n",
            ours: ["c"], watched: ["a", "b"])
        #expect(
            text(made)
                == "a /dev/a none luks,tpm2-device=auto,tries=0\nb /dev/b none tpm2-device=auto,tries=2\n"
                + "c /dev/c none luks\n")
    }

    @Test func `a line of ours needs its key volume no more, unless it says how long itself`() {
        let made = table(
            "a /dev/a /key:LABEL=keys luks\nb /dev/b /key:LABEL=more luks,keyfile-timeout=7s\nc /dev/c /key luks\n"
                + "d /dev/d /dev/stick luks,keyfile-size=64\ne /dev/e none luks\n",
            ours: ["a", "b", "c", "d", "e"])
        #expect(
            text(made)
                == "a /dev/a /key:LABEL=keys luks,keyfile-timeout=5s\n"
                + "b /dev/b /key:LABEL=more luks,keyfile-timeout=7s\nc /dev/c /key luks\n"
                + "d /dev/d /dev/stick luks,keyfile-size=64,keyfile-timeout=5s\ne /dev/e none luks\n")
        #expect(
            limits(made)
                == [#"dev-disk-by\x2dlabel-keys"#: limit, #"dev-disk-by\x2dlabel-more"#: "", "dev-stick": limit])
    }

    @Test
    func `a line that is left to systemd stands as it stood, and none of its devices is waited for without limit`() {
        let lines =
            "a /dev/a /key:UUID=1234-ABCD luks\nb /dev/b none luks,x-systemd.device-timeout=5\n"
            + "c /dev/c none luks,header=/dev/header\nd /dev/d none luks,header=/h:LABEL=head\n"
            + "e /dev/e none luks,noauto\n"
        let made = table(lines)
        #expect(text(made) == lines)
        #expect(
            limits(made) == [
                "dev-a": limit, "dev-b": "", "dev-c": limit, "dev-d": limit, "dev-header": limit,
                #"dev-disk-by\x2duuid-1234\x2dabcd"#: limit, #"dev-disk-by\x2duuid-1234\x2dABCD"#: limit,
                #"dev-disk-by\x2dlabel-head"#: limit,
            ])
    }

    @Test func `what dracut would write at boot, that a volume's device is waited for without limit, is there already`()
    {
        let made = table("a /dev/a /k:/dev/b luks\n")
        #expect(
            made.dropIns.map { $0.path } == [
                "/etc/systemd/system/dev-a.device.d/timeout.conf", "/etc/systemd/system/dev-b.device.d/postern.conf",
            ])
    }

    @Test(arguments: [["a", "b"], ["b", "a"]])
    func `what one line says of a device holds for all`(_ order: [String]) {
        let lines = ["a": "a /dev/a /k:LABEL=x luks,keyfile-timeout=0\n", "b": "b /dev/b /k:LABEL=x luks\n"]
        let made = table(order.map { lines[$0] ?? "" }.joined(), ours: ["a", "b"])
        #expect(limits(made) == [#"dev-disk-by\x2dlabel-x"#: ""])
    }

    @Test func `a spare volume of ours gets both options`() {
        let made = table("a /dev/a /k:LABEL=x luks\nb /dev/b none nofail\n", ours: ["a", "b"], spare: ["a", "b"])
        #expect(text(made) == "a /dev/a /k:LABEL=x luks,nofail,keyfile-timeout=5s\nb /dev/b none nofail\n")
    }

    @Test func `systemd waits for a disk that the boot goes on without no longer than a while`() {
        let made = table(
            "a /dev/a /k:LABEL=x luks\nb /dev/b none nofail\nc /dev/c none luks\n"
                + "d /dev/d none nofail,x-systemd.device-timeout=0\ne /dev/e none luks\nf /dev/f /k:/dev/e nofail\n",
            ours: ["a", "b", "c", "d", "e", "f"], spare: ["a", "e"])
        let short = "JobRunningTimeoutSec=30s"
        #expect(
            limits(made)
                == [
                    "dev-a": short, #"dev-disk-by\x2dlabel-x"#: limit, "dev-b": short, "dev-d": "", "dev-e": limit,
                    "dev-f": short,
                ])
    }

    @Test(arguments: ["keys", "ä+-.=@_", "a/b", "x~y%(z)"])
    func `the unit of a device has the name that systemd gives it`(_ label: String) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "postern-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let crypttab = folder.appending(path: "crypttab")
        try Data("a /dev/a /k:LABEL=\(label) luks,keyfile-timeout=9\n".utf8).write(to: crypttab)
        let generator = Process()
        generator.executableURL = URL(filePath: "/lib/systemd/system-generators/systemd-cryptsetup-generator")
        generator.arguments = [folder.path, folder.path, folder.path]
        generator.environment = ["SYSTEMD_CRYPTTAB": crypttab.path, "RUNTIME_DIRECTORY": folder.path]
        try generator.run()
        generator.waitUntilExit()
        let made = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        let unit = try #require(limits(table("a /dev/a /k:LABEL=\(label) luks\n", ours: ["a"])).keys.first)
        #expect(made.contains("\(unit).device.d"), "\(made)")
    }
}
