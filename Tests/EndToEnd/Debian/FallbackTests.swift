import Machine
import Testing

extension DebianTests {
    @Test func `postern=off leaves the boot to the native prompt`() async throws {
        var system = System("plain")
        system.commandLine = "postern=off"
        try await boot(system, name: "debian-off") { machine in
            try await expectNativeUnlock(machine)
            #expect(!machine.console.text.contains(Texts.prompt))
        }
    }

    @Test(
        arguments: ["KILL", "TERM"])
    func `when the agent is killed or told to end while it waits, the native prompt unlocks`(signal: String)
        async throws
    {
        var system = System("plain")
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

    @Test func `when the agent finds nothing that it can use, the native prompt unlocks`() async throws {
        var system = System("plain")
        system.files = ["etc/postern/postern.conf": "?", "etc/postern/crypttab": "?"]
        try await boot(system, name: "debian-broken") { machine in
            try await expectNativeUnlock(machine)
        }
    }

    @Test func `a system that was upgraded, and its kernel, too, is unlocked by ssh`() async throws {
        try await boot(System("upgraded"), name: "debian-upgraded") { machine in
            try await machine.awaitAgent()
            try await unlock(machine)
            let report = try await expectLogin(machine, by: "owner@laptop")
            #expect(try await report["kernel"] == [System.kernel("upgraded")])
            #expect(try await System.kernel("upgraded") != System.kernel("plain"))
        }
    }

    @Test
    func `without a key, and with disks missing at a kernel's upgrade, the new kernel boots by the native prompt`()
        async throws
    {
        try await boot(System("unkeyed"), name: "debian-unkeyed") { machine in
            let report = try await expectNativeUnlock(machine)
            #expect(try await report["kernel"] == [System.kernel("unkeyed")])
        }
    }
}
