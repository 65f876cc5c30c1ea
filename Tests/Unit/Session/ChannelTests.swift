import Foundation
import TestPeers
import Testing
import Wire

/// Several channels over one connection, and what no channel gets.
extension SessionTests {
    @Suite(.serialized) struct ChannelTests {
        @Test func `closing one channel leaves the others`() throws {
            let bench = try Bench()
            let path = bench.folder.path("control")
            let screen = try bench.terminal(options: ["-o", "ControlMaster=yes", "-o", "ControlPath=\(path)"])
            #expect(screen.shows("Passphrase for root: "))
            for _ in 0..<12 {
                let end = try bench.ssh(["status"], options: ["-o", "ControlPath=\(path)"])
                #expect(end.status == 0 && end.out.contains("nas"), "\(end)")
            }
            #expect(try bench.ssh(["nonsense"], options: ["-o", "ControlPath=\(path)"]).status == 6)
            let end = try bench.ssh(["unlock"], options: ["-o", "ControlPath=\(path)"], input: .text("battery\n"))
            #expect(end.status == 3, "\(end)")
            #expect(bench.monitor.processes.count == 1)
            screen.type("correct horse\r")
            #expect(screen.shows("Boot continues."))
            #expect(screen.wait() == 0)
            #expect(bench.monitor.exitStatus() == 0)
        }

        @Test func `eleven channels are one too many`() throws {
            let bench = try Bench()
            let path = bench.folder.path("control")
            let options = ["-o", "ControlPath=\(path)"]
            let master = try bench.terminal(options: ["-o", "ControlMaster=yes"] + options)
            #expect(master.shows("Passphrase for root: "))
            let others = try (0..<9).map { _ in try bench.terminal(options: options) }
            for other in others { #expect(other.shows("Passphrase for root: ")) }
            // The client is refused a channel and falls back to a connection of its own.
            #expect(try bench.ssh(["status"], options: options).status == 0)
            #expect(bench.monitor.processes.count == 2)
            others[0].type("\u{3}")
            #expect(others[0].wait() == 6)
            #expect(try bench.ssh(["status"], options: options).status == 0)
            #expect(bench.monitor.processes.count == 2)
            others[1].type("correct horse\r")
            for other in others.dropFirst() { #expect(other.wait() == 0, "\(other.screen)") }
            #expect(master.wait() == 0)
        }

        @Test func `a master that stays is sent away once the boot goes on`() throws {
            let bench = try Bench()
            let path = bench.folder.path("control")
            let options = ["-o", "ControlPath=\(path)", "-o", "ControlMaster=auto", "-o", "ControlPersist=60"]
            let end = try bench.ssh(["unlock"], options: options, input: .text("correct horse\n"))
            #expect(end.status == 0)
            #expect(bench.monitor.exitStatus() == 0)
        }

        @Test func `nothing is forwarded`() throws {
            let bench = try Bench()
            let port = String(bench.monitor.port)
            let local = try bench.ssh([], options: ["-W", "127.0.0.1:\(port)"])
            #expect(local.status == 255)
            #expect(local.err.contains("forwarding failed"), "\(local)")
            let remote = try bench.ssh(
                ["status"], options: ["-R", "0:127.0.0.1:\(port)", "-o", "ExitOnForwardFailure=yes"])
            #expect(remote.status == 255)
            let environment = try bench.ssh(["status"], options: ["-A", "-o", "SetEnv=LD_PRELOAD=/x", "-X"])
            #expect(environment.status == 0)
        }
    }
}
