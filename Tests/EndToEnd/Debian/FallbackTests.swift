import Machine
import Testing

extension DebianTests {
    @Test(arguments: Suite.tested) func `postern=off leaves the boot to the native prompt`(suite: Suite) async throws {
        var system = System(suite, "plain")
        system.commandLine = "postern=off"
        try await boot(system, name: "debian-off") { machine in
            try await expectNativeUnlock(machine, isOff: true)
            #expect(!machine.console.text.contains(Texts.prompt))
        }
    }

    @Test(arguments: Suite.tested, ["KILL", "TERM"])
    func `when the agent is killed or told to end while it waits, the native prompt unlocks`(
        suite: Suite, signal: String
    ) async throws {
        var system = System(suite, "plain")
        system.control = true
        try await boot(system, name: "debian-killed-\(signal)") { machine in
            try await machine.awaitAgent()
            try await machine.console.expect(Texts.prompt)
            let agent = #"ps w | sed -n 's|^ *\([0-9]*\) .*/usr/sbin/[p]ostern agent.*|\1|p'"#
            let killed = try await machine.run("kill -\(signal) $(\(agent))")
            #expect(killed.status == 0, "\(killed)")
            try await expectNativeUnlock(machine)
        }
    }

    @Test(arguments: Suite.tested) func `when the agent finds nothing that it can use, the native prompt unlocks`(
        suite: Suite
    ) async throws {
        var system = System(suite, "plain")
        system.files = ["etc/postern/postern.conf": "?", "etc/postern/crypttab": "?"]
        try await boot(system, name: "debian-broken") { machine in
            try await expectNativeUnlock(machine)
        }
    }

    @Test(arguments: Suite.tested) func `a system that was upgraded, and its kernel, too, is unlocked by ssh`(
        suite: Suite
    ) async throws {
        try await boot(System(suite, "upgraded"), name: "debian-upgraded") { machine in
            try await machine.awaitAgent()
            try await unlock(machine)
            let report = try await expectLogin(machine, by: "owner@laptop")
            #expect(try await report["kernel"] == [System.kernel(suite, "upgraded")])
            #expect(try await System.kernel(suite, "upgraded") != System.kernel(suite, "plain"))
        }
    }

    @Test(arguments: Suite.tested)
    func `without a key, and with disks missing at a kernel's upgrade, the new kernel boots by the native prompt`(
        suite: Suite
    )
        async throws
    {
        try await boot(System(suite, "unkeyed"), name: "debian-unkeyed") { machine in
            let report = try await expectNativeUnlock(machine, isOff: true)
            #expect(try await report["kernel"] == [System.kernel(suite, "unkeyed")])
        }
    }
}
