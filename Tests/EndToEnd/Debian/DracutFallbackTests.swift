import Foundation
import Machine
import Testing

/// Where the agent is off, does not start or is killed.
extension DebianTests.DracutTests {
    /// Answers systemd's own question, and waits for the login prompt.
    private func expectNativeUnlock(_ machine: Machine, failed: [String] = ["postern.service"]) async throws {
        try await machine.console.expect(Self.native)
        try await machine.console.expect("TAB for no echo")
        machine.type(passphrase + "\r")
        try await expectLogin(machine, by: nil, failed: failed)
    }

    @Test(arguments: Suite.tested) func `postern=off leaves the boot to systemd's question`(suite: Suite)
        async throws
    {
        var system = system(suite)
        system.commandLine += " postern=off"
        try await boot(system, name: "dracut-off") { machine in
            try await expectNativeUnlock(machine, failed: [])
            #expect(!machine.console.text.contains(Texts.prompt))
        }
    }

    @Test(arguments: Suite.tested)
    func `when the agent is killed while it asks, its question goes, and systemd's unlocks`(suite: Suite)
        async throws
    {
        var system = system(suite)
        system.control = true
        try await boot(system, name: "dracut-killed") { machine in
            try await machine.console.expect(Texts.prompt)
            let shown = try await machine.run("systemctl show -p StatusText --value postern.service")
            #expect(
                shown.output.contains("0 of 2 volumes are open; a passphrase is waited for: crypt-root"), "\(shown)"
            )
            let killed = try await machine.run("kill -9 $(systemctl show -p MainPID --value postern.service)")
            #expect(killed.status == 0, "\(killed)")
            try await expectNativeUnlock(machine)
        }
    }

    @Test(arguments: Suite.tested)
    func `when the agent is killed while a worker maps the root, that is waited for, and nobody is asked`(
        suite: Suite
    )
        async throws
    {
        var system = system(suite)
        system.control = true
        // It brings a cipher of its own, and is there early.
        system.commandLine += " module_blacklist=aesni_intel"
        // Systemd opens it at any time, and would be the one who is held, or have the cipher loaded before.
        system.files = [
            "etc/systemd/system/systemd-cryptsetup@local.service.d/late.conf":
                "[Service]\nExecStartPre=/bin/sh -c 'until [ -e /run/go ]; do sleep 0.1; done'\n"
        ]
        try await boot(system, name: "dracut-killed-mapping") { machine in
            try await machine.console.expect(Texts.prompt)
            // The kernel loads the cipher for the mapping's table, for as long as the test likes.
            let held = try await machine.run(
                """
                cat >/run/hold <<'END'
                #!/bin/sh
                case "$*" in *xts*)
                    : >/run/held
                    while [ ! -e /run/go ]; do sleep 0.1; done
                esac
                exec /sbin/modprobe "$@"
                END
                chmod 755 /run/hold
                echo /run/hold >/proc/sys/kernel/modprobe
                """)
            #expect(held.status == 0, "\(held)")
            let unlocking = Task { try await machine.ssh(["unlock"], input: passphrase) }
            let killed = try await machine.run(
                """
                until [ -e /run/held ]; do sleep 0.1; done
                kill -9 $(systemctl show -p MainPID --value postern.service)
                state=
                until [ "$state" = stop-post ] || [ "$state" = failed ]; do
                    state=$(systemctl show -p SubState --value postern.service)
                done
                : >/run/go
                [ "$state" = stop-post ]
                """)
            #expect(killed.status == 0, "\(killed)")
            #expect(try await unlocking.value.status != 0)
            try await expectLogin(machine, by: nil, failed: ["postern.service"])
            #expect(!machine.console.text.contains(Self.native))
        }
    }

    @Test(arguments: Suite.tested)
    func
        `a stranger's mapping of the root's name is neither mounted nor, when the agent is killed, left to systemd's opener`(
            suite: Suite
        )
        async throws
    {
        var system = system(suite)
        system.control = true
        // As LVM does it, which this image lacks. A mapping of the other disk would keep that from systemd.
        system.files = [
            "etc/systemd/system/postern.service.d/stranger.conf": """
            [Service]
            ExecStartPre=/bin/sh -c 'until [ -b /dev/vda ]; do sleep 0.1; done'
            ExecStartPre=/bin/sh -c 'echo 0 2048 linear /dev/vda 32768 | dmsetup create crypt-root -u LVM-stranger'

            """
        ]
        let taken = "crypt-root: the name is taken by another mapping (LVM-stranger)"
        try await boot(system, name: "dracut-stranger") { machine in
            try await machine.awaitAgent()
            let ssh = try Dialogue(machine.ssh(), columns: 200)
            try await ssh.expect("crypt-root  failed: the name is taken by another mapping (LVM-stranger)")
            // It is longer there than systemd lets a unit end, and asks for more time.
            let held = try await machine.run(
                """
                mount() { systemctl show -p ActiveState --value sysroot.mount; }
                state() { systemctl show -p SubState --value postern.service; }
                [ "$(mount)" = inactive ] || exit 2
                kill -9 $(systemctl show -p MainPID --value postern.service)
                until [ "$(state)" = stop-post ]; do sleep 0.1; done
                sleep 45
                systemctl show -p StatusText --value postern.service
                [ "$(state)" = stop-post ] && [ "$(mount)" = inactive ] && dmsetup remove crypt-root
                """)
            #expect(held.status == 0 && held.output.contains(taken), "\(held)")
            #expect(!machine.console.text.contains(Self.native))
            try await expectNativeUnlock(machine)
        }
    }

    @Test(arguments: Suite.tested) func `when the agent does not start, systemd's question unlocks`(suite: Suite)
        async throws
    {
        var system = system(suite)
        system.files = ["usr/sbin/postern": "#!/nonexistent"]
        try await boot(system, name: "dracut-broken") { machine in try await expectNativeUnlock(machine) }
    }
}
