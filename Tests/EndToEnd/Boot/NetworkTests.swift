import Machine
import Testing

extension BootTests {
    @Test func `the console says how to reach the machine, and what it says is right`() async throws {
        try await boot(.nas, name: "network") { machine in
            try await machine.console.expect(Texts.reached + "10.0.2.15\n")
            try await machine.awaitAgent()
            #expect(try await machine.ssh(["unlock"], input: passphrase).status == ExitCode.success)
            try await expectTakenOver(machine)
        }
    }

    @Test func `a card that nobody brings up gets an IPv6 address from the router`() async throws {
        var setup = Setup.nas
        setup.network = "none"
        setup.control = true
        try await boot(setup, name: "network-ipv6") { machine in
            // QEMU's router advertises fec0::/64; the rest is made of the card's address.
            let address = "fec0::5054:ff:fe12:3456"
            try await machine.console.expect(Texts.reached + address + "\n")
            let greeting = try await machine.run("sleep 3 | nc \(address) 2222 | head -c 4")
            #expect(greeting.output == "SSH-")
        }
    }

    @Test func `a card without a driver is named`() async throws {
        var setup = Setup.nas
        setup.network = "none"
        setup.card = "e1000"
        try await boot(setup, name: "network-no-driver") { machine in
            try await machine.console.expect(Texts.noDriver)
            try await machine.console.expect("(8086:100e)")
            // The prompt stands there nevertheless.
            machine.type(passphrase + "\r")
            try await expectTakenOver(machine)
        }
    }

    @Test func `without IPv6 in the kernel the machine is unlocked by IPv4`() async throws {
        var setup = Setup.nas
        setup.commandLine = "ipv6.disable=1"
        try await boot(setup, name: "network-no-ipv6") { machine in
            try await machine.console.expect(Texts.reached + "10.0.2.15\n")
            #expect(!machine.console.text.contains(Texts.reached + "fe"))
            try await machine.awaitAgent()
            #expect(try await machine.ssh(["unlock"], input: passphrase).status == ExitCode.success)
            try await expectTakenOver(machine)
        }
    }
}
