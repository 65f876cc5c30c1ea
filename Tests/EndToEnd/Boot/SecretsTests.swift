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
        /// Typed at the console, and not entered: as long as to outlast in the kernel's buffer what is typed later.
        let typed = random(400)
        let keyFile: [UInt8]
        /// The new root's shell has it in a variable.
        let control = random(48)

        private static func random(_ count: Int) -> String {
            let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
            return String((0..<count).map { _ in letters[Int.random(in: 0..<letters.count)] })
        }
    }

    private static var passphraseBytes: [UInt8] { Array(passphrase.utf8) }

    @Test(
        .serialized, arguments: [true, false])
    func
        `once the boot went on, no passphrase and no key file is in the machine's memory, if its kernel has init_on_free=1`(
            isCleared: Bool
        ) async throws
    {
        var setup = Setup(
            disks: ["root-slow", "keys", "storage-1"],
            crypttab: """
                crypt-root UUID={root-slow} none luks
                storage-1 UUID={storage-1} /etc/keyfile:UUID={keys} luks
                storage-2 UUID={storage-2} /etc/keyfile:UUID={keys} luks,nofail
                """)
        // The monitor keeps the key for it.
        setup.late = ["storage-2"]
        setup.configuration = "ContinueTimeout 1"
        setup.commandLine = "init_on_free=\(isCleared ? 1 : 0)"
        setup.newInit = "/bin/sh"
        setup.memory = 320
        try await boot(setup, name: isCleared ? "secrets" : "secrets-uncleared") { machine in
            let secrets = Secrets(keyFile: try machine.keyFile)
            try await machine.awaitAgent()
            try await machine.console.expect("storage-1: open")
            machine.type(secrets.typed)
            let ssh = try Dialogue(machine.ssh())
            try await ssh.expect(Texts.prompt)
            ssh.type(passphrase + "\r")
            try await ssh.expect("crypt-root ... 1 s")
            let during = try await machine.memory { Found(secrets, in: $0) }
            // The search finds what the worker, the console and the monitor hold at that time.
            #expect(during.passphrase.contains { $0.part.count == passphrase.utf8.count })
            #expect(during.typed.contains { $0.part.count == secrets.typed.utf8.count })
            #expect(during.keyFile.contains { $0.part.count == secrets.keyFile.count })

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
            try note(
                "copies in memory with \(setup.commandLine), while a key is derived: \(during); afterwards: \(after)")
            // The kernel's log has been shown there, too.
            #expect(machine.console.text.contains("postern: "))
            for secret in [passphrase, secrets.typed] { #expect(!machine.console.text.contains(secret)) }
        }
    }

    @Test
    func
        `no process of the agent leaves a core when it crashes, and none has a secret in its arguments or environment`()
        async throws
    {
        try await boot(Lab.setup, name: "secrets-cores") { machine in
            let lab = try await Lab(machine)
            let device = try await lab.loop("slow")
            try await lab.run("mkdir /cores && echo /cores/%e.%p >/proc/sys/kernel/core_pattern; ulimit -c unlimited")
            // What else crashes leaves one.
            try await lab.run("sleep 100 & kill -ABRT $!; wait $!; rm /cores/*")
            try await lab.startAgent("slow \(device) none luks")
            try await machine.console.expect(Texts.prompt)
            let ssh = try Dialogue(machine.ssh())
            try await ssh.expect(Texts.prompt)
            ssh.type(passphrase + "\r")
            try await ssh.expect("slow ... 1 s")
            let seen = try await lab.run("cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ | tr '\\0' '\\n'; dmesg")
            #expect(seen.contains("postern\nworker\n") && seen.contains("postern\nsession\n"))
            #expect(!seen.contains(passphrase))
            try await lab.run(
                """
                crash() {
                    for process in /proc/[0-9]*; do
                        tr '\\0' ' ' <$process/cmdline | grep -q "^$1" && kill -ABRT ${process#/proc/} && return
                    done
                    return 1
                } 2>/dev/null
                crash 'postern worker' && crash 'postern session' && crash 'postern console'
                """)
            try await machine.console.expect(Texts.prompt, times: 2)
            try await lab.run("kill -ABRT $agent; wait $agent; [ $? = 134 ]")
            #expect(try await lab.run("ls /cores").trimmed == "")
        }
    }
}
