import Foundation
import Machine
import Testing

/// Boots of installed Debian systems in QEMU. `Tests/run` builds the package that they have, and asks for them.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["POSTERN_DEBIAN_TESTS"] == "1", "run by Tests/run"))
struct DebianTests {
    @Test("postern=off leaves the boot to the native prompt")
    func off() async throws {
        var system = System("plain")
        system.commandLine = "postern=off"
        try await boot(system, name: "debian-off") { machine in
            try await machine.console.expect(Texts.native)
            machine.type(passphrase + "\r")
            let report = try await machine.login()
            #expect(report["root"] == ["/dev/mapper/crypt-root"])
            #expect(report["failed"] == [])
        }
    }
}
