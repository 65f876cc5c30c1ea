import Foundation
import Glibc
import TestPeers
import Testing

/// What the consoles say of the network: the shipped binary, in earnest, in a network namespace of its own with no device
/// to open and an empty /sys. Every test asks for root, as `Tests/run` does.
@Suite struct ReachedTests {
    /// An agent, and the terminal that is its console.
    private final class Reached: @unchecked Sendable {
        let materials: Materials
        let files: TemporaryFolder
        let console: Pseudoterminal
        let wire: Wire

        /// `prepare` is a shell command before the agent starts, with /sys to fill.
        init(_ settings: String = "", options: String = "", prepare: String = ":") throws {
            materials = try Materials.made.get()
            files = try TemporaryFolder()
            try files.write("root /dev/of/nobody none luks\n", to: "crypttab")
            try files.write(materials.alice.line() + "\n", to: "keys")
            let lines = [
                "Port 2222", "Crypttab \(files.path("crypttab"))", "AuthorizedKeysFile \(files.path("keys"))",
                "HostKey \(materials.host[0].path)", settings,
            ]
            try files.write(lines.joined(separator: "\n") + "\n", to: "conf")
            try files.write(
                """
                mount -t tmpfs run /run && mount -t tmpfs sys /sys && \(prepare) || exit
                echo "Console $(tty)" >>\(files.path("conf"))
                exec \(try Rehearsal.binary()) agent \(options) -f \(files.path("conf")) 2>\(files.path("log"))
                """, to: "start")
            let started = try Pseudoterminal(
                "unshare", ["-n", "-m", "sh", files.path("start")], columns: 200, rows: 50)
            console = started
            let log = files.path("log")
            let isReady = eventually {
                String(decoding: FileManager.default.contents(atPath: log) ?? Data(), as: UTF8.self).contains(
                    "listening on")
            }
            guard isReady else { throw PeerError.tool("the agent does not start: \(started.screen)") }
            wire = try Wire(to: started.process)
        }

        var log: String {
            String(decoding: FileManager.default.contents(atPath: files.path("log")) ?? Data(), as: UTF8.self)
        }

        func shows(_ text: String) -> Bool { console.shows(text, timeout: patience) }

        /// Ends the agent.
        func end() -> Int32 {
            console.signal(SIGTERM)
            return console.wait(timeout: patience)
        }

        /// Logs in from the other end.
        func status(at address: String) throws -> Finished {
            try wire.run([
                "ssh", "-F", "none", "-p", "2222", "-i", materials.alice.path, "-o", "IdentitiesOnly=yes", "-o",
                "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "root@\(address)", "status",
            ])
        }
    }

