import Foundation
import Machine
import Testing

/// What strangers on the network cannot do to a boot.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["POSTERN_BOOT_TESTS"] == "1", "run by Tests/run"))
struct StrangersTests {
    /// Ten connections that ask for services all the time and read no answer; who is sent away comes again. It says
    /// `flooding` once each has come ten times, or sent 64 MB: as much of answers and a key derivation are more than 1 GiB.
    /// From then on they come seldom: many new connections from the owner's own address would close the owner's.
    private static let flood = """
        import os, socket, sys, threading, time, paramiko
        address, port = sys.argv[1], int(sys.argv[2])
        done, floods = [0] * 10, threading.Semaphore(0)
        def attack(number):
            sent = times = 0
            while True:
                try:
                    client = socket.socket()
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                    client.connect((address, port))
                    transport = paramiko.Transport(client)
                    transport.banner_timeout = transport.handshake_timeout = 60
                    transport.start_client(timeout=60)
                    transport.packetizer.read_message = lambda: time.sleep(1000)
                    message = paramiko.Message()
                    message.add_byte(bytes([5]))
                    message.add_string("x" * 30000)
                    while True:
                        transport.packetizer.send_message(message)
                        sent += 30000
                        if sent > 64e6: break
                except Exception: pass
                times += 1
                if (sent > 64e6 or times > 9) and not done[number]:
                    done[number] = 1
                    floods.release()
                # What it has of the machine's memory it keeps.
                if sent > 64e6: time.sleep(1000)
                time.sleep(30 if done[number] else 0.2)
        for number in range(10): threading.Thread(target=attack, args=(number,), daemon=True).start()
        for _ in range(10): floods.acquire()
        print("flooding", flush=True)
        time.sleep(600)
        """

    @Test func `ten strangers who read no answer take no memory that a key derivation needs`() async throws {
        var setup = Setup(
            disks: ["root-quick", "tight"],
            crypttab: """
                crypt-root UUID={root-quick} none luks
                tight UUID={tight} none luks
                """)
        setup.memory = 1024
        setup.control = true
        try await boot(setup, name: "strangers-memory") { machine in
            try await machine.awaitAgent()
            // What the owner's session may have, and when it goes, a stranger's has not.
            let owner = try Dialogue(machine.ssh())
            try await owner.expect(Texts.prompt)
            let limits = try await machine.run(
                """
                ps | grep '[p]ostern session' | while read -r id _; do
                    set -- $(grep 'address space' /proc/$id/limits)
                    # One that has ended, and whose end the monitor has not read yet, has no limits.
                    [ -n "$4" ] && echo "$(cat /proc/$id/oom_score_adj) $(($4 >> 20)) $(($5 >> 20))"
                done
                """)
            #expect(limits.output == "400 256 256\n")
            owner.hangUp()
            let strangers = try Dialogue(machine.stranger(StrangersTests.flood))
            try await strangers.expect("flooding", within: .seconds(900))
            let end = try await machine.ssh(["unlock"], input: passphrase + "\n")
            #expect(end.status == ExitCode.success, "\(end) \(machine.console.tail(40))")
            #expect(end.output.contains("tight: open"), "\(end)")
            #expect(!machine.console.text.contains("Out of memory"), "\(machine.console.tail(40))")
            try await expectTakenOver(machine, open: ["crypt-root", "tight"])
            withExtendedLifetime(strangers) {}
        }
    }
}
