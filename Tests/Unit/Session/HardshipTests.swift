import Foundation
import Glibc
import Linux
import TestPeers
import Testing
import Wire

/// Deaths, hangs and floods.
extension SessionTests {
    @Suite(.serialized) struct HardshipTests {
        @Test func `a killed session is reported and its client does not hang`() throws {
            let bench = try Bench()
            let screen = try bench.terminal()
            #expect(screen.shows("Passphrase for root: "))
            // What a forbidden system call does to it.
            kill(bench.monitor.processes[0], SIGSYS)
            #expect(bench.monitor.exitStatus() == 159)
            #expect(screen.wait() == 255)
        }

        @Test func `it ends with the monitor`() throws {
            let bench = try Bench()
            let screen = try bench.terminal()
            #expect(screen.shows("Passphrase for root: "))
            bench.monitor.hangUp()
            #expect(bench.monitor.exitStatus() == 0)
            #expect(screen.wait() == 255)
            #expect(!screen.screen.contains("closed by remote host"), "\(screen.screen)")
        }

        @Test func `it ends in order when the monitor goes after the end`() throws {
            let bench = try Bench()
            let screen = try bench.terminal()
            #expect(screen.shows("Passphrase for root: "))
            bench.monitor.endChannels(.done, "")
            bench.monitor.hangUp()
            #expect(screen.wait() == 0, "\(screen.screen)")
            #expect(screen.screen.contains("Boot continues."))
            #expect(bench.monitor.exitStatus() == 0)
        }

        @Test func `a stopped client costs little memory and sees the end later`() throws {
            let bench = try Bench()
            let screen = try bench.terminal()
            #expect(screen.shows("Passphrase for root: "))
            let before = memory(of: bench.monitor.processes[0])
            screen.signal(SIGSTOP)
            // Far more than the client's window and the socket hold: 30,000 pictures of some 100 bytes each.
            for index in 0..<30_000 {
                var state = FakeMonitor.state()
                state.volumes[0].detail = "news \(index) \(String(repeating: "x", count: 60))"
                bench.monitor.sendState(state)
                if index % 1000 == 0 { Thread.sleep(forTimeInterval: 0.02) }
            }
            Thread.sleep(forTimeInterval: 1)
            let after = memory(of: bench.monitor.processes[0])
            #expect(after - before < 4096, "\(before) KiB, then \(after)")
            screen.signal(SIGCONT)
            #expect(screen.shows("news 29999", timeout: 90))
            screen.type("correct horse\r")
            #expect(screen.wait(timeout: 90) == 0)
        }

        @Test func `a stopped client is given up once nothing is left to do`() throws {
            let bench = try Bench()
            let screen = try bench.terminal()
            #expect(screen.shows("Passphrase for root: "))
            screen.signal(SIGSTOP)
            bench.monitor.endChannels(.done, "")
            #expect(bench.monitor.exitStatus() == 0)
            screen.signal(SIGCONT)
        }

        @Test func `flooded input is discarded`() throws {
            let bench = try Bench()
            bench.monitor.tryTime = 1000
            let flood = "battery staple\n" + String(repeating: "y\n", count: 2_000_000)
            let end = try bench.ssh(["unlock"], input: .text(flood))
            #expect(end.status == 3, "\(end)")
            let tried = bench.monitor.events.filter { if case .passphrase = $0 { true } else { false } }
            #expect(tried.count == 1)
        }

        @Test(
            .enabled(if: geteuid() == 0, "another process's memory is root's to read"), arguments: [true, false])
        func `no copy of a passphrase stays in its memory`(terminal: Bool) throws {
            let bench = try Bench()
            let path = bench.folder.path("control")
            let options = ["-o", "ControlPath=\(path)"]
            let screen = try bench.terminal(options: ["-o", "ControlMaster=yes"] + options)
            #expect(screen.shows("Passphrase for root: "))
            let secret = Secret()
            let id = bench.monitor.processes[0]
            if terminal {
                screen.type(secret.text + "\r")
                #expect(screen.shows("Wrong passphrase."))
            } else {
                #expect(try bench.ssh(["unlock"], options: options, input: .text(secret.text + "\n")).status == 3)
            }
            let known = Secret(text: "Passphrase for root")
            let isRead = try ProcessMemory.places(of: known, in: id).contains { $0.length == known.text.utf8.count }
            #expect(isRead, "its memory cannot be read")
            let places = try ProcessMemory.places(of: secret, in: id)
            #expect(places.isEmpty, "\(places)")
        }

        @Test(
            .enabled(if: geteuid() == 0, "another process's memory is root's to read"))
        func `the host key lies in the signer's memory alone`() throws {
            let bench = try Bench()
            let screen = try bench.terminal()
            #expect(screen.shows("Passphrase for root: "))
            // The file ends in the seed and the public key (PROTOCOL.key of OpenSSH), and then the comment.
            let text = try #require(bench.monitor.hostKeys.first).withUnsafeBytes {
                String(decoding: $0, as: UTF8.self)
            }
            let lines = text.split(separator: "\n").filter { !$0.hasPrefix("-----") }
            let file = try #require(Data(base64Encoded: lines.joined()))
            let start = try #require(file.range(of: Data("ssh-ed25519".utf8))).upperBound + 4
            let end = try #require(file.range(of: file[start..<(start + 32)], options: .backwards)).lowerBound
            let seed = file[(end - 32)..<end]
            func places(_ wanted: Data, _ process: Int32) throws -> [ProcessMemory.Copy] {
                try ProcessMemory.places(of: Secret(wanted), in: process)
            }
            #expect(try places(seed, bench.monitor.signers[0]).contains { $0.length == 32 })
            let found = try places(seed, bench.monitor.processes[0])
            #expect(found.isEmpty, "\(found)")
            let known = try places(file[start..<(start + 32)], bench.monitor.processes[0])
            #expect(known.contains { $0.length == 32 }, "its memory cannot be read")
        }

        @Test func `it is confined`() throws {
            let bench = try Bench()
            let screen = try bench.terminal()
            #expect(screen.shows("Passphrase for root: "))
            let id = bench.monitor.processes[0]
            let text = try String(contentsOfFile: "/proc/\(id)/status", encoding: .utf8)
            #expect(text.contains("Seccomp:\t2"))
            #expect(text.contains("NoNewPrivs:\t1"))
            for set in ["CapEff", "CapPrm", "CapInh"] { #expect(text.contains("\(set):\t0000000000000000")) }
            guard geteuid() == 0 else { return }
            #expect(text.contains("CapBnd:\t0000000000000000"))
            #expect(text.contains("Uid:\t61000\t61000\t61000\t61000"))
            #expect(text.contains("Groups:\t \n") || text.contains("Groups:\t\n"))
            #expect(try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(id)/root") != "/")
            #expect(memory(of: id) <= 6 << 10, "\(memory(of: id)) KiB")
        }

        /// Resident memory in KiB.
        private func memory(of id: Int32) -> Int {
            let text = (try? String(contentsOfFile: "/proc/\(id)/status", encoding: .utf8)) ?? ""
            let line = text.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
            return line.flatMap { Int($0.split(separator: " ").dropLast().last ?? "") } ?? 0
        }
    }
}