    /// Keepalive and TCP_USER_TIMEOUT, for a client whose end of the line says nothing any more.
    @Test func `a client that has vanished is forgotten in a minute`() throws {
        let agent = try Reached()
        try agent.wire.plug()
        try agent.wire.ip("addr add 192.0.2.1/24 dev wire")
        try agent.wire.ip("link set wire up")
        #expect(eventually { (try? agent.wire.otherIP("link show eth0"))?.contains("LOWER_UP") == true })
        try agent.wire.otherIP("addr add 192.0.2.10/24 dev eth0")
        let client = Later {
            try agent.wire.run([
                "timeout", "-s", "KILL", "30", "ssh", "-N", "-F", "none", "-p", "2222", "-i",
                agent.materials.alice.path, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                "root@192.0.2.10",
            ])
        }
        #expect(eventually { agent.log.contains("login of root") }, "\(agent.log)")
        let start = Date()
        try agent.wire.ip("link set wire down")
        #expect(
            eventually { Processes.children(of: agent.console.process, "session").isEmpty }, "\(agent.log)")
        let seconds = Date().timeIntervalSince(start)
        #expect(seconds >= 30, "\(seconds)")
        _ = try client.value()
        #expect(agent.end() == 1)
    }

    @Test func `from no card to an address and back`() throws {
        let agent = try Reached()
        #expect(agent.shows("Network: there is no network card"), "\(agent.log)")
        try agent.wire.plug()
        // Nobody but the agent brings the card up.
        #expect(agent.shows("Network: eth0 has no carrier; is its cable plugged in?"), "\(agent.log)")
        try agent.wire.ip("addr add 192.0.2.1/24 dev wire")
        try agent.wire.ip("link set wire up")
        #expect(agent.shows("Only from the network segment of eth0: ssh -p 2222 root@fe80::"), "\(agent.log)")
        #expect(agent.shows("%INTERFACE, where"), "\(agent.console.screen.debugDescription)")
        #expect(agent.shows("Network: eth0 has no address yet"))
        let shown = try #require(agent.console.screen.components(separatedBy: "root@fe80::").last)
        let address = "fe80::" + shown.prefix { $0 != "%" }
        let near = try agent.status(at: address + "%wire")
        #expect(near.status == 0 && near.out.contains("root"), "\(near) \(agent.log)")
        try agent.wire.otherIP("addr add 192.0.2.10/24 dev eth0")
        #expect(agent.shows("Reach it with: ssh -p 2222 root@192.0.2.10"), "\(agent.log)")
        #expect(agent.shows("Waiting for root"))
        let far = try agent.status(at: "192.0.2.10")
        #expect(far.status == 0 && far.out.contains("root"), "\(far) \(agent.log)")
        try agent.wire.ip("link set wire down")
        #expect(agent.shows("Network: eth0 has no carrier"), "\(agent.log)")
        // The log has it, too.
        #expect(agent.log.contains("postern: Reach it with: ssh -p 2222 root@192.0.2.10"), "\(agent.log)")
        #expect(agent.end() == 1)
    }

    @Test func `a router of DHCPv6 alone and one with a prefix`() throws {
        let agent = try Reached()
        try agent.wire.plug()
        try agent.wire.ip("link set wire up")
        #expect(agent.shows("Network: eth0 has no address yet"), "\(agent.log)")
        let isNamed = eventually {
            // Until this end has an address to say it from, nothing is said.
            try? agent.wire.advertise(managed: true, prefix: nil)
            return agent.console.shows("the router at eth0 gives IPv6 addresses by DHCPv6 alone", timeout: 0.5)
        }
        #expect(isNamed, "\(agent.log)")
        let isThere = eventually {
            try? agent.wire.advertise(managed: true, prefix: [0x20, 1, 0xd, 0xb8, 0, 1, 0, 2])
            return agent.console.shows("Reach it with: ssh -p 2222 root@2001:db8:1:2:", timeout: 0.5)
        }
        #expect(isThere, "\(agent.log)")
        #expect(agent.end() == 1)
    }

    @Test func `a card without driver and an address that is taken`() throws {
        let device = "/sys/bus/pci/devices/0000:00:03.0"
        let agent = try Reached(
            prepare: "mkdir -p \(device) && for pair in class=0x020000 vendor=0x8086 device=0x100e; do "
                + "echo ${pair#*=} >\(device)/${pair%=*}; done")
        #expect(agent.shows("Network: no driver for the card PCI 0000:00:03.0 (8086:100e)"), "\(agent.log)")
        try agent.wire.plug()
        try agent.wire.ip("link set wire up")
        try agent.wire.ip("addr add 2001:db8::5/64 dev wire nodad")
        #expect(agent.shows("Network: eth0 has no address yet"), "\(agent.log)")
        try agent.wire.otherIP("addr add 2001:db8::5/64 dev eth0")
        #expect(agent.shows("another machine has the address 2001:db8::5 of eth0"), "\(agent.log)")
        #expect(!agent.console.screen.contains("root@2001:db8::5"))
        #expect(agent.end() == 1)
    }

    /// The kernel drops news that nobody reads in time.
    @Test func `news that were lost are looked up`() throws {
        let agent = try Reached("ListenAddress 0.0.0.0")
        try agent.wire.plug()
        try agent.wire.ip("link set wire up")
        #expect(agent.shows("Network: eth0 has no address yet"), "\(agent.log)")
        agent.console.signal(SIGSTOP)
        var batch = ""
        for number in 0..<2000 {
            let address = "198.51.100.\(number % 250 + 1)/24 dev eth0\n"
            batch += "addr add \(address)addr del \(address)"
        }
        try agent.wire.otherIP("-batch -", input: .text(batch + "addr add 192.0.2.10/24 dev eth0\n"))
        agent.console.signal(SIGCONT)
        #expect(agent.shows("Reach it with: ssh -p 2222 root@192.0.2.10"), "\(agent.log)")
        #expect(!agent.console.screen.contains("root@198.51.100."))
        #expect(agent.end() == 1)
    }

    @Test func `a rehearsal leaves links alone`() throws {
        let agent = try Reached(options: "--rehearse")
        try agent.wire.plug()
        // An agent in earnest would have brought it up by now.
        sleep(4)
        #expect(try !agent.wire.otherIP("link show eth0").contains("UP"))
        #expect(!agent.log.contains("Network:") && !agent.console.screen.contains("Network:"), "\(agent.log)")
        #expect(agent.end() == 1)
    }
}
