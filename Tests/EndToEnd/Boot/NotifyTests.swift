import Foundation
import Machine
import Repository
import Testing

extension BootTests {
    /// Owners are told from inside an initrd, by servers of the host.
    @Suite struct NotifyTests {
        /// The servers, as long as `body` runs.
        private func withServers(
            _ body: (Announced, (https: Int, http: Int, mute: Int)) async throws -> Void
        ) async throws {
            let folder = FileManager.default.temporaryDirectory.appending(
                path: "postern-announced-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let null = open("/dev/null", O_RDWR | O_CLOEXEC)
            defer { close(null) }
            let servers = try Child([Announced.script, folder.path], descriptors: [null, null, null])
            defer { servers.kill(SIGKILL) }
            let announced = Announced(folder: folder.path)
            for _ in 0..<600 where announced.ports == nil { try await Task.sleep(for: .milliseconds(100)) }
            try await body(announced, try #require(announced.ports))
        }

        @Test func `over TLS with a private CA and without TLS the initrd tells that it waits, and who opened it`()
            async throws
        {
            try await withServers { announced, ports in
                var setup = Setup.nas
                setup.configuration += """

                    Notify https://owner.test:\(ports.https)/secure?auth=secret
                    Notify ntfy http://10.0.2.2:\(ports.http)/plain
                    """
                // As the hooks put it there.
                setup.programs = ["/usr/bin/curl"]
                setup.files = [
                    "etc/ssl/certs/ca-certificates.crt": try String(
                        contentsOfFile: announced.authority, encoding: .utf8),
                    "etc/hosts": "10.0.2.2 owner.test\n",
                ]
                try await boot(setup, name: "notify") { machine in
                    try await machine.awaitAgent()
                    for _ in 0..<3000 where announced.requests.count < 2 {
                        try await Task.sleep(for: .milliseconds(100))
                    }
                    let unlocked = try await machine.ssh(["unlock"], input: passphrase)
                    #expect(unlocked.status == 0, "\(unlocked)")
                    try await expectTakenOver(machine)
                    #expect(try await machine.survey().files.contains("/run/postern/notify-pending") == false)
                    #expect(!machine.console.text.contains("secret"))
                }
                let texts = [
                    "nas waits to be unlocked: ssh -p 2222 root@10.0.2.15", "nas: opened by test; the boot goes on",
                ]
                #expect(announced.bodies("/plain") == texts)
                let objects = announced.objects("/secure?auth=secret")
                #expect(objects.map { $0["text"] } == texts)
                #expect(objects.map { $0["event"] } == ["waiting", "boot-continues"])
                #expect(objects.allSatisfy { $0["host"] == "nas" })
            }
        }

        @Test
        func `neither a server that never answers nor a missing curl holds up the boot, and what is left is kept`()
            async throws
        {
            try await withServers { announced, ports in
                var setup = Setup.nas
                setup.disks.removeAll { $0 == "storage-3" }
                setup.configuration += """

                    ContinueTimeout 1
                    Notify http://10.0.2.2:\(ports.mute)/
                    Notify https://owner.test:\(ports.https)/
                    """
                setup.commandLine = "ignore_loglevel"
                try await boot(setup, name: "notify-mute") { machine in
                    try await machine.console.expect("Notify with https:// waits for the booted system")
                    try await machine.awaitAgent()
                    for _ in 0..<3000 where announced.requests.isEmpty { try await Task.sleep(for: .milliseconds(100)) }
                    let unlocked = try await machine.ssh(["unlock"], input: passphrase)
                    #expect(unlocked.status == 0, "\(unlocked)")
                    try await expectTakenOver(
                        machine, open: Setup.everything.subtracting(["storage-3"]), skipped: ["storage-3"])
                    #expect(try await machine.report().files.contains("/run/postern/notify-pending"))
                }
                #expect(announced.requests.allSatisfy { $0.mute == true })
            }
        }
    }
}
