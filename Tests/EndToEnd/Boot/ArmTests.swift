import Machine
import Testing

extension BootTests {
    /// Machines with the arm64 binary, which `initrd/build --arch arm64` makes.
    @Suite struct ArmTests {
        @Test func `on arm64 a passphrase on standard input opens the root, and the key volume's file the array`()
            async throws
        {
            try await boot(.arm, name: "arm64-ssh") { machine in
                try await machine.awaitAgent()
                let unlocked = try await machine.ssh(["unlock"], input: passphrase)
                #expect(unlocked.status == 0, "\(unlocked)")
                try await expectTakenOver(machine)
            }
        }
    }
}

extension RareFaultTests {
    @Test func `on arm64 with pages of 16 KiB a passphrase typed at the console opens everything`() async throws {
        var setup = Setup.arm
        setup.flavour = "arm64-16k"
        // The kernel for every machine is larger, and unpacks itself.
        setup.memory = 1024
        try await boot(setup, name: "arm64-console") { machine in
            try await machine.console.expect(Texts.prompt)
            machine.type("wrong\r")
            try await machine.console.expect(Texts.wrong)
            machine.type(passphrase + "\r")
            try await expectTakenOver(machine)
        }
    }
}

extension Setup {
    /// The seed's machine, with a processor of the other kind.
    fileprivate static var arm: Setup {
        var setup = Setup.nas
        setup.architecture = .arm64
        setup.disks[0] = "root-arm64"
        setup.crypttab.replace("{root-quick}", with: "{root-arm64}")
        return setup
    }
}
