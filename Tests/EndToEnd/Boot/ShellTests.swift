import Machine
import Testing

/// A root shell over ssh, where it is allowed: in an initrd.
extension BootTests {
    @Suite struct ShellTests {
        @Test func `a shell has its terminal, its signals and its exit status, and ends when the boot goes on`()
            async throws
        {
            var setup = Setup.nas
            setup.configuration += "\nPermitShell yes"
            setup.commandLine = "ignore_loglevel"
            try await boot(setup, name: "shell") { machine in
                try await machine.awaitAgent()
                let line = "echo a; echo b >&2; readlink /proc/self/fd/0; id -u; exit 3"
                let plain = try await machine.ssh(["shell", "-c", line], input: "")
                #expect(plain.status == 3, "\(plain)")
                #expect(plain.output.hasPrefix("a\npipe:[") && plain.output.hasSuffix("]\n0\n"), "\(plain)")
                #expect(plain.errors == "b\n")

                let failing = "ls /nowhere || exit 3"
                let failed = try await machine.ssh(["shell", "-c", failing], input: "")
                #expect(failed.status == 3, "\(failed)")
                try expectRecorded(failed, to: "shell -c '\(failing)'")

                let short = try Dialogue(machine.ssh(["shell"], options: ["-tt"]))
                try await short.expect("# ")
                short.type("id -u\r")
                try await short.expect("\n0\n/root # ")
                short.type("exit 7\r")
                #expect(try await short.status() == 7, "\(short.screen.text)")
                // BusyBox asks the terminal where its cursor is.
                try expectRecorded(short.screen.text.replacing("\u{1B}[6n", with: ""), to: "shell")

                let shell = try Dialogue(machine.ssh(["shell"], options: ["-tt"]), rows: 33, columns: 91)
                try await shell.expect("You are root in the initrd of nas.")
                shell.type("tty; stty size; echo $((40 + 2))\r")
                try await shell.expect("\n42\n")
                #expect(shell.screen.text.contains("/dev/pts/0\n33 91\n"), "\(shell.screen.text)")
                shell.resize(rows: 43, columns: 132)
                shell.type("while [ \"$(stty size)\" != '43 132' ]; do sleep 1; done; echo resized: $?\r")
                try await shell.expect("resized: 0")
                shell.type("sleep 1000; echo interrupted: $?\r")
                try await shell.expect("sleep 1000; echo")
                shell.type("echo began\r")
                try await Task.sleep(for: .seconds(2))
                shell.type("\u{3}")
                try await shell.expect("^C")
                shell.type("cat /proc/self/oom_score_adj; exit 7\r")
                #expect(try await shell.status() == 7, "\(shell.screen.text)")
                #expect(shell.screen.text.contains("\n0\n"), "\(shell.screen.text)")

                // Neither what does not heed SIGHUP nor a job holds up the boot.
                let last = try Dialogue(machine.ssh(["shell"], options: ["-tt"]))
                try await last.expect("You are root in the initrd of nas.")
                last.type("trap '' HUP; sleep 1000 & echo $((6 * 7))\r")
                try await last.expect("\n42\n")
                let opened = try await machine.ssh(["unlock"], input: passphrase)
                #expect(opened.status == ExitCode.success, "\(opened)")
                try await machine.console.expect("agent ends with 0", within: .seconds(60))
                try await last.expect("The boot continues.")
                #expect(try await last.status() == 129, "\(last.screen.text)")
                try await machine.console.expect("a shell was started by")
                try await machine.console.expect("ended with 7")
                try await expectTakenOver(machine)
            }
        }
    }
}
