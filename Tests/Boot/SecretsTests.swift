import Foundation
import Machine
import Testing

extension BootTests {
    /// What the whole memory of a machine holds of its secrets.
    private struct Found: CustomStringConvertible {
        let passphrase: [Trace]
        let typed: [Trace]
        let keyFile: [Trace]
        let control: [Trace]

        init(_ secrets: Secrets, in memory: UnsafeRawBufferPointer) {
            // Its first eight bytes stand in libraries, too: "open session".
            passphrase = traces(of: BootTests.passphraseBytes, in: memory).filter { $0.part.count > 8 }
            typed = traces(of: secrets.typed.utf8, in: memory)
            keyFile = traces(of: secrets.keyFile, in: memory)
            control = traces(of: secrets.control.utf8, in: memory)
        }

        var description: String {
            "passphrase \(passphrase.count), console \(typed.count), key file \(keyFile.count)"
        }
    }

    private struct Secrets {
        /// Typed at the console, and not entered.
        let typed = random()
        let keyFile: [UInt8]
        /// The new root's shell has it in a variable.
        let control = random()

        private static func random() -> String {
            let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
            return String((0..<48).map { _ in letters[Int.random(in: 0..<letters.count)] })
        }
    }

    private static var passphraseBytes: [UInt8] { Array(passphrase.utf8) }

    @Test(
        "once the boot went on, no passphrase and no key file is left in the machine's memory, if its kernel has init_on_free=1",
        arguments: [true, false])
    func memory(isCleared: Bool) async throws {
        var setup = Setup(
            disks: ["root-slow", "keys", "storage-1"],
            crypttab: """
                crypt-root UUID={root-slow} none luks
                storage-1 UUID={storage-1} /etc/keyfile:UUID={keys} luks
                """)
        setup.commandLine = isCleared ? "init_on_free=1" : "init_on_free=0"
        setup.newInit = "/bin/sh"
        setup.memory = 320
        try await boot(setup, name: isCleared ? "secrets" : "secrets-uncleared") { machine in
            let secrets = Secrets(keyFile: try machine.keyFile)
            try await machine.awaitAgent()
            try await machine.console.expect(Texts.prompt)
            machine.type(secrets.typed)
            let ssh = try Dialogue(machine.ssh())
            try await ssh.expect("storage-1  open")
            try await ssh.expect(Texts.prompt)
            ssh.type(passphrase + "\r")
            try await ssh.expect("crypt-root ... 1 s")
            let during = try await machine.memory { Found(secrets, in: $0) }
            // The search finds what the worker and the console hold at that time.
            #expect(during.passphrase.contains { $0.part.count == passphrase.utf8.count })
            #expect(during.typed.contains { $0.part.count == secrets.typed.utf8.count })

            #expect(try await ssh.status() == ExitCode.success)
            try await machine.console.expect("\n/ # ")
            let half = secrets.control.utf8.count / 2
            machine.type("a=\(secrets.control.prefix(half)); b=\(secrets.control.dropFirst(half))\r")
            machine.type("c=$a$b; busybox dmesg; echo RE''ADY\r")
            try await machine.console.expect("READY\n")
            let after = try await machine.memory { Found(secrets, in: $0) }
            #expect(after.control.contains { $0.part.count == secrets.control.utf8.count })
            if isCleared {
                #expect(after.passphrase.isEmpty, "\(after.passphrase)")
                #expect(after.typed.isEmpty, "\(after.typed)")
                #expect(after.keyFile.isEmpty, "\(after.keyFile)")
            }
            print("\(isCleared): during \(during), after \(after)")
            try note(
                "copies in memory with \(setup.commandLine), while a key is derived: \(during); afterwards: \(after)")
            // The kernel's log has been shown there, too.
            for secret in [passphrase, secrets.typed] { #expect(!machine.console.text.contains(secret)) }
        }
    }
}
