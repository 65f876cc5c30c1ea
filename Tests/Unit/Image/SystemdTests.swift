import Foundation
import Testing

@testable import Image

/// What a systemd initrd is told of the volumes.
@Suite struct SystemdTests {
    private static let names = [
        "crypt-root", "a", ".hidden", "a.b", "storage_1:x", "luks-8d103e45-0233", "%n", "back\\slash", "ä", "two words",
        "-", "--", "a-b-c", "@", "x\u{7f}y", "tilde~", "+",
    ]

    @Test(arguments: names)
    func `names are escaped as systemd-escape does`(_ name: String) throws {
        let escape = Process()
        escape.executableURL = URL(filePath: "/usr/bin/systemd-escape")
        escape.arguments = ["--template=systemd-cryptsetup@.service", "--", name]
        let output = Pipe()
        escape.standardOutput = output
        try escape.run()
        let bytes = try #require(try output.fileHandleForReading.readToEnd())
        escape.waitUntilExit()
        let unit = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .newlines)
        #expect(SystemdUnits.dropIn(for: name) == "/etc/systemd/system/\(unit).d/postern.conf")
    }

    @Test func `the drop-in waits for Postern, and passes over what the boot goes on without`() {
        #expect(
            String(decoding: SystemdUnits.text(for: "50% of ä"), as: UTF8.self) == """
                # Written by postern image.
                [Unit]
                After=postern.service
                ConditionPathExists=!/run/postern/skip/50%% of ä

                """)
    }
}

extension CopiesTests {
    @Test(
        arguments: [
            ("a b", [1], "a b none nofail"),
            ("a b none", [1], "a b none nofail"),
            ("a\tb  c luks,discard \n# x\n\nd e f g\n", [1], "a b c luks,discard,nofail\n# x\n\nd e f g\n"),
            ("a b c luks\r\nd e f g\r\n", [2], "a b c luks\r\nd e f g,nofail\n"),
            ("a b c luks fifth\n", [1], "a b c luks,nofail\n"),
            ("a b c d\n", [], "a b c d\n"),
        ] as [(String, [Int], String)])
    func `a line gets nofail, and the others stand as they stood`(_ text: String, _ lines: [Int], _ expected: String) {
        #expect(
            String(decoding: Copies.adding("nofail", to: Array(text.utf8), lines: lines), as: UTF8.self) == expected)
    }
}
